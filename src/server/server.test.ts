import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { MillError } from "../base/index.ts";
import { VERBS, type Verb, type VerbName } from "../contract/index.ts";
import { checkJson } from "../guard/index.ts";
import { handlers, ID, startSample } from "./fixtures/sample-platform.ts";
import type { startServer } from "./server.ts";

const sample = await startSample();
after(sample.close);
const { url, port, token } = sample;

interface Asked {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly headers?: Record<string, string>;
}
interface Answered {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read any answer
  readonly json: any;
}

/** node:http rather than fetch, which may not set Host and Origin. */
function ask(path: string, { method = "GET", body, headers = {} }: Asked = {}, to = port): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ port: to, host: "127.0.0.1", path, method, headers }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on("data", (chunk) => chunks.push(chunk));
      reply.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const isJson =
          /json/.test(String(reply.headers["content-type"])) && !/ndjson/.test(String(reply.headers["content-type"]));
        resolve({ status: reply.statusCode!, headers: reply.headers, text, json: isJson ? JSON.parse(text) : null });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const bearer = { authorization: `Bearer ${token}` };
const JSON_TYPE = { "content-type": "application/json" };
const post = (body: unknown, headers: Record<string, string> = {}): Asked => ({
  method: "POST",
  body: JSON.stringify(body),
  headers: { ...JSON_TYPE, ...headers },
});
const PREDICT = "/v1/endpoints/late-arrival/predict";

const VALUES: Record<string, string> = {
  ...{ name: "late-arrival", version: "3", id: ID },
  ...{ repository: "photos", branch: "main", tag: "v1", ref: "main", before: "v1", after: "main", key: "MILL0123456789ABCDEF" },
  ...{ hook: "images", collection: ID, role: "viewer" },
  ...{ upload: ID, number: "1", model: "m-1", alias: "best", experiment: "1", run: ID },
  webhook: ID,
};
const THERE = "http://mlflow:5000";
const BODIES: Partial<Record<VerbName, object>> = {
  predict: { rows: [{ origin: "SEA" }] },
  events: { rows: [{ origin: "SEA" }] },
  feedback: { labels: [{ id: "i", label: true }] },
  createRepository: { name: "photos" },
  createBranch: { branch: "main" },
  protectBranch: { on: true },
  createTag: { tag: "v1", ref: "main" },
  commit: { message: "More" },
  merge: { from: "main" },
  revert: { commit: "main" },
  cherryPick: { commit: "main" },
  takeLock: { why: "Relabelling" },
  putHook: { name: "images", event: "pre-commit", files: { allow: ["*.png"] } },
  setRetention: { rule: { keepDays: 7 } },
  createUser: { name: "anna" },
  grantRole: { role: "viewer" },
  planBackfill: { target: "dataset/flights" },
  backfill: { target: "dataset/flights" },
  setPassword: { password: "correct horse" },
  changePassword: { current: "correct horse", password: "another horse" },
  setSecret: { name: "alerts-address", value: "https://example.org/token" },
  putRole: { name: "labeller", may: ["read", "edit"] },
  createToken: { name: "nightly" },
  pauseWork: { what: "run", name: ID },
  resumeWork: { what: "run", name: ID },
  registerModel: { model: "churn" },
  beginImport: { source: THERE },
  importExperiment: {
    source: THERE,
    experiment: { id: "1", name: "churn", createdAt: 1, updatedAt: 1, deleted: false, tags: [] },
  },
  importRuns: { source: THERE, experiment: "1", runs: [] },
  importPoints: { source: THERE, histories: [] },
  importLoggedModels: { source: THERE, experiment: "1", models: [] },
  importRegisteredModel: {
    source: THERE,
    model: { name: "churn", description: null, createdAt: 1, updatedAt: 1, tags: [] },
    versions: [],
  },
  compareArtifacts: { source: THERE, files: [] },
  createWebhook: { name: "deploys", url: "https://example.org/hook", events: ["model_version.created"] },
  setModelAlias: { alias: "best", version: 1 },
  registerVersion: { source: "models:/m-1" },
  createLoggedModel: { experiment: "0" },
  finishLoggedModel: { status: "READY" },
  searchLoggedModels: { experiments: ["0"] },
  removeArtifacts: { path: "1/r/artifacts/a" },
  beginArtifactUpload: { path: "1/r/artifacts/a" },
  completeArtifactUpload: { path: "1/r/artifacts/a", parts: [{ number: 1, etag: "e" }] },
  abortArtifactUpload: { path: "1/r/artifacts/a" },
  createExperiment: { name: "churn" },
  renameExperiment: { name: "churn 2" },
  setExperimentTag: { key: "team", value: "a" },
  deleteExperimentTag: { key: "team" },
  deleteRunTag: { key: "team" },
  logRunOutputs: { models: [{ modelId: "m-1" }] },
  searchTrackedRuns: { experiments: ["1"] },
  compareRuns: { runs: [ID] },
};
const QUERIES: Partial<Record<VerbName, string>> = {
  log: "?of=model/late-arrival",
  diff: "?a=late-arrival@1&b=late-arrival@champion",
  getArtifact: "?path=1/r/artifacts/a",
  putArtifact: "?path=1/r/artifacts/a",
  importArtifact: "?source=http://mlflow:5000&stamp=5&path=1/r/artifacts/a",
  findExperiment: "?name=churn",
  metricHistory: "?key=loss",
  metricCurve: "?key=loss&points=200&from=-5&to=5",
  trackedDatasets: "?experiments=1&experiments=2",
  listSteps: "?limit=5&target=model/late-arrival",
};

