/** The penguins through the real command line and server, as their user has them. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { before, test } from "node:test";
import { createRandom } from "../src/base/index.ts";
import { VERBS } from "../src/contract/index.ts";
import { ask } from "./ask.ts";
import { madeOf } from "./made-of.ts";
import { ended, mill, millJson, newPath, serve, start, stopped } from "./run-mill.ts";

const PROJECT = join(import.meta.dirname, "penguins");
const ENDPOINT = "penguin-species";
const ROW = { island: "Dream", beakLength: 50.2, beakDepth: 18.7, flipperLength: 198, bodyMass: 3775, sex: "FEMALE" };

const workspace = newPath("penguins");
const at = (folder: string) => ["--project", PROJECT, "--workspace", folder];
const penguins = (...words: readonly string[]) => mill(...words, ...at(workspace));

interface Prediction {
  readonly id: string;
  readonly label: string;
  readonly probabilities: Readonly<Record<string, number>>;
}
interface Predicted {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly predictions: readonly Prediction[];
}

/** What the records of a workspace hold, read while nobody owns it. */
function recorded(folder: string) {
  const database = new DatabaseSync(join(folder, "mill.db"), { readOnly: true });
  const all = (sql: string) => database.prepare(sql).all() as Record<string, unknown>[];
  const found = {
    versions: all("SELECT model, version, bundle FROM model_versions ORDER BY version").map((row) => ({ ...row })),
    results: all("SELECT step_key, target, kind, manifest FROM results ORDER BY target, kind").map(madeOf),
    succeeded: all("SELECT step_key, count(*) AS n FROM steps WHERE state = 'succeeded' GROUP BY step_key HAVING n > 1"),
    running: all("SELECT id FROM steps WHERE state = 'running'"),
    datasets: all("SELECT dataset, version, row_count FROM dataset_versions ORDER BY dataset, version").map((row) => ({
      ...row,
    })),
    aliases: all("SELECT model, version FROM registry_ledger WHERE what = 'alias.set'").map((row) => ({ ...row })),
  };
  database.close();
  return found;
}

const predictionsOnRecord = () =>
  Number(recorded(workspace).datasets.findLast(({ dataset }) => dataset === `${ENDPOINT}-predictions`)?.row_count ?? 0);

let first: { readonly code: number | null; readonly stdout: string; readonly stderr: string };
before(async () => {
  first = await penguins("run");
});

test("a run makes a model that passed its gate and is served; the next run has nothing to do", async () => {
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^succeeded: 10 ran, 0 were current/);
  assert.match(
    first.stderr,
    /published {2}model penguin-species, version 1 \(champion\); endpoint penguin-species answers with version 1/,
  );
  const again = await penguins("run");
  assert.match(again.stdout, /^succeeded: nothing to do, 10 steps are current/);
  assert.equal(recorded(workspace).versions.length, 1);
});

for (const [words, said] of [
  [["predict", ENDPOINT, "--row", JSON.stringify(ROW)], /by penguin-species version 1$/m],
  [["plan"], /^10 current$/m],
  [["status"], /^endpoint\/penguin-species +current +1 +answers with penguin-species version 1$/m],
  [["check"], /^dataset\/penguins version 1: passed; 343 rows, 1 in quarantine$/m],
  [["check", "penguins"], /sex .*fails the check: sex in/],
  [["log", "model/penguin-species"], /champion is version 1: passed every gate/],
  [["diff", "penguin-species@1", "penguin-species@champion"], /are the same$/m],
] as const)
  test(`mill ${words.slice(0, 2).join(" ")} answers in text without control codes, and with --json in one document`, async () => {
    const text = await penguins(...words);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, said);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(text.stdout + text.stderr + first.stdout + first.stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    const json = await penguins(...words, "--json");
    const document = JSON.parse(json.stdout) as { ok: boolean; data: unknown };
    assert.deepEqual([document.ok, json.stdout.trimEnd().includes("\n")], [true, false]);
  });

test("what fails says so with its exit code, in text and as one document", async () => {
  const cases: readonly (readonly [words: readonly string[], code: number, error: string])[] = [
    [["predict", "penguin-specis", "--row", "{}"], 6, "endpoint.unknown"],
    [["predict", ENDPOINT, "--row", "{"], 4, "cli.rows"],
    [["predict", ENDPOINT, "--row", JSON.stringify({ ...ROW, wings: 2 })], 4, "request.row"],
    [["diff", "penguin-species@1", "penguin-species@7"], 6, "registry.unknown-version"],
    [["plan", "model/puffin"], 6, "request.unknown-target"],
    [["planet"], 2, "cli.unknown-command"],
  ];
  for (const [words, code, error] of cases) {
    const outcome = await penguins(...words, "--json");
    const document = JSON.parse(outcome.stdout) as { ok: boolean; error: { code: string; message: string; fix: string } };
    assert.deepEqual([document.ok, document.error.code, outcome.code], [false, error, code], words.join(" "));
    assert.ok(document.error.message && document.error.fix, error);
  }
});

