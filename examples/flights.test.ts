/** Three million real flights from the file to a served model, once; everything below looks at that one run. */
import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import type { OutputOf } from "../src/contract/index.ts";
import { ask } from "./ask.ts";
import { openTables, readLake } from "./read-lake.ts";
import { mill, millJson, newPath, serve, stopped } from "./run-mill.ts";

const PROJECT = join(import.meta.dirname, "flights");
const PARQUET = join(import.meta.dirname, "..", "node_modules", "vega-datasets", "data", "flights-3m.parquet");
const PREDICT = "/v1/endpoints/late-arrival/predict";

const workspace = newPath("flights");
const at = ["--project", PROJECT, "--workspace", workspace];

type Version = OutputOf<"getModelVersion">;
type Late = { readonly id: string; readonly probability: number; readonly decision: boolean };

let server: Awaited<ReturnType<typeof serve>>;
let boosting: Version;
let logistic: Version;
before(async () => {
  const run = await mill("run", ...at);
  assert.equal(run.code, 0, run.stderr);
  server = await serve(...at);
  const versionOf = async (model: string) => (await ask(server.url, `/v1/models/${model}/versions/champion`)).json<Version>();
  [boosting, logistic] = [await versionOf("late-arrival"), await versionOf("late-arrival-baseline")];
});

const predict = async (row: Readonly<Record<string, unknown>>): Promise<Late> => {
  const reply = await ask(server.url, PREDICT, { body: { rows: [row] } });
  assert.equal(reply.status, 200, reply.text);
  return reply.json<{ predictions: Late[] }>().predictions[0]!;
};

test("on the holdout, boosting beats logistic regression, and both beat what knows only the share", () => {
  const [boosted, linear] = [boosting.report.holdout, logistic.report.holdout];
  assert.ok(boosted.rows > 300_000 && boosted.rows === linear.rows, `${boosted.rows} and ${linear.rows} rows`);
  const { constant } = linear;
  assert.ok(boosted.measures.logLoss! < linear.measures.logLoss!, "log loss of boosting and logistic regression");
  assert.ok(linear.measures.logLoss! < constant.logLoss!, "log loss of logistic regression and the constant");
  assert.ok(boosted.measures.auc! > linear.measures.auc! + 0.02, `${boosted.measures.auc} and ${linear.measures.auc}`);
  assert.ok(linear.measures.auc! > 0.6 && (constant.auc ?? 0.5) === 0.5, `${linear.measures.auc}`);
});

test("the gate passed, and says of each principle and requirement what was measured", () => {
  assert.ok(boosting.passed && boosting.verdict.passed);
  assert.deepEqual(
    boosting.verdict.chain.map(({ requirement }) => requirement.id),
    ["principle/0", "accept/auc", "accept/auc/champion", "accept/gain", "graph/difference", "graph/flips"],
  );
  for (const { passed, sentence } of boosting.verdict.chain) assert.ok(passed && sentence.length > 10, sentence);
  assert.deepEqual([boosting.proof.proven, boosting.proof.flips], [true, 0]);
  assert.ok(boosting.thresholdFrom.includes("gain") && boosting.threshold! > 0 && boosting.threshold! < 1);
});

/** What `mill.ts` says of a flight: it has landed, as far as anyone knows, after its distance at 7.5 miles a minute and 40 minutes. */
const KNOWN = "coalesce(date + to_microseconds(CAST(round((distance / 7.5 + 40) * 60e6) AS BIGINT)), date + INTERVAL 240 MINUTE)";

test("served features of landed flights are those that the definitions mean over the file", async () => {
  const asOf = "2001-06-01T00:00:00";
  const row = { date: asOf, distance: 599, origin: "ORD", destination: "DFW" };
  const { id } = await predict(row);
  const duck = openTables(workspace);
  const flown = `(SELECT * FROM read_parquet('${PARQUET}') WHERE date < TIMESTAMP '2001-06-01' AND distance > 0 AND (delay IS NULL OR delay BETWEEN -120 AND 1440))`;
  const landed = (span: string) =>
    `date >= TIMESTAMP '${asOf}' - INTERVAL ${span} AND date < TIMESTAMP '${asOf}' AND ${KNOWN} < TIMESTAMP '${asOf}'`;
  const [offline] = await duck.rows(`SELECT
    avg(delay) FILTER (origin = 'ORD' AND ${landed("3 HOUR")}) AS "recentDelay",
    avg((delay > 15)::INTEGER) FILTER (destination = 'DFW' AND ${landed("1 DAY")}) AS "recentLate" FROM ${flown}`);
  duck.close();
  expected.set(id, { ...offline } as Features);
});