for (const [name, verb] of Object.entries(VERBS) as [VerbName, Verb][]) {
  const path = verb.http.path.replaceAll(/:(\w+)/g, (_, field) => VALUES[field]!) + (QUERIES[name] ?? "");
  test(`${verb.http.method} ${path} answers ${name} in its declared form`, async () => {
    const open = verb.permission === "read" || verb.permission === "predict";
    const asked = verb.http.method === "GET" ? {} : post(BODIES[name] ?? {});
    const anonymous = await ask(path, asked);
    assert.equal(anonymous.status, open ? 200 : 401, anonymous.text);
    const answer = await ask(path, { ...asked, headers: { ...asked.headers, ...bearer } });
    assert.equal(answer.status, 200, answer.text);
    const documents = verb.stream
      ? answer.text
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line))
      : verb.bytes === "out"
        ? []
        : [answer.json];
    for (const document of documents) assert.deepEqual(checkJson(verb.output, document), null);
  });
}

type Case = readonly [what: string, path: string, asked: Asked, status: number, code: string | null, words: RegExp];
const cases: readonly Case[] = [
  ["the health of a live server", "/healthz", {}, 200, null, /"alive":true/],
  ["readiness", "/readyz", {}, 200, null, /"ready":true/],
  ["an unknown path", "/v1/modles", {}, 404, "request.unknown-path", /openapi/],
  ["an unknown model", "/v1/models/nobody", {}, 404, "object.missing", /nobody/],
  ["another method", PREDICT, {}, 405, "request.method", /"expected":"POST"/],
  ["a method nobody has", "/healthz", { method: "DELETE" }, 405, "request.method", /GET, HEAD/],
  ["a body that is not JSON", PREDICT, { method: "POST", body: "{", headers: JSON_TYPE }, 400, "request.malformed", /not JSON/],
  [
    "a body of another type",
    PREDICT,
    { method: "POST", body: "a=1", headers: { "content-type": "application/x-www-form-urlencoded" } },
    415,
    "request.media-type",
    /Content-Type: application\/json/,
  ],
  ["a body without a type", PREDICT, { method: "POST", body: "{}" }, 415, "request.media-type", /no content type/],
  ["an empty body", PREDICT, { method: "POST" }, 400, "request.invalid", /"at":"\/rows"/],
  ["a body that is a list", PREDICT, post([]), 400, "request.invalid", /an object with/],
  ["a missing field", PREDICT, post({}), 400, "request.invalid", /"got":"nothing"/],
  ["an extra field", PREDICT, post({ rows: [{}], row: 1 }), 400, "request.invalid", /Did you mean/],
  ["a field of the path in the body", PREDICT, post({ name: "x", rows: [{}] }), 400, "request.malformed", /in the path already/],
  ["a wrong shape", PREDICT, post({ rows: { origin: "SEA" } }), 400, "request.invalid", /a list/],
  ["no rows", PREDICT, post({ rows: [] }), 400, "request.invalid", /0 items/],
  ["too many rows", PREDICT, post({ rows: Array(10_001).fill({}) }), 400, "request.invalid", /10001 items/],
  [
    "a body too large",
    PREDICT,
    { method: "POST", body: Buffer.alloc(10 * 1024 * 1024 + 1, 32), headers: JSON_TYPE },
    413,
    "request.too-large",
    /10 MiB/,
  ],
  [
    "a packed body too large",
    PREDICT,
    { method: "POST", body: gzipSync(Buffer.alloc(11 * 1024 * 1024, 32)), headers: { ...JSON_TYPE, "content-encoding": "gzip" } },
    413,
    "request.too-large",
    /10 MiB/,
  ],
  [
    "a packed body",
    PREDICT,
    { method: "POST", body: gzipSync('{"rows":[{}]}'), headers: { ...JSON_TYPE, "content-encoding": "gzip" } },
    200,
    null,
    /probability/,
  ],
  [
    "a body that is not packed as it says",
    PREDICT,
    { method: "POST", body: "{}", headers: { ...JSON_TYPE, "content-encoding": "gzip" } },
    400,
    "request.malformed",
    /not gzip/,
  ],
  [
    "an unknown packing",
    PREDICT,
    { method: "POST", body: "{}", headers: { ...JSON_TYPE, "content-encoding": "br" } },
    415,
    "request.media-type",
    /gzip, deflate/,
  ],
  ["a limit out of range", "/v1/runs?limit=1001", {}, 400, "request.invalid", /from 1 to 1000/],
  ["a limit that is no number", "/v1/runs?limit=ten", {}, 400, "request.invalid", /an integer/],
  ["a limit given twice", "/v1/runs?limit=1&limit=2", {}, 400, "request.invalid", /an integer/],
  ["an unknown query field", "/v1/runs?limt=1", {}, 400, "request.invalid", /Did you mean \\"limit\\"/],
  ["a name that is none", "/v1/models/Late!", {}, 400, "request.invalid", /like/],
  ["a bad escape in the path", "/v1/models/%zz", {}, 400, "request.malformed", /not well formed/],
  ["a version that is no number", "/v1/datasets/flights/versions/one", {}, 400, "request.invalid", /an integer/],
  ["a stranger's Host", "/v1/models", { headers: { host: "evil.example:80" } }, 403, "request.stranger", /Host/],
  ["a stranger's Host for health", "/healthz", { headers: { host: "evil.example" } }, 403, "request.stranger", /Host/],
  ["no Host that is ours but a port of another", "/healthz", { headers: { host: "localhost:8080" } }, 200, null, /alive/],
  ["a stranger's Origin", PREDICT, post({ rows: [{}] }, { origin: "https://evil.example" }), 403, "request.stranger", /Origin/],
  ["an Origin that hides", "/v1/models", { headers: { origin: "null" } }, 403, "request.stranger", /Origin/],
  ["our own Origin", "/v1/models", { headers: { origin: url } }, 200, null, /late-arrival/],
  ["a wrong token", "/v1/models", { headers: { authorization: "Bearer wrong" } }, 401, "guard.token-wrong", /mill token/],
  ["another scheme", "/v1/models", { headers: { authorization: `Digest ${token}` } }, 401, "guard.token-wrong", /Bearer/],
  ["a verb that needs the token", "/v1/runs", post({}), 401, "guard.token-required", /mill token/],
  [
    "the token by Basic",
    "/v1/token",
    post({}, { authorization: `Basic ${Buffer.from(`mill:${token}`).toString("base64")}` }),
    200,
    null,
    /mill_new/,
  ],
  ["a fault of ours", PREDICT, post({ rows: [{ origin: "fault" }] }), 500, "internal.unexpected", /Something went wrong/],
  ["a number that JSON cannot say", PREDICT, post({ rows: [{ origin: "nan" }] }), 200, null, /"probability":null/],
  ["Open Inference metadata", "/v2/models/late-arrival", {}, 200, null, /"platform":"millwright"/],
  ["an Open Inference error", "/v2/models/nobody", {}, 404, null, /^\{"error":/],
];
for (const [what, path, asked, status, code, words] of cases) {
  test(`${what} is answered with ${status}`, async () => {
    const answer = await ask(path, asked);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, words);
    if (code === null) return;
    assert.equal(answer.headers["content-type"], "application/problem+json; charset=utf-8");
    const { type, title, detail, requestId } = answer.json;
    assert.deepEqual([answer.json.code, answer.json.status, type], [code, status, `urn:millwright:error:${code}`]);
    assert.ok(title && detail && requestId === answer.headers["x-request-id"]);
  });
}