test("killed five times at any moment, a run ends like one that nobody disturbed: each result once, no version twice", async () => {
  const seed = Date.now() % 1e6;
  const random = createRandom(seed);
  const folder = newPath("killed");
  const kills: string[] = [];
  for (let kill = 0; kill < 5; kill++) {
    const { child, text } = start(["run", ...at(folder)]);
    const wait = 300 + random.below(700);
    await Promise.race([ended(child), new Promise((resolve) => setTimeout(resolve, wait))]);
    kills.push(`after ${wait} ms: ${text.stderr.trimEnd().split("\n").at(-1)}`);
    await stopped(child, "SIGKILL");
  }
  const last = await mill("run", ...at(folder));
  assert.equal(last.code, 0, `seed ${seed}: ${last.stderr}`);
  const [disturbed, undisturbed] = [recorded(folder), recorded(workspace)];
  const story = `seed ${seed}; killed ${kills.join("; ")}`;
  assert.deepEqual(disturbed.versions, undisturbed.versions, story);
  assert.deepEqual(disturbed.results, undisturbed.results, story);
  assert.deepEqual(disturbed.aliases, undisturbed.aliases, story);
  assert.deepEqual([disturbed.succeeded, disturbed.running], [[], []], story);
  assert.deepEqual(
    disturbed.datasets.filter(({ dataset }) => dataset === "penguins"),
    undisturbed.datasets.filter(({ dataset }) => dataset === "penguins"),
    story,
  );
  assert.match((await mill("run", ...at(folder))).stdout, /nothing to do, 10 steps are current/);
});

