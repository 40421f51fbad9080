/** Artifacts, logged models and the registry by MLflow's paths, on a real store. What its Python client makes of them is tested in `protocols/mlflow/clients`. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { after, test } from "node:test";
import { startFiles } from "./fixtures/files-platform.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-mlflow-files-"));
const sample = await startFiles(folder);
after(async () => {
  await sample.close();
  await rm(folder, { recursive: true });
});

interface Asked {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly to?: { readonly url: string; readonly token: string };
}

async function ask(method: string, path: string, { body, headers = {}, to = sample }: Asked = {}) {
  const isText = typeof body === "string";
  const reply = await fetch(new URL(path, to.url), {
    method,
    headers: {
      authorization: `Bearer ${to.token}`,
      ...(body !== undefined && !isText && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
  });
  const text = await reply.text();
  // biome-ignore lint/suspicious/noExplicitAny: what it is, is what is tested
  const json: any = reply.headers.get("content-type")?.includes("json") ? JSON.parse(text) : null;
  return { status: reply.status, headers: reply.headers, text, json };
}
const FILES = "/api/2.0/mlflow-artifacts/artifacts";
const put = (path: string, body: string, to?: Asked["to"]) => ask("PUT", `${FILES}/${path}`, { body, ...(to && { to }) });
const list = async (path: string) => (await ask("GET", `${FILES}?path=${encodeURIComponent(path)}`)).json.files ?? [];
const api = (method: string, path: string, body?: object) => ask(method, `/api/2.0/mlflow/${path}`, body ? { body } : {});
async function done(asked: ReturnType<typeof ask>) {
  const { status, text, json } = await asked;
  assert.equal(status, 200, text);
  return json;
}

const { run } = await done(api("POST", "runs/create", { experiment_id: "0", start_time: 1000 }));
const root: string = run.info.artifact_uri.replace("mlflow-artifacts:/", "");

test("a file of a run is written, listed, read whole and in ranges, and taken away", async () => {
  assert.deepEqual((await put(`${root}/model/MLmodel`, "flavors: {}")).json, {});
  await done(put(`${root}/n%20o%C3%A4.json`, "{}"));
  assert.deepEqual(await list(root), [
    { path: "model", is_dir: true },
    { path: "n oä.json", is_dir: false, file_size: 2 },
  ]);
  const listed = await done(api("GET", `artifacts/list?run_id=${run.info.run_id}&path=model`));
  assert.deepEqual(listed, { root_uri: run.info.artifact_uri, files: [{ path: "model/MLmodel", is_dir: false, file_size: 11 }] });
  const whole = await ask("GET", `${FILES}/${root}/model/MLmodel`);
  assert.deepEqual([whole.status, whole.text], [200, "flavors: {}"]);
  const head = ["content-type", "content-length", "content-disposition", "x-content-type-options"].map((name) =>
    whole.headers.get(name),
  );
  assert.deepEqual(head, [
    "text/plain; charset=utf-8",
    "11",
    `attachment; filename="MLmodel"; filename*=UTF-8''MLmodel`,
    "nosniff",
  ]);
  const part = await ask("GET", `/get-artifact?run_id=${run.info.run_id}&path=model/MLmodel`, {
    headers: { range: "bytes=2-4" },
  });
  assert.deepEqual([part.status, part.text, part.headers.get("content-range")], [206, "avo", "bytes 2-4/11"]);
  assert.equal((await ask("GET", `${FILES}/${root}/model/MLmodel`, { headers: { range: "bytes=11-" } })).status, 416);
  const type = await ask("GET", `${FILES}/${root}/n%20o%C3%A4.json`, {
    headers: { "content-type": "text/html", accept: "text/html" },
  });
  assert.equal(type.headers.get("content-type"), "application/json");
  assert.match(type.headers.get("content-disposition")!, /filename="n o_\.json"; filename\*=UTF-8''n%20o%C3%A4\.json/);
  await done(ask("DELETE", `${FILES}/${root}/model/`));
  const gone = await ask("GET", `${FILES}/${root}/model/MLmodel`);
  assert.deepEqual([gone.status, gone.json.error_code], [404, "RESOURCE_DOES_NOT_EXIST"]);
});

test("a path that leads astray is an invalid path, however often it is encoded", async () => {
  const up = [
    "..%2f..%2fetc%2fpasswd",
    "%252e%252e/x",
    "a/%25252e%25252e/x",
    "a%5cb",
    "a%00b",
    "a%2523b",
    "a%2f%2fb",
    `${"x".repeat(1100)}`,
  ];
  for (const path of up)
    for (const [method, body] of [["GET"], ["PUT", "x"], ["DELETE"]] as const) {
      const { status, json } = await ask(method, `${FILES}/${root}/${path}`, body ? { body } : {});
      assert.deepEqual(
        [status, json],
        [400, { error_code: "INVALID_PARAMETER_VALUE", message: "Invalid path" }],
        `${method} ${path}`,
      );
    }
  for (const path of ["../../other", "%2e%2e/x", "/etc/passwd", "..%252f.."]) {
    const reply = await ask("GET", `/get-artifact?run_id=${run.info.run_id}&path=${encodeURIComponent(path)}`);
    assert.deepEqual([reply.status, reply.json.message], [400, "Invalid path"], path);
  }
  assert.equal((await api("GET", `artifacts/list?run_id=${run.info.run_id}&path=..`)).status, 400);
});

test("without the permission nothing is written, and nothing of an upload that breaks off is seen", async () => {
  const anonymous = await fetch(new URL(`${FILES}/${root}/a`, sample.url), { method: "PUT", body: "x" });
  assert.deepEqual([anonymous.status, anonymous.headers.get("www-authenticate")], [401, 'Basic realm="mlflow"']);

  const socket = connect(sample.port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(
    `PUT ${FILES}/${root}/cut HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${sample.token}\r\nContent-Length: 9000000\r\n\r\n`,
  );
  await new Promise((sent) => socket.write(Buffer.alloc(3_000_000), sent));
  socket.resume().end(); // an end where more was announced
  await once(socket, "close");
  assert.deepEqual(await list(root), [{ path: "n oä.json", is_dir: false, file_size: 2 }]);
  assert.ok(!sample.logs.some((line) => line.includes('"fault"')), "who goes away is no fault of ours");
});

test("an upload in parts goes where the client is told to, with the token that it has", async () => {
  const begun = await done(
    ask("POST", `/api/2.0/mlflow-artifacts/mpu/create/${root}/big`, { body: { path: "/home/me/data.bin", num_parts: 2 } }),
  );
  const parts: object[] = [];
  for (const { url, part_number, headers } of begun.credentials) {
    const reply = await fetch(url, { method: "PUT", headers, body: `part ${part_number};` });
    assert.equal(reply.status, 200);
    parts.push({ part_number, etag: reply.headers.get("etag"), url });
  }
  const complete = { path: "/home/me/data.bin", upload_id: begun.upload_id, parts };
  assert.equal((await ask("POST", `/api/2.0/mlflow-artifacts/mpu/complete/${root}/other`, { body: complete })).status, 400);
  await done(ask("POST", `/api/2.0/mlflow-artifacts/mpu/complete/${root}/big`, { body: complete }));
  assert.equal((await ask("GET", `${FILES}/${root}/big/data.bin`)).text, "part 1;part 2;");
  assert.equal(
    (await ask("POST", `/api/2.0/mlflow-artifacts/mpu/abort/${root}/big`, { body: { path: "x", upload_id: begun.upload_id } }))
      .status,
    400,
  );
  const links = await ask("GET", `/api/2.0/mlflow-artifacts/presigned/${root}/big/data.bin`);
  assert.deepEqual([links.status, links.json.error_code], [501, "NOT_IMPLEMENTED"]);
});

test("the same files have paths of our own", async () => {
  const path = `${root}/ours.txt`;
  const reply = await ask("POST", `/v1/artifacts/content?path=${path}`, {
    body: "ours",
    headers: { "content-type": "text/plain" },
  });
  assert.deepEqual([reply.status, reply.json.path, reply.json.sizeBytes], [200, path, 4]);
  assert.equal((await ask("GET", `/v1/artifacts/content?path=${path}`)).text, "ours");
  assert.equal((await ask("GET", `/v1/artifacts?folder=${root}&limit=1`)).json.items.length, 1);
  assert.equal((await ask("POST", "/v1/artifacts/remove", { body: { path } })).json.files, 1);
});

test("a model is logged, filled, finished, measured and found; a parameter of it never changes", async () => {
  const body = { experiment_id: "0", name: "iris", params: [{ key: "C", value: "1" }], tags: [{ key: "t", value: "v" }] };
  const { model } = await done(api("POST", "logged-models", body));
  const { model_id: id, artifact_uri, status } = model.info;
  assert.match(id, /^m-[0-9a-f]{32}$/);
  assert.deepEqual([artifact_uri, status], [`mlflow-artifacts:/0/models/${id}/artifacts`, "LOGGED_MODEL_PENDING"]);
  await done(put(`0/models/${id}/artifacts/MLmodel`, "flavors"));
  const files = await done(api("GET", `logged-models/${id}/artifacts/directories`));
  assert.deepEqual(files.files, [{ path: "MLmodel", is_dir: false, file_size: 7 }]);
  assert.equal(
    (await ask("GET", `/ajax-api/2.0/mlflow/logged-models/${id}/artifacts/files?artifact_file_path=MLmodel`)).text,
    "flavors",
  );
  assert.equal(
    (await done(api("PATCH", `logged-models/${id}`, { model_id: id, status: 2 }))).model.info.status,
    "LOGGED_MODEL_READY",
  );
  for (const [value, dataset] of [
    [0.7, "train"],
    [0.9, "test"],
  ] as const)
    await done(
      api("POST", "runs/log-metric", {
        run_id: run.info.run_id,
        key: "auc",
        value,
        timestamp: 1,
        step: 0,
        model_id: id,
        dataset_name: dataset,
        dataset_digest: "d",
      }),
    );
  const found = async (search: object) =>
    ((await done(api("POST", "logged-models/search", { experiment_ids: ["0"], ...search }))).models ?? []).map(
      (one: typeof model) => one.info.name,
    );
  await done(api("POST", "logged-models", { experiment_id: "0", name: "other" }));
  assert.deepEqual(await found({ order_by: [{ field_name: "name" }] }), ["iris", "other"]);
  assert.deepEqual(await found({ filter: "metrics.auc > 0.8 AND params.C = '1' AND tags.t IN ('v')" }), ["iris"]);
  assert.deepEqual(await found({ filter: "metrics.auc > 0.8", datasets: [{ dataset_name: "train" }] }), []);
  assert.deepEqual(await found({ order_by: [{ field_name: "metrics.auc", ascending: false, dataset_name: "test" }] }), [
    "iris",
    "other",
  ]);
  assert.equal((await api("POST", "logged-models/search", { experiment_ids: ["0"], filter: "nonsense" })).status, 400);
  const changed = await api("POST", `logged-models/${id}/params`, { params: [{ key: "C", value: "2" }] });
  assert.deepEqual([changed.status, changed.json.error_code], [400, "INVALID_PARAMETER_VALUE"]);
  await done(api("DELETE", `logged-models/${id}/tags/t`));
  assert.equal((await api("DELETE", `logged-models/${id}/tags/t`)).status, 404);
  await done(api("DELETE", `logged-models/${id}`));
  assert.equal((await api("GET", `logged-models/${id}`)).status, 404);
  assert.equal((await done(api("GET", `logged-models/${id}?allow_deleted=true`))).model.info.model_id, id);
  assert.equal((await api("POST", "logged-models", { experiment_id: "0", name: "a/b" })).status, 400);
});

test("a model is registered by name, its versions have aliases and stages, and its files are found", async () => {
  const { model } = await done(api("POST", "logged-models", { experiment_id: "0", source_run_id: run.info.run_id }));
  const id = model.info.model_id;
  await done(put(`0/models/${id}/artifacts/MLmodel`, "registered"));
  await done(api("POST", "registered-models/create", { name: "churn", tags: [{ key: "team", value: "a" }] }));
  const { model_version: first } = await done(
    api("POST", "model-versions/create", { name: "churn", source: `models:/${id}`, description: "" }),
  );
  assert.deepEqual(
    [first.version, first.run_id, first.status, first.current_stage, first.description],
    ["1", run.info.run_id, "READY", "None", ""],
  );
  assert.equal((await ask("GET", "/model-versions/get-artifact?name=churn&version=1&path=MLmodel")).text, "registered");
  assert.match((await done(api("GET", `logged-models/${id}`))).model.info.tags[0].value, /"churn"/);
  await done(api("POST", "registered-models/alias", { name: "churn", alias: "best", version: "1" }));
  assert.deepEqual((await done(api("GET", "registered-models/alias?name=churn&alias=best"))).model_version.aliases, ["best"]);
  assert.equal((await api("GET", "registered-models/alias?name=churn&alias=none")).json.error_code, "INVALID_PARAMETER_VALUE");
  const { model_version: copy } = await done(
    api("POST", "model-versions/create", { name: "churn", source: "models:/churn@best" }),
  );
  assert.deepEqual([copy.version, copy.source], ["2", "models:/churn/1"]);
  await done(api("POST", "model-versions/transition-stage", { name: "churn", version: 1, stage: "production" }));
  await done(
    api("POST", "model-versions/transition-stage", {
      name: "churn",
      version: 2,
      stage: "Production",
      archive_existing_versions: true,
    }),
  );
  const { model_versions: latest } = await done(
    api("GET", "registered-models/get-latest-versions?name=churn&stages=production&stages=ARCHIVED"),
  );
  assert.deepEqual(
    latest.map((one: typeof copy) => [one.version, one.current_stage]),
    [
      ["1", "Archived"],
      ["2", "Production"],
    ],
  );
  await done(api("DELETE", "model-versions/delete", { name: "churn", version: "2" }));
  const { model_version: third } = await done(
    api("POST", "model-versions/create", { name: "churn", source: "s3://bucket/model" }),
  );
  assert.equal(third.version, "3");
  await done(api("POST", "registered-models/rename", { name: "churn", new_name: "attrition" }));
  assert.equal((await api("GET", "registered-models/get?name=churn")).json.error_code, "RESOURCE_DOES_NOT_EXIST");
  const searched = await done(
    api("GET", "model-versions/search?filter=name%3D'attrition'&order_by=version_number%20ASC&max_results=1"),
  );
  assert.deepEqual([searched.model_versions[0].version, typeof searched.next_page_token], ["1", "string"]);
  const { registered_model } = await done(
    api("PATCH", "registered-models/update", { name: "attrition", description: "who leaves" }),
  );
  assert.deepEqual([registered_model.description, registered_model.tags], ["who leaves", [{ key: "team", value: "a" }]]);
  const taken = await api("POST", "registered-models/create", { name: "attrition" });
  assert.deepEqual([taken.status, taken.json.error_code], [400, "RESOURCE_ALREADY_EXISTS"]);
  await done(api("DELETE", "registered-models/delete", { name: "attrition" }));
  assert.deepEqual(await done(api("GET", "registered-models/search")), {});
});

const LARGE_MB = 176;
/** A server that kept what passes through it would take all of it. */
const SLACK_MB = 120;