test("another method is told which are allowed", async () => {
  assert.equal((await ask(PREDICT)).headers.allow, "POST");
  assert.equal((await ask("/v1/models/late-arrival", { method: "PUT" })).headers.allow, "GET, HEAD");
});

test("a missing token is told the ways to send it", async () => {
  assert.match(String((await ask("/v1/runs", post({}))).headers["www-authenticate"]), /Bearer.*Basic/);
});

test("a request keeps the id it came with, and gets one when it has none or a bad one", async () => {
  assert.equal((await ask("/healthz", { headers: { "x-request-id": "abc-1" } })).headers["x-request-id"], "abc-1");
  for (const headers of [{}, { "x-request-id": "a b" }] as Record<string, string>[]) {
    assert.match(String((await ask("/healthz", { headers })).headers["x-request-id"]), /^[0-9a-f-]{36}$/);
  }
});

test("logs tell each request, and neither tokens, bodies nor the words of a caller", async () => {
  await ask(PREDICT, post({ rows: [{ origin: "private-origin" }] }, bearer));
  await ask("/v1/runs?limit=private-limit");
  await ask(PREDICT, post({ rows: [{ origin: "fault" }] }));
  await new Promise((resolve) => setTimeout(resolve, 120));
  const lines = sample.logs
    .join("")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const text = sample.logs.join("");
  for (const secret of [token, "private-origin", "private-limit"]) assert.ok(!text.includes(secret), secret);
  const last = lines.findLast((line) => line.event === "request" && line.door === "predict" && line.status === 200);
  assert.deepEqual([last.level, last.method, last.path, last.actor], ["info", "POST", "/v1/endpoints/:name/predict", "owner"]);
  assert.match(lines.findLast((line) => line.event === "fault").stack, /secret inner words/);
});

