/** Servers and runs that are killed: what was acknowledged is there, once, windows know what they knew, and what is trained is the same, bit for bit. */
import assert from "node:assert/strict";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { createRandom, newId } from "../src/base/index.ts";
import { deliveriesCsv, millText } from "../src/orchestrate/fixtures/project.ts";
import { openRecords } from "../src/ports/records/index.ts";
import { ask, type Reply } from "./ask.ts";
import { madeOf } from "./made-of.ts";
import { readLake } from "./read-lake.ts";
import { ended, mill, newPath, serve, start, stopped } from "./run-mill.ts";
import { smallFlights } from "./small-flights.ts";

const KILLS = 3;
const WRITERS = 6;

test("predictions, labels and events that were acknowledged survive SIGKILL, each once; events that are sent again are not fed again", async () => {
  const project = await deliveriesProject();
  const at = ["--project", project];
  const acknowledged = { predictions: new Set<string>(), feedback: new Set<string>(), events: new Set<string>() };
  let unsure: Sent[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const server = await serve(...at);
    const platform = await connect(server.url, project);
    for (const sent of unsure) acknowledge(await platform.send(sent), sent);
    unsure = [];
    let killed = false;
    const writers = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let round = 0; !killed; round++) {
        const sent = next(writer, round);
        const reply = await platform.send(sent).catch(() => null);
        if (reply !== null) acknowledge(reply, sent);
        else if (sent.verb === "events") unsure.push(sent); // labels and predictions would be there twice, as they were sent
      }
    });
    await setTimeout(700);
    killed = true;
    await stopped(server.child, "SIGKILL");
    await Promise.all(writers);
  }

  const row = { at: "2024-01-04T19:15:00", shop: "a", load: 3 };
  const probabilities: unknown[] = [];
  for (let start = 0; start < 2; start++) {
    const server = await serve(...at);
    const platform = await connect(server.url, project);
    for (const sent of unsure) acknowledge(await platform.send(sent), sent);
    unsure = [];
    const reply = await ask(server.url, "/v1/endpoints/late/predict", { body: { rows: [row] } });
    probabilities.push(reply.json<Predicted>().predictions[0]!.probability);
    assert.equal(await stopped(server.child, "SIGTERM"), 0, server.text.stderr);
  }
  assert.equal(probabilities[0], probabilities[1], "the windows are what they were");

  const workspace = join(project, ".mill");
  for (const [log, kept] of Object.entries(acknowledged)) {
    const ids = (await readLake(workspace, `late-${log}`, "SELECT id FROM rows")).map(({ id }) => String(id));
    assert.equal(new Set(ids).size, ids.length, `${log}: twice`);
    const there = new Set(ids);
    const missing = [...kept].filter((id) => !there.has(id));
    assert.deepEqual(missing, [], `${log}: lost`);
    assert.ok(kept.size > 50, `${log}: ${kept.size} acknowledged`);
  }

  function acknowledge(reply: Reply, { verb, body }: Sent): void {
    assert.equal(reply.status, 200, reply.text);
    if (verb === "predict") for (const { id } of reply.json<Predicted>().predictions) acknowledged.predictions.add(id);
    if (verb === "feedback") for (const { id } of body.labels!) acknowledged.feedback.add(id);
    if (verb !== "events") return;
    const { accepted, repeated } = reply.json<{ accepted: number; repeated: number }>();
    assert.equal(accepted + repeated, body.ids!.length);
    for (const id of body.ids!) acknowledged.events.add(id);
  }
});

test("the small flights leave the same digests however often their run is killed and run again", async (t) => {
  const project = await smallFlights();
  const began = performance.now();
  const undisturbed = newPath("undisturbed");
  const run = await mill("run", "--project", project, "--workspace", undisturbed);
  assert.equal(run.code, 0, run.stderr);
  const longestMs = (performance.now() - began) / RUN_KILLS_PER_RUN;
  const expected = await madeIn(undisturbed);
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  const random = createRandom(seed);
  t.diagnostic(`SEED=${seed}`);
  for (let kills = 0; kills < RUN_KILLS; ) {
    const workspace = newPath("killed");
    for (let done = false; !done; ) {
      const { child, text } = start(["run", "--project", project, "--workspace", workspace]);
      const end = ended(child);
      done = (await Promise.race([end, setTimeout(random.below(Math.ceil(longestMs)), "late" as const)])) !== "late";
      if (done) assert.equal(await end, 0, `SEED=${seed} ${text.stderr}`);
      else if ((await stopped(child, "SIGKILL")) === null) kills++;
    }
    assert.deepEqual(await madeIn(workspace), expected, `SEED=${seed}`);
    t.diagnostic(`${kills} kills`);
  }
});

const RUN_KILLS = 6;
/** About so many kills come in the time that an undisturbed run takes. */
const RUN_KILLS_PER_RUN = 2;

/** What each step of a workspace left, by what it was asked. */
async function madeIn(workspace: string): Promise<unknown[]> {
  const records = await openRecords(join(workspace, "mill.db"));
  try {
    const results = await records.query(
      "SELECT s.target AS target, s.kind AS kind, r.step_key AS key, r.manifest AS manifest FROM results r JOIN steps s ON s.id = r.step_id ORDER BY target, kind, key",
    );
    return results.map(madeOf);
  } finally {
    await records.close();
  }
}

interface Predicted {
  readonly predictions: readonly { readonly id: string; readonly probability: number }[];
}

interface Sent {
  readonly verb: "predict" | "feedback" | "events";
  readonly body: {
    readonly rows?: readonly object[];
    readonly ids?: readonly string[];
    readonly labels?: readonly { readonly id: string; readonly label: boolean }[];
  };
}

/** Each writer predicts, labels and feeds in turn; every label and event has an id of its own. */
function next(writer: number, round: number): Sent {
  const row = { at: `2024-01-04T${16 + (round % 4)}:${10 + writer}:00`, shop: "abc"[writer % 3]!, load: round % 20 };
  if (round % 3 === 0) return { verb: "predict", body: { rows: [row, row] } };
  if (round % 3 === 1) return { verb: "feedback", body: { labels: [{ id: newId(), label: true }] } };
  return {
    verb: "events",
    body: {
      rows: [
        { ...row, delay: 7 },
        { ...row, delay: 3 },
      ],
      ids: [newId(), newId()],
    },
  };
}

async function connect(url: string, project: string) {
  const token = (await readFile(join(project, ".mill", "token"), "utf8")).trim();
  const headers = { authorization: `Bearer ${token}` };
  return { send: ({ verb, body }: Sent): Promise<Reply> => ask(url, `/v1/endpoints/late/${verb}`, { headers, body }) };
}

/** A project that has been run. */
async function deliveriesProject(): Promise<string> {
  const project = newPath("crash");
  await mkdir(project, { recursive: true });
  await writeFile(join(project, "package.json"), '{ "type": "module" }');
  await writeFile(join(project, "deliveries.csv"), deliveriesCsv());
  await writeFile(join(project, "mill.ts"), millText());
  await symlink(join(import.meta.dirname, "..", "node_modules"), join(project, "node_modules"));
  const run = await mill("run", "--project", project);
  assert.equal(run.code, 0, run.stderr);
  return project;
}