test("the server answers predictions, foreign protocols and mistakes; it owns its workspace until it is told to stop", async (t) => {
  const before = predictionsOnRecord();
  const server = await serve(...at(workspace));
  const { url } = server;
  const predict = `/v1/endpoints/${ENDPOINT}/predict`;
  const ids: string[] = [];

  await t.test("a prediction has an id, the version, and probabilities of every class", async () => {
    const reply = await ask(url, predict, { body: { rows: [ROW, { ...ROW, sex: null, bodyMass: null }] } });
    assert.equal(reply.status, 200, reply.text);
    const { predictions, model, version } = reply.json<Predicted>();
    assert.deepEqual([model, version, predictions.length], ["penguin-species", 1, 2]);
    for (const { label, probabilities } of predictions) {
      const sum = Object.values(probabilities).reduce((total, probability) => total + probability, 0);
      assert.ok(Math.abs(sum - 1) < 1e-9 && probabilities[label]! >= 1 / 3, JSON.stringify(probabilities));
    }
    ids.push(...predictions.map(({ id }) => id));
  });

  const { sex: _, ...withoutSex } = ROW;
  const mistakes: readonly (readonly [
    what: string,
    path: string,
    asked: Parameters<typeof ask>[2],
    status: number,
    code: string,
    said: RegExp,
  ])[] = [
    ["a missing field", predict, { body: { rows: [ROW, withoutSex] } }, 422, "request.row", /Row 1, field "sex"/],
    [
      "an extra field",
      predict,
      { body: { rows: [{ ...ROW, bodymass: 1 }] } },
      422,
      "request.row",
      /"bodymass".*Did you mean "bodyMass"/,
    ],
    ["a wrong type", predict, { body: { rows: [{ ...ROW, bodyMass: "heavy" }] } }, 422, "request.row", /"heavy"/],
    ["no rows", predict, { body: { rows: [] } }, 400, "request.invalid", /rows/],
    [
      "an unknown endpoint",
      "/v1/endpoints/penguin-specie/predict",
      { body: { rows: [ROW] } },
      404,
      "endpoint.unknown",
      /Did you mean/,
    ],
    ["malformed JSON", predict, { body: '{"rows": [' }, 400, "request.malformed", /JSON/],
    ["a body that is too large", predict, { method: "POST", announced: 10 * 2 ** 20 + 1 }, 413, "request.too-large", /10 MiB/],
    ["an unknown path", "/v1/penguins", {}, 404, "request.unknown-path", /openapi/],
    ["another method", predict, { method: "GET" }, 405, "request.method", /GET is not for/],
    ["a stranger's Host", "/v1/status", { headers: { host: "evil.example" } }, 403, "request.stranger", /evil/],
    [
      "a stranger's Origin",
      predict,
      { body: { rows: [ROW] }, headers: { origin: "http://evil.example" } },
      403,
      "request.stranger",
      /evil/,
    ],
    ["a control verb without a token", "/v1/runs", { body: {} }, 401, "guard.token-required", /token/i],
    [
      "a control verb with a wrong token",
      "/v1/runs",
      { body: {}, headers: { authorization: "Bearer x" } },
      401,
      "guard.token-wrong",
      /token/i,
    ],
  ];
  for (const [what, path, asked, status, code, said] of mistakes)
    await t.test(`${what} is answered with ${status} and a problem document`, async () => {
      const reply = await ask(url, path, asked);
      assert.equal(reply.status, status, reply.text);
      assert.match(reply.headers["content-type"]!, /^application\/problem\+json/);
      const problem = reply.json<{ code: string; status: number; detail: string; fix: string; requestId: string }>();
      assert.deepEqual([problem.code, problem.status, problem.requestId], [code, status, reply.headers["x-request-id"]]);
      assert.match(`${problem.detail} ${problem.fix}`, said);
    });

  await t.test("the token opens the control verbs, and what changed is on record", async () => {
    const token = (await readFile(join(workspace, "token"), "utf8")).trim();
    const authorization = `Bearer ${token}`;
    const reply = await ask(url, `/v1/endpoints/${ENDPOINT}/rollback`, { method: "POST", headers: { authorization } });
    assert.equal(reply.json<{ code: string }>().code, "endpoint.no-previous");
    const run = await ask(url, "/v1/runs", { body: {}, headers: { authorization } });
    const lines = run.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string; state?: string });
    assert.deepEqual([lines.at(-1)!.event, lines.at(-1)!.state], ["run-finished", "succeeded"]);
  });

  await t.test("an Open Inference client finds the model's tensors and gets the same answer", async () => {
    const metadata = (await ask(url, `/v2/models/${ENDPOINT}`)).json<{
      versions: string[];
      inputs: { name: string; datatype: string }[];
    }>();
    assert.deepEqual(metadata.versions, ["1"]);
    assert.deepEqual(metadata.inputs.map(({ name }) => name).sort(), Object.keys(ROW).sort());
    const inputs = metadata.inputs.map(({ name, datatype }) => ({
      name,
      datatype,
      shape: [1, 1],
      data: [ROW[name as keyof typeof ROW]],
    }));
    const reply = await ask(url, `/v2/models/${ENDPOINT}/infer`, { body: { id: "mine", inputs } });
    assert.equal(reply.status, 200, reply.text);
    const { id, outputs } = reply.json<{ id: string; outputs: { name: string; data: unknown[] }[] }>();
    const ours = (await ask(url, predict, { body: { rows: [ROW] } })).json<Predicted>().predictions[0]!;
    assert.equal(id, "mine");
    assert.ok(
      outputs.some(({ data }) => data[0] === ours.label),
      JSON.stringify(outputs),
    );
    assert.equal((await ask(url, "/v2/health/ready")).status, 200);
  });

  await t.test("the document of the API names every verb, and the endpoint's own columns", async () => {
    const { openapi, paths } = (await ask(url, "/openapi.json")).json<{
      openapi: string;
      paths: Record<string, Record<string, unknown>>;
    }>();
    assert.match(openapi, /^3\.1/);
    for (const [verb, { http }] of Object.entries(VERBS))
      assert.ok(paths[http.path.replaceAll(/:(\w+)/g, "{$1}")]?.[http.method.toLowerCase()], verb);
    assert.match(JSON.stringify(paths), /flipperLength/);
  });

  await t.test("health, metrics and the page are there", async () => {
    assert.deepEqual((await ask(url, "/healthz")).json(), { alive: true });
    assert.equal((await ask(url, "/readyz")).status, 200);
    assert.match((await ask(url, "/metrics")).text, /^# TYPE \w+/m);
    assert.match((await ask(url, "/")).text, /penguin-species/);
  });

  await t.test("other commands go through the running server", async () => {
    assert.match((await penguins("status")).stdout, /answers with penguin-species version 1/);
    const { predictions } = await millJson<Predicted>("predict", ENDPOINT, "--row", JSON.stringify(ROW), ...at(workspace));
    ids.push(predictions[0]!.id);
    const state = (await ask(url, `/v1/endpoints/${ENDPOINT}`)).json<{ predictions: number }>();
    assert.equal(state.predictions, 5, "two, one by Open Inference, one beside it, and the command's");
    assert.match((await penguins("run")).stdout, /nothing to do/);
  });

  await t.test("a second server for the workspace is refused and told who owns it", async () => {
    const second = await mill("up", "--port", "0", ...at(workspace));
    assert.equal(second.code, 7);
    assert.match(
      second.stderr,
      new RegExp(`${server.child.pid}.*guard\\.workspace-locked|guard\\.workspace-locked[^]*${server.child.pid}`),
    );
    assert.equal(second.stdout, "");
  });

  await t.test("SIGTERM ends it with 0, and every prediction that was answered is in the data set of predictions", async () => {
    assert.equal(await stopped(server.child, "SIGTERM"), 0, server.text.stderr);
    assert.equal(predictionsOnRecord(), before + 5);
    assert.equal(new Set(ids).size, 3);
  });
});

test("a port that is taken is told with who holds it", async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const { port } = holder.address() as { port: number };
  const outcome = await mill("up", "--port", String(port), ...at(workspace));
  holder.close();
  assert.equal(outcome.code, 7);
  assert.match(outcome.stderr, new RegExp(`Port ${port} is taken by process ${process.pid}[^]*server\\.port-taken`));
});