test("a stream's error after the first line is its last line", async () => {
  const failing = await startSample({
    async *run() {
      yield { event: "run-started", run: ID, targets: [], steps: 0 };
      throw new MillError("object.missing", "gone");
    },
  });
  const answer = await ask("/v1/runs", post({}, { authorization: `Bearer ${failing.token}` }), failing.port);
  const lines = answer.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual([answer.status, lines.length, lines[1].error.code], [200, 2, "object.missing"]);
  await failing.close();
});

test("a stream is cancelled when its asker leaves, and when the server stops", async () => {
  const signals: AbortSignal[] = [];
  const waiting = await startSample({
    async *run(_, { signal }) {
      signals.push(signal);
      yield { event: "run-started", run: ID, targets: [], steps: 0 };
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  });
  const headers = { ...JSON_TYPE, authorization: `Bearer ${waiting.token}` };
  const leave = new AbortController();
  const left = await fetch(`${waiting.url}/v1/runs`, { method: "POST", body: "{}", headers, signal: leave.signal });
  await left.body!.getReader().read();
  leave.abort();
  await new Promise<void>((resolve) =>
    signals[0]!.aborted ? resolve() : signals[0]!.addEventListener("abort", () => resolve()),
  );

  const open = await fetch(`${waiting.url}/v1/runs`, { method: "POST", body: "{}", headers });
  const rest = open.text();
  await waiting.close();
  await rest;
  assert.equal(signals[1]!.aborted, true);
});

test("a stop lets a request in flight finish, and takes no new one", async () => {
  let release = () => {};
  const reached = Promise.withResolvers<void>();
  const slow = await startSample({
    predict: async () => {
      reached.resolve();
      await new Promise<void>((resolve) => (release = resolve));
      return { id: ID, model: "m", version: 1, predictions: [] };
    },
  });
  const flying = ask(PREDICT, post({ rows: [{}] }), slow.port);
  await reached.promise;
  const stopped = slow.close();
  await assert.rejects(ask("/healthz", {}, slow.port), { code: "ECONNREFUSED" });
  release();
  assert.equal((await flying).status, 200);
  await stopped;
});

test("off loopback nothing but health, metrics and the form of requests is open", async () => {
  const open = await startSample({}, { host: "0.0.0.0" });
  for (const path of ["/healthz", "/readyz", "/metrics", "/openapi.json"])
    assert.equal((await ask(path, {}, open.port)).status, 200, path);
  for (const path of ["/", "/v1/models", "/v1/graph", "/v2/models/late-arrival"])
    assert.equal((await ask(path, {}, open.port)).status, 401, path);
  assert.equal((await ask(PREDICT, post({ rows: [{}] }), open.port)).status, 401);
  const headers = { authorization: `Bearer ${open.token}` };
  assert.equal((await ask("/v1/models", { headers }, open.port)).status, 200);
  assert.equal((await ask("/v1/models", { headers: { ...headers, host: "192.168.1.7:4747" } }, open.port)).status, 200);
  assert.equal((await ask("/v1/models", { headers: { ...headers, host: "evil.example" } }, open.port)).status, 403);
  assert.equal(JSON.stringify((await ask("/openapi.json", {}, open.port)).json).includes("predict-late-arrival"), false);
  await open.close();
});

test("what is not ready says so, and why", async () => {
  const loading = await startSample({}, { ready: () => ({ ready: false, why: "late-arrival is being loaded" }) });
  const answer = await ask("/readyz", {}, loading.port);
  assert.deepEqual([answer.status, answer.json], [503, { ready: false, why: "late-arrival is being loaded" }]);
  await loading.close();
});

test("a port that is taken names its holder", async () => {
  await assert.rejects(startSample({}, { port }), (error: MillError) => {
    assert.equal(error.code, "server.port-taken");
    assert.match(error.message, new RegExp(`Port ${port} is taken by process ${process.pid} \\(`));
    assert.match(error.fix!, /--port/);
    return true;
  });
});

test("an address that is not of this machine is refused with a way out", async () => {
  const options = {
    ...({} as Parameters<typeof startServer>[0]),
    host: "203.0.113.1",
    port: 0,
    version: "0",
    ready: () => ({ ready: true }),
  };
  await assert.rejects(startSample({}, options as never), { code: "server.not-listening" });
});

test("bytes that are no HTTP are answered and leave the server alive", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.end("NOT HTTP\r\n\r\n");
  const reply = await new Response(socket as never).text();
  assert.match(reply, /^HTTP\/1.1 400/);
  assert.equal((await ask("/healthz")).status, 200);
});