test("webhooks are made, changed, tried and deleted, by admins alone; what they are told is signed with a secret that is given back nowhere", async () => {
  const received: { headers: IncomingHttpHeaders; body: string }[] = [];
  const receiver = createServer(async (got, answer) => {
    let body = "";
    for await (const chunk of got.setEncoding("utf8")) body += chunk;
    received.push({ headers: got.headers, body });
    answer.writeHead(204).end();
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const events = [{ entity: "REGISTERED_MODEL", action: "CREATED" }];
  const made = await done(api("POST", "webhooks", { name: "deploys", url, events, secret: "planted", description: "d" }));
  const { webhook_id: id, creation_timestamp: at, last_updated_timestamp: _, ...shown } = made.webhook;
  assert.deepEqual(shown, { name: "deploys", url, events, description: "d", status: "ACTIVE" });
  assert.ok(at > 1.7e12);

  assert.deepEqual(await done(api("POST", `webhooks/${id}/test`, {})), { result: { success: true, response_status: 204 } });
  await done(api("POST", "registered-models/create", { name: "told of", tags: [{ key: "team", value: "a" }] }));
  await sample.webhooks.deliver();
  await sample.webhooks.settled();
  const { headers, body } = received[1]!;
  const signed = `${headers["x-mlflow-delivery-id"]}.${headers["x-mlflow-timestamp"]}.${body}`;
  assert.equal(headers["x-mlflow-signature"], `v1,${createHmac("sha256", "planted").update(signed).digest("base64")}`);
  const { timestamp, ...told } = JSON.parse(body);
  assert.ok(!Number.isNaN(Date.parse(timestamp)));
  const data = { name: "told of", tags: { team: "a" }, description: null };
  assert.deepEqual(told, { entity: "registered_model", action: "created", data });

  const changed = await done(
    api("PATCH", `webhooks/${id}`, { status: "DISABLED", events: [{ entity: "MODEL_VERSION_TAG", action: "SET" }] }),
  );
  assert.deepEqual([changed.webhook.status, changed.webhook.name], ["DISABLED", "deploys"]);
  const listed = await ask("GET", "/api/2.0/mlflow/webhooks?max_results=1");
  assert.deepEqual([listed.json.webhooks.length, listed.text.includes("planted")], [1, false]);
  const wrong = (fields: object) => api("POST", "webhooks", { name: "n", url, events, ...fields });
  for (const fields of [
    { name: "-" },
    { url: "ftp://h" },
    { events: [] },
    { events: [{ entity: "PROMPT", action: "CREATED" }] },
    { status: "ON" },
  ])
    assert.deepEqual(
      [(await wrong(fields)).status, (await wrong(fields)).json.error_code],
      [400, "INVALID_PARAMETER_VALUE"],
      JSON.stringify(fields),
    );
  assert.equal((await ask("GET", "/api/2.0/mlflow/webhooks", { to: { url: sample.url, token: "none" } })).status, 401);
  await done(api("DELETE", `webhooks/${id}`));
  for (const gone of [id, "no-uuid"])
    assert.deepEqual((await api("GET", `webhooks/${gone}`)).json.error_code, "RESOURCE_DOES_NOT_EXIST");
  receiver.close();
  receiver.closeAllConnections();
});

test("a file of 176 MB passes in the memory that a small one takes, and what was acknowledged outlives a kill", {
  skip: !existsSync("/proc/self/status") && "the peak of another process's memory is only told by Linux",
}, async (t) => {
  const store = await mkdtemp(join(tmpdir(), "mill-mlflow-large-"));
  let server = await start(store);
  t.after(async () => {
    await server.kill();
    await rm(store, { recursive: true });
  });
  const block = randomBytes(1 << 20);
  const path = "1/r/artifacts/large";
  await send(server, `${FILES}/${path}`, block, 16);
  const before = server.peakMb();
  await send(server, `${FILES}/${path}`, block, LARGE_MB);
  const expected = createHash("sha256");
  for (let count = 0; count < LARGE_MB; count++) expected.update(block);
  const digest = expected.digest("hex");
  assert.equal(await digestOf(server, path), digest);
  const grownMb = server.peakMb() - before;
  assert.ok(grownMb < SLACK_MB, `the peak grew by ${grownMb} MB`);
  assert.equal((await put("1/r/artifacts/last", "acknowledged", server)).status, 200);
  await server.kill();
  server = await start(store);
  assert.equal((await ask("GET", `${FILES}/1/r/artifacts/last`, { to: server })).text, "acknowledged");
  assert.equal(await digestOf(server, path), digest);
});

async function start(store: string) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "fixtures/open-files.ts"), store], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const at = JSON.parse(String((await once(child.stdout, "data"))[0])) as { url: string; token: string };
  return {
    ...at,
    peakMb: () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "latin1"))![1]) / 1024,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function send(
  { url, token }: { url: string; token: string },
  path: string,
  block: Buffer,
  megabytes: number,
): Promise<void> {
  const outgoing = request(new URL(path, url), {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-length": megabytes << 20 },
  });
  const answered = once(outgoing, "response");
  await pipeline(Readable.from(Array(megabytes).fill(block)), outgoing);
  const [response] = await answered;
  response.resume();
  assert.equal(response.statusCode, 200);
}

async function digestOf({ url, token }: { url: string; token: string }, path: string): Promise<string> {
  const reply = await fetch(new URL(`${FILES}/${path}`, url), { headers: { authorization: `Bearer ${token}` } });
  const hash = createHash("sha256");
  for await (const chunk of reply.body!) hash.update(chunk);
  return hash.digest("hex");
}
