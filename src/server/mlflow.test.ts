/** MLflow's paths over HTTP, on a real store. What its Python client makes of them is tested in `protocols/mlflow/clients`. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { AccessEntry } from "../guard/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { createTracking, trackingVerbs } from "../train/index.ts";
import { startSample } from "./fixtures/sample-platform.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-mlflow-"));
const records = await openTestRecords(join(folder, "mill.db"));
const tracking = createTracking({ records });
const told: AccessEntry[] = [];
const sample = await startSample(trackingVerbs(tracking), { access: (entry) => void told.push(entry) });
after(async () => {
  await sample.close();
  await tracking.close();
  await records.close();
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what it is, is what is tested
  readonly json: any;
}

const basic = (token: string, user = "anybody") => `Basic ${Buffer.from(`${user}:${token}`).toString("base64")}`;

async function ask(
  method: string,
  path: string,
  body?: unknown,
  { authorization = basic(sample.token) }: { readonly authorization?: string | null } = {},
): Promise<Answer> {
  const reply = await fetch(new URL(path, sample.url), {
    method,
    headers: { ...(authorization && { authorization }), ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await reply.text();
  const isJson = reply.headers.get("content-type")?.startsWith("application/json");
  return { status: reply.status, headers: reply.headers, text, json: isJson ? JSON.parse(text) : null };
}
const post = (path: string, body: unknown) => ask("POST", `/api/2.0/mlflow/${path}`, body);
const get = (path: string) => ask("GET", `/api/2.0/mlflow/${path}`);

async function done(asked: Promise<Answer>) {
  const { status, text, json } = await asked;
  assert.equal(status, 200, text);
  return json;
}

const experiment: string = (await done(post("experiments/create", { name: "first", tags: [{ key: "team", value: "a" }] })))
  .experiment_id;
const newRun = async (fields: object = {}): Promise<string> =>
  (await done(post("runs/create", { experiment_id: experiment, start_time: 1000, ...fields }))).run.info.run_id;

test("what tells a client of the server needs no token", async () => {
  for (const [path, words] of [
    ["/health", "OK"],
    ["/version", /^3\.\d+\.\d+$/],
  ] as const) {
    const { status, text, headers } = await ask("GET", path, undefined, { authorization: null });
    assert.deepEqual([status, headers.get("content-type")], [200, "text/plain"]);
    assert.match(text, new RegExp(words));
  }
  const { json } = await ask("GET", "/api/3.0/mlflow/server-info", undefined, { authorization: null });
  assert.deepEqual([json.store_type, json.workspaces_enabled], ["SqlStore", false]);
});

test("what is not offered is a 404 that is no JSON, so that a client asks what it knows of older servers", async () => {
  for (const [method, path] of [
    ["GET", "/api/2.0/mlflow/nothing"],
    ["POST", "/api/3.0/mlflow/traces"],
    ["GET", "/api/3.0/mlflow/server-features"],
    ["PATCH", "/ajax-api/3.0/mlflow/traces/t/tags"],
    ["GET", "/api/2.0/mlflow/metrics/get-history-bulk?run_id=a&metric_key=k"],
  ] as const) {
    const { status, json, text } = await ask(method, path, method === "GET" ? undefined : {});
    assert.deepEqual([status, json, text], [404, null, "Not Found"], path);
  }
});

test("a token is taken from a bearer and from a password of any name; who has none may look and is asked for one when writing", async () => {
  const create = (headers: { readonly authorization: string | null }) =>
    ask("POST", "/api/2.0/mlflow/runs/create", { experiment_id: experiment }, headers);
  assert.equal((await create({ authorization: `Bearer ${sample.token}` })).status, 200);
  assert.equal((await create({ authorization: basic(sample.token, "mill") })).status, 200);
  for (const authorization of [null, basic("wrong"), "Bearer wrong"]) {
    const { status, headers, json } = await create({ authorization });
    assert.deepEqual(
      [status, headers.get("www-authenticate"), json.error_code],
      [401, 'Basic realm="mlflow"', "UNAUTHENTICATED"],
    );
  }
  const looked = await ask("GET", `/api/2.0/mlflow/experiments/get?experiment_id=${experiment}`, undefined, {
    authorization: "",
  });
  assert.equal(looked.status, 200);
});

test("an experiment is found by id, by name and by a search, changes its name and tags, and comes back when it was deleted", async () => {
  const { experiment_id: id } = await done(post("experiments/create", { name: "second" }));
  await done(post("experiments/set-experiment-tag", { experiment_id: id, key: "note", value: "x" }));
  await done(post("experiments/set-experiment-tag", { experiment_id: id, key: "gone" }));
  await done(post("experiments/delete-experiment-tag", { experiment_id: id, key: "gone" }));
  await done(post("experiments/update", { experiment_id: id, new_name: "second, renamed" }));
  await done(post("experiments/delete", { experiment_id: id }));
  const { experiment: found } = await done(
    get(`experiments/get-by-name?experiment_name=${encodeURIComponent("second, renamed")}`),
  );
  assert.deepEqual(
    [found.experiment_id, found.lifecycle_stage, found.tags, found.artifact_location],
    [id, "deleted", [{ key: "note", value: "x" }], `mlflow-artifacts:/${id}`],
  );
  const searched = async (fields: object) =>
    (await done(post("experiments/search", fields))).experiments?.map(({ name }: { name: string }) => name);
  assert.deepEqual(await searched({ view_type: "DELETED_ONLY" }), ["second, renamed"]);
  assert.deepEqual(await searched({ max_results: 1000, order_by: ["name"] }), ["Default", "first"]);
  await done(post("experiments/restore", { experiment_id: id }));
  assert.deepEqual(await searched({ filter: "tags.note = 'x'" }), ["second, renamed"]);
  const first = await done(ask("GET", "/ajax-api/2.0/mlflow/experiments/search?max_results=2&order_by=name"));
  assert.deepEqual([first.experiments.length, typeof first.next_page_token], [2, "string"]);
});

test("a run keeps what was logged to it: the latest of each metric, values that JSON has no numbers for, parameters and tags", async () => {
  const run_id = await newRun({ run_name: "one", user_id: "anna", tags: [{ key: "mlflow.parentRunId", value: "p" }] });
  await done(post("runs/log-metric", { run_uuid: run_id, key: "loss", value: "0.5", timestamp: "7", step: 2 }));
  await done(post("runs/log-metric", { run_id, key: "loss", value: 0.75, timestamp: 9, step: 1 }));
  await done(post("runs/log-parameter", { run_id, key: "depth", value: "3" }));
  await done(post("runs/set-tag", { run_id, key: "stage", value: "draft" }));
  await done(
    post("runs/log-batch", {
      run_id,
      metrics: ["NaN", "Infinity", "-Infinity"].map((value, at) => ({ key: `m${at}`, value, timestamp: 1 })),
      params: [{ key: "depth", value: "3" }, { key: "empty" }],
      tags: [{ key: "note", value: "é" }],
      not_known: [{}],
    }),
  );
  await done(post("runs/delete-tag", { run_id, key: "stage" }));
  const { run_info } = await done(post("runs/update", { run_id, status: "FINISHED", end_time: 2000 }));
  assert.deepEqual([run_info.status, run_info.end_time, run_info.start_time, run_info.user_id], ["FINISHED", 2000, 1000, "anna"]);

  const { run } = await done(get(`runs/get?run_id=${run_id}`));
  assert.deepEqual(run.info.run_uuid, run_id);
  assert.deepEqual(run.info.artifact_uri, `mlflow-artifacts:/${experiment}/${run_id}/artifacts`);
  assert.deepEqual(run.data.metrics, [
    { key: "loss", value: 0.5, timestamp: 7, step: 2 },
    { key: "m0", value: "NaN", timestamp: 1, step: 0 },
    { key: "m1", value: Number.MAX_VALUE, timestamp: 1, step: 0 },
    { key: "m2", value: -Number.MAX_VALUE, timestamp: 1, step: 0 },
  ]);
  assert.deepEqual(run.data.params, [
    { key: "depth", value: "3" },
    { key: "empty", value: "" },
  ]);
  assert.deepEqual(
    new Map(run.data.tags.map((tag: { key: string; value: string }) => [tag.key, tag.value])),
    new Map([
      ["mlflow.parentRunId", "p"],
      ["mlflow.runName", "one"],
      ["note", "é"],
    ]),
  );
});

test("runs are found by what they logged, in order, by pages; deleted ones when they are asked for", async () => {
  const { experiment_id } = await done(post("experiments/create", { name: "searched" }));
  const ids: string[] = [];
  for (const loss of [3, 1, 2]) {
    const { run } = await done(post("runs/create", { experiment_id, run_name: `run ${loss}`, start_time: loss }));
    await done(post("runs/log-metric", { run_id: run.info.run_id, key: "loss", value: loss, timestamp: 1 }));
    ids.push(run.info.run_id);
  }
  const search = async (fields: object) => {
    const { runs = [], next_page_token } = await done(post("runs/search", { experiment_ids: [experiment_id], ...fields }));
    return { names: runs.map(({ info }: { info: { run_name: string } }) => info.run_name), token: next_page_token };
  };
  assert.deepEqual((await search({ filter: "metrics.loss < 3", order_by: ["metrics.loss ASC"] })).names, ["run 1", "run 2"]);
  const page = await search({ max_results: 2 });
  assert.deepEqual(page.names, ["run 3", "run 2"]);
  assert.deepEqual((await search({ max_results: 2, page_token: page.token })).names, ["run 1"]);
  await done(post("runs/delete", { run_id: ids[0] }));
  assert.deepEqual((await search({ run_view_type: "DELETED_ONLY" })).names, ["run 3"]);
  assert.deepEqual((await search({ run_view_type: "ALL" })).names.length, 3);
  await done(post("runs/restore", { run_id: ids[0] }));
  assert.deepEqual((await search({})).names.length, 3);
});

test("a metric's history comes whole, by pages, of several runs, and as a curve that keeps the last step", async () => {
  const run_id = await newRun();
  const metrics = Array.from({ length: 1000 }, (_, step) => ({ key: "loss", value: step / 8, timestamp: step, step }));
  await done(post("runs/log-batch", { run_id, metrics }));
  const asked = `metric_key=loss&run_id=${run_id}`;
  assert.deepEqual((await done(get(`metrics/get-history?${asked}`))).metrics, metrics);
  const first = await done(get(`metrics/get-history?${asked}&max_results=600`));
  const rest = await done(get(`metrics/get-history?${asked}&max_results=600&page_token=${first.next_page_token}`));
  assert.deepEqual([[...first.metrics, ...rest.metrics], rest.next_page_token], [metrics, undefined]);
  assert.deepEqual(await done(get(`metrics/get-history?run_id=${run_id}&metric_key=none`)), {});

  const bulk = await done(ask("GET", `/ajax-api/2.0/mlflow/metrics/get-history-bulk?${asked}&max_results=10`));
  assert.deepEqual(
    bulk.metrics,
    metrics.slice(0, 10).map((metric) => ({ ...metric, run_id })),
  );
  const curve = `/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?metric_key=loss&run_ids=${run_id}`;
  const { metrics: points } = await done(ask("GET", `${curve}&max_results=50&start_step=100&end_step=900`));
  assert.ok(points.length <= 50);
  assert.deepEqual([points[0].step, points.at(-1).step], [100, 900]);
});

test("what a run read and made is told with it, and its data sets with its experiment", async () => {
  const run_id = await newRun();
  const dataset = { name: "flights", digest: "8f2a", source_type: "local", source: "{}", schema: "{}", profile: "{}" };
  const datasets = [{ tags: [{ key: "mlflow.data.context", value: "train" }], dataset }];
  await done(post("runs/log-inputs", { run_id, datasets, models: [{ model_id: "m-1" }] }));
  await done(post("runs/outputs", { run_id, models: [{ model_id: "m-2", step: 3 }] }));
  const { run } = await done(get(`runs/get?run_id=${run_id}`));
  assert.deepEqual(run.inputs, { dataset_inputs: datasets, model_inputs: [{ model_id: "m-1" }] });
  assert.deepEqual(run.outputs, { model_outputs: [{ model_id: "m-2", step: 3 }] });
  const found = await done(ask("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", { experiment_ids: [experiment] }));
  assert.deepEqual(found.dataset_summaries, [{ experiment_id: experiment, name: "flights", digest: "8f2a", context: "train" }]);
});

test("what older clients say of a model is kept in a tag, one after the other", async () => {
  const run_id = await newRun();
  const model = (utc: string) => ({ artifact_path: "m", flavors: {}, utc_time_created: utc, run_id });
  for (const utc of ["1", "2"]) await done(post("runs/log-model", { run_id, model_json: JSON.stringify(model(utc)) }));
  const { run } = await done(get(`runs/get?run_id=${run_id}`));
  const tag = run.data.tags.find(({ key }: { key: string }) => key === "mlflow.log-model.history");
  assert.deepEqual(JSON.parse(tag.value), [model("1"), model("2")]);
});

test("every finite number comes back as it was logged", async () => {
  const run_id = await newRun();
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 30 }),
      async (values) => {
        const key = `k${count++}`;
        const metrics = values.map((value, step) => ({ key, value: value + 0, timestamp: step, step }));
        await done(post("runs/log-batch", { run_id, metrics }));
        assert.deepEqual((await done(get(`metrics/get-history?run_id=${run_id}&metric_key=${key}`))).metrics, metrics);
      },
    ),
    { numRuns: 20 },
  );
});

const deleted = await newRun();
await done(post("runs/delete", { run_id: deleted }));
const alive = await newRun();
await done(post("runs/log-parameter", { run_id: alive, key: "p", value: "1" }));
const point = { key: "k", value: 1, timestamp: 1 };

type Refusal = readonly [path: string, body: object | string, status: number, code: string, words: string];
const refusals: readonly Refusal[] = [
  ["experiments/create", {}, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'name'"],
  ["experiments/create", { name: 5 }, 400, "INVALID_PARAMETER_VALUE", "Invalid value 5 for parameter 'name' supplied"],
  ["experiments/create", { name: ["x"] }, 400, "INVALID_PARAMETER_VALUE", `Invalid value ["x"] for parameter 'name' supplied`],
  [
    "experiments/create",
    { name: "n", tags: "x" },
    400,
    "INVALID_PARAMETER_VALUE",
    `Invalid value "x" for parameter 'tags' supplied`,
  ],
  ["experiments/create", { name: "first" }, 400, "RESOURCE_ALREADY_EXISTS", "Experiment(name=first) already exists"],
  [
    "experiments/create",
    { name: "x".repeat(501) },
    400,
    "INVALID_PARAMETER_VALUE",
    "'name' exceeds the maximum length of 500 characters",
  ],
  ["experiments/delete", { experiment_id: "999" }, 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=999 exists"],
  ["experiments/delete", { experiment_id: "abc" }, 400, "INVALID_PARAMETER_VALUE", "Invalid experiment ID 'abc'"],
  [
    "experiments/update",
    { experiment_id: experiment },
    400,
    "INVALID_PARAMETER_VALUE",
    "Missing value for required parameter 'new_name'",
  ],
  [
    "experiments/search",
    { max_results: 0 },
    400,
    "INVALID_PARAMETER_VALUE",
    "Invalid value 0 for parameter 'max_results' supplied",
  ],
  ["experiments/search", { max_results: 50_001 }, 400, "INVALID_PARAMETER_VALUE", "It must be at most 50000"],
  ["experiments/search", { page_token: "garbage" }, 400, "INVALID_PARAMETER_VALUE", "Invalid page token"],
  [
    "experiments/delete-experiment-tag",
    { experiment_id: experiment, key: "no" },
    404,
    "RESOURCE_DOES_NOT_EXIST",
    "No tag with name: no",
  ],
  ["runs/create", { experiment_id: "999" }, 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=999 exists"],
  [
    "runs/create",
    { experiment_id: experiment, start_time: "soon" },
    400,
    "INVALID_PARAMETER_VALUE",
    `Invalid value "soon" for parameter 'start_time'`,
  ],
  [
    "runs/create",
    { experiment_id: experiment, run_name: "a", tags: [{ key: "mlflow.runName", value: "b" }] },
    ...([400, "INVALID_PARAMETER_VALUE", "Both 'run_name' argument and 'mlflow.runName' tag are specified"] as const),
  ],
  ["runs/update", {}, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'run_id'"],
  [
    "runs/update",
    { run_id: alive, status: "DONE" },
    400,
    "INVALID_PARAMETER_VALUE",
    `Invalid value "DONE" for parameter 'status'`,
  ],
  ["runs/delete", { run_id: "0".repeat(32) }, 404, "RESOURCE_DOES_NOT_EXIST", `Run with id=${"0".repeat(32)} not found`],
  ["runs/log-metric", { run_id: "../x", ...point }, 404, "RESOURCE_DOES_NOT_EXIST", "Run with id=../x not found"],
  [
    "runs/log-metric",
    { run_id: alive, key: "k", timestamp: 1 },
    400,
    "INVALID_PARAMETER_VALUE",
    "Missing value for required parameter 'value'",
  ],
  [
    "runs/log-metric",
    { run_id: alive, ...point, value: "abc" },
    400,
    "INVALID_PARAMETER_VALUE",
    `Invalid value "abc" for parameter 'value' supplied`,
  ],
  [
    "runs/log-metric",
    { run_id: alive, ...point, timestamp: -1 },
    400,
    "INVALID_PARAMETER_VALUE",
    "Invalid value -1 for parameter 'timestamp' supplied",
  ],
  [
    "runs/log-metric",
    { run_id: alive, ...point, key: "a/../b" },
    400,
    "INVALID_PARAMETER_VALUE",
    `Invalid value "a/../b" for parameter 'name' supplied`,
  ],
  [
    "runs/log-metric",
    { run_id: alive, ...point, key: "a#b" },
    400,
    "INVALID_PARAMETER_VALUE",
    "Names may only contain alphanumerics",
  ],
  [
    "runs/log-metric",
    { run_id: deleted, ...point },
    400,
    "INVALID_PARAMETER_VALUE",
    `The run ${deleted} must be in the 'active' state`,
  ],
  [
    "runs/log-parameter",
    { run_id: alive, key: "p", value: "2" },
    400,
    "INVALID_PARAMETER_VALUE",
    "already logged with value='1'",
  ],
  [
    "runs/log-parameter",
    { run_id: alive, key: "q", value: 2 },
    400,
    "INVALID_PARAMETER_VALUE",
    "Invalid value 2 for parameter 'value' supplied",
  ],
  [
    "runs/log-batch",
    { run_id: alive, metrics: [{ key: "a", value: 1 }] },
    400,
    "INVALID_PARAMETER_VALUE",
    "required parameter 'metrics[0].timestamp'",
  ],
  [
    "runs/log-batch",
    { run_id: alive, metrics: ["x"] },
    400,
    "INVALID_PARAMETER_VALUE",
    `Invalid value "x" for parameter 'metrics[0]'`,
  ],
  [
    "runs/log-batch",
    { run_id: alive, metrics: [{ ...point, key: "a#b" }] },
    400,
    "INVALID_PARAMETER_VALUE",
    "for parameter 'metrics[0].name' supplied",
  ],
  [
    "runs/log-batch",
    { run_id: alive, metrics: Array(1001).fill(point) },
    400,
    "INVALID_PARAMETER_VALUE",
    "at most 1000 metrics. Got 1001 metrics",
  ],
  [
    "runs/log-batch",
    {
      run_id: alive,
      params: [
        { key: "z", value: "1" },
        { key: "z", value: "1" },
      ],
    },
    ...([400, "INVALID_PARAMETER_VALUE", "Duplicate parameter keys have been submitted: ['z']"] as const),
  ],
  [
    "runs/delete-tag",
    { run_id: alive, key: "no" },
    404,
    "RESOURCE_DOES_NOT_EXIST",
    `No tag with name: no in run with id ${alive}`,
  ],
  ["runs/outputs", { run_id: alive }, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'models'"],
  [
    "runs/log-inputs",
    { run_id: alive, datasets: [{ dataset: { name: "n", digest: "d".repeat(37), source_type: "t", source: "s" } }] },
    ...([400, "INVALID_PARAMETER_VALUE", "'digest' exceeds the maximum length of 36 characters"] as const),
  ],
  ["runs/search", { experiment_ids: [experiment], filter: "metrics.k ~ 1" }, 400, "INVALID_PARAMETER_VALUE", "metrics.k ~ 1"],
  [
    "runs/search",
    { experiment_ids: "x" },
    400,
    "INVALID_PARAMETER_VALUE",
    `Invalid value "x" for parameter 'experiment_ids' supplied`,
  ],
  [
    "runs/search",
    { experiment_ids: [experiment], order_by: ["metrics.k", "metrics.k"] },
    400,
    "INVALID_PARAMETER_VALUE",
    "twice",
  ],
  ["runs/log-model", { run_id: alive, model_json: "{" }, 400, "INVALID_PARAMETER_VALUE", "is not a valid JSON"],
  [
    "runs/log-model",
    { run_id: alive, model_json: "{}" },
    400,
    "INVALID_PARAMETER_VALUE",
    "Model json is missing mandatory fields",
  ],
  ["runs/search", "{nope", 400, "BAD_REQUEST", "The body is not JSON"],
  ["runs/search", [], 400, "BAD_REQUEST", "must be a JSON object"],
];

for (const [path, body, status, code, words] of refusals) {
  const shown = typeof body === "string" ? body : JSON.stringify(body);
  test(`${path} ${shown.slice(0, 80)} is refused: ${words.slice(0, 80)}`, async () => {
    const { json, status: got, text } = await post(path, body);
    assert.deepEqual([got, json?.error_code], [status, code], text);
    assert.ok(json.message.includes(words), json.message);
  });
}

test("a body of more than 10 MiB is refused in MLflow's form, however small it was packed", async () => {
  const reply = await fetch(new URL("/api/2.0/mlflow/runs/search", sample.url), {
    method: "POST",
    headers: { authorization: basic(sample.token), "content-type": "application/json", "content-encoding": "gzip" },
    body: gzipSync(JSON.stringify({ filter: "x".repeat(11 * 2 ** 20) })),
  });
  const { error_code, message } = (await reply.json()) as { error_code: string; message: string };
  assert.deepEqual([reply.status, error_code], [400, "INVALID_PARAMETER_VALUE"]);
  assert.match(message, /larger than 10 MiB/);
});

test("a curve and a history of several runs are refused with what is wrong", async () => {
  const ajax = "/ajax-api/2.0/mlflow/metrics/get-history-bulk";
  for (const [path, words] of [
    [ajax, "must specify at least one run_id"],
    [`${ajax}?run_id=a`, "must specify a metric_key"],
    [`${ajax}?metric_key=k${"&run_id=a".repeat(101)}`, "more than 100 run_ids. Received 101"],
    [`${ajax}-interval?metric_key=k`, "Missing value for required parameter 'run_ids'"],
    [`${ajax}-interval?metric_key=k&run_ids=a&max_results=2501`, "max_results must be between 1 and 2500"],
    [`${ajax}-interval?metric_key=k&run_ids=a&start_step=1`, "both must be specified"],
    [`${ajax}-interval?metric_key=k&run_ids=a&start_step=2&end_step=1`, "end_step must be greater than start_step"],
  ] as const) {
    const { status, json } = await ask("GET", path);
    assert.equal(status, 400, path);
    assert.ok(json.message.includes(words), json.message);
  }
});

test("who makes and deletes too often is told to wait; logging goes on", async () => {
  const limited = await startSample(trackingVerbs(tracking), { limits: { strangers: 0, actors: 1 } });
  const send = async (path: string, body: object) => {
    const headers = { authorization: basic(limited.token), "content-type": "application/json" };
    const url = new URL(`/api/2.0/mlflow/${path}`, limited.url);
    const reply = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: reply.status, wait: reply.headers.get("retry-after"), ...((await reply.json()) as { error_code?: string }) };
  };
  const rename = (name: string) => send("experiments/update", { experiment_id: experiment, new_name: name });
  assert.equal((await rename("first, renamed")).status, 200);
  const { status, wait, error_code } = await rename("first");
  assert.deepEqual([status, error_code, Number(wait) > 0], [429, "REQUEST_LIMIT_EXCEEDED", true]);
  assert.equal((await send("runs/set-tag", { run_id: alive, key: "k", value: "v" })).status, 200);
  await limited.close();
});

test("each request is told to the access log by its operation, without what it sent", async () => {
  const before = told.length;
  await post("runs/set-tag", { run_id: alive, key: "secret-tag", value: "hidden" });
  await ask("POST", "/api/2.0/mlflow/runs/set-tag", {}, { authorization: "Bearer wrong" });
  const lines = told.slice(before);
  assert.deepEqual(
    lines.map(({ verb, status, actor }) => [verb, status, actor]),
    [
      ["mlflow runs/set-tag", 200, "owner"],
      ["mlflow runs/set-tag", 401, null],
    ],
  );
  assert.ok(!JSON.stringify(lines).includes("hidden"));
});