test("metrics pass promtool, count what was asked, and carry no ids", {
  skip: existsSync("/usr/bin/promtool") ? false : "promtool is not here",
}, async () => {
  await ask("/v1/runs", post({}, bearer));
  const { text, headers } = await ask("/metrics");
  assert.match(String(headers["content-type"]), /^text\/plain; version=0.0.4/);
  const linted = spawnSync("/usr/bin/promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  assert.equal(linted.status, 0, linted.stdout + linted.stderr);
  assert.match(text, /millwright_predictions_total\{endpoint="late-arrival",decision="false"\} [1-9]/);
  assert.match(text, /millwright_steps_total\{kind="train",outcome="succeeded"\} [1-9]/);
  assert.match(text, /millwright_requests_total\{verb="predict",status_class="4xx"\} [1-9]/);
  assert.ok(!text.includes(ID));
});

test("OpenAPI 3.1 has every verb with its security and problems, and each endpoint's own rows", async () => {
  const { json } = await ask("/openapi.json");
  assert.equal(json.openapi, "3.1.0");
  for (const [name, verb] of Object.entries(VERBS) as [VerbName, Verb][]) {
    const operation = json.paths[verb.http.path.replaceAll(/:(\w+)/g, "{$1}")][verb.http.method.toLowerCase()];
    assert.equal(operation.operationId, name);
    const open = operation.security.some((way: object) => Object.keys(way).length === 0);
    assert.equal(open, verb.permission === "read" || verb.permission === "predict", name);
    assert.ok(operation.responses.default.content["application/problem+json"]);
    const declared = (operation.parameters ?? []).map((parameter: { name: string }) => parameter.name);
    const body = Object.keys(operation.requestBody?.content["application/json"]?.schema.properties ?? {});
    assert.deepEqual([...declared, ...body].sort(), Object.keys(verb.input.properties ?? {}).sort(), name);
  }
  const rows =
    json.paths["/v1/endpoints/late-arrival/predict"].post.requestBody.content["application/json"].schema.properties.rows;
  assert.deepEqual(rows.items.required, ["date", "distance", "origin"]);
  assert.deepEqual(rows.items.properties.distance, { anyOf: [{ type: "integer" }, { type: "null" }], description: "in mi" });
});

test("the sample's verbs are all there are", () => assert.deepEqual(Object.keys(handlers).sort(), Object.keys(VERBS).sort()));