test("late flights that have landed raise the prediction for their origin; those in the air, long ago or elsewhere do not", async () => {
  const row = { date: "2001-06-01T10:00:00", distance: 954, origin: "SEA", destination: "LAX" };
  const flight = (time: string, delay: number, more: object = {}) => ({
    date: `2001-06-01T${time}`,
    distance: 300,
    origin: "SEA",
    destination: "SFO",
    delay,
    ...more,
  });
  const feed = async (rows: readonly object[]) => {
    const headers = { authorization: `Bearer ${(await readFile(join(workspace, "token"), "utf8")).trim()}` };
    const reply = await ask(server.url, "/v1/endpoints/late-arrival/events", { headers, body: { rows } });
    assert.deepEqual(reply.json(), { accepted: rows.length, refused: [], repeated: 0 }, reply.text);
  };
  const early = await predict(row);
  await feed([
    flight("06:59:59", 900),
    flight("08:30:00", 900, { distance: 1500 }),
    flight("09:30:00", 900),
    flight("08:00:00", 900, { origin: "PDX" }),
  ]);
  const unmoved = await predict(row);
  assert.equal(unmoved.probability, early.probability);
  await feed([flight("07:00:00", 150), flight("07:30:00", 120), flight("08:15:00", 180)]);
  const moved = await predict(row);
  assert.ok(moved.probability > early.probability + 0.05, `${early.probability} became ${moved.probability}`);
  expected.set(early.id, { recentDelay: null });
  expected.set(moved.id, { recentDelay: 150 });
});

type Features = Readonly<Record<string, number | null>>;
const expected = new Map<string, Features>();

test("the log of predictions holds the features that each answer rests on; a second run has nothing to do", async () => {
  assert.equal(await stopped(server.child, "SIGTERM"), 0, server.text.stderr);
  const logged = await readLake(workspace, "late-arrival-predictions", "SELECT id, features FROM rows");
  assert.equal(expected.size, 3);
  for (const [id, features] of expected) {
    const served = JSON.parse(String(logged.find((row) => row.id === id)?.features)) as Features;
    for (const [name, value] of Object.entries(features)) {
      const [got, wanted] = [served[name], value];
      assert.ok(got === wanted || Math.abs(got! - wanted!) < 1e-9 * Math.abs(wanted!), `${name}: served ${got}, meant ${wanted}`);
    }
  }
  const again = await mill("run", ...at);
  assert.match(again.stdout, /^succeeded: nothing to do, \d+ steps are current/);
});

for (const [what, from, to, code, said] of [
  ["a feature that is known only later", "hour: f.date.hour(),", "hour: f.date.hour(), delay: f.delay,", "express.leak", /delay/],
  [
    "what the label is made of",
    /outcomes: .*/,
    "",
    "define.label-leak",
    /"recentDelay" reads "delay", which the label is made of/,
  ],
  ["an aggregate over all rows", '.last("3h")', "", "express.unfinished", /last\("3h"\)/],
] as const)
  test(`a planted leak is refused before anything runs: ${what}`, async () => {
    const project = newPath("leak");
    await mkdir(project, { recursive: true });
    const definitions = await readFile(join(PROJECT, "mill.ts"), "utf8");
    assert.notEqual(definitions.replace(from, to), definitions);
    await writeFile(join(project, "mill.ts"), definitions.replace(from, to));
    await copyFile(join(PROJECT, "package.json"), join(project, "package.json"));
    await symlink(join(import.meta.dirname, "..", "node_modules"), join(project, "node_modules"));
    const outcome = await mill("run", "--project", project, "--json");
    const { error } = JSON.parse(outcome.stdout) as { error: { code: string; message: string; fix: string } };
    assert.deepEqual([error.code, outcome.code], [code, 3], outcome.stdout);
    assert.match(`${error.message} ${error.fix}`, said);
    await assert.rejects(millJson("status", "--project", project));
  });
