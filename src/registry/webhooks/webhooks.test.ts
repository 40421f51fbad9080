import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createSecrets, openKeyring } from "../../guard/index.ts";
import { createFileObjects } from "../../ports/objects/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { createLoggedModels, createTracking } from "../../train/index.ts";
import { createRegisteredModels, createRegistry, createWebhooks, type WebhooksResources } from "../index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-webhooks-"));
const SECRET = "s3cr3t";
const BY = { actor: "anna" };
const EVENTS = [
  ...["registered_model.created", "model_version.created", "model_version_tag.set", "model_version_tag.deleted"],
  ...["model_version_alias.created", "model_version_alias.deleted"],
];

const objects = createFileObjects(join(root, "objects"));
const records = await openTestRecords(join(root, "mill.db"));
const tracking = createTracking({ records });
const models = createRegisteredModels({ records, tracking, loggedModels: createLoggedModels({ records, tracking }) });
const registry = createRegistry({ records, objects });
const keyring = await openKeyring(root);
const secrets = createSecrets({ records, keyring });
const clock = { ms: Date.now() };
const open = (more: Partial<WebhooksResources> = {}) =>
  createWebhooks({ records, secrets, allowPrivate: true, now: () => clock.ms, ...more });
const webhooks = open();

interface Received {
  readonly entity: string;
  readonly action: string;
  readonly timestamp: string;
  readonly data: Record<string, unknown>;
}

/** A receiver that keeps what is signed right, and answers as it is told to. */
async function listen(
  answer: (response: ServerResponse, body: Received) => void = (response) => response.writeHead(200).end("ok"),
) {
  const received: (Received & { readonly id: string; readonly signature: string | undefined })[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const { "x-mlflow-delivery-id": id, "x-mlflow-timestamp": at, "x-mlflow-signature": signature } = request.headers;
    const right = createHmac("sha256", SECRET).update(`${id}.${at}.${body}`).digest("base64");
    if (signature !== undefined && signature !== `v1,${right}`) return void response.writeHead(401).end();
    received.push({ ...JSON.parse(body), id, signature });
    answer(response, JSON.parse(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  after(async () => {
    server.close();
    server.closeAllConnections();
  });
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=planted` };
}

after(async () => {
  await webhooks.settled();
  await tracking.close();
  await objects.close();
  await records.close();
  rmSync(root, { recursive: true, force: true });
});

async function delivered(which = webhooks) {
  await which.deliver();
  await which.settled();
}

test("what people and gates do to models is told in order, signed, under ids and in the forms of MLflow", async () => {
  const { received, url } = await listen();
  await models.create({ name: "before" }, BY);
  const hook = await webhooks.create({ name: "all", url, events: EVENTS, secret: SECRET }, "anna");
  await models.create({ name: "churn", description: "who leaves", tags: { team: "a" } }, BY);
  await models.createVersion({ name: "churn", source: "s3://b/m", tags: { k: "v" } }, BY);
  await models.setAlias("churn", "best", 1, BY);
  await models.tag("churn", { set: { a: "1" }, without: ["k", "absent"] }, BY, 1);
  await models.tag("churn", { set: { team: "b" } }, BY);
  await models.removeAlias("churn", "best", BY);
  const put = (text: string) => objects.put(Buffer.from(text));
  const manifest = { format: 1, model: "late", threshold: 0.5, onnx: await put("onnx"), trained: await put("trained") };
  await registry.register({
    ...{ model: "late", bundle: await put(JSON.stringify(manifest)), verdict: { passed: true, chain: [] } },
    lineage: { dataset: { name: "flights", version: 1 }, steps: {} },
    card: async () => "card",
    actor: "run",
  });
  await delivered();
  assert.deepEqual(
    received.map(({ entity, action, data }) => [`${entity}.${action}`, data]),
    [
      ["registered_model.created", { name: "churn", tags: { team: "a" }, description: "who leaves" }],
      [
        "model_version.created",
        { name: "churn", version: "1", source: "s3://b/m", run_id: null, tags: { k: "v" }, description: null },
      ],
      ["model_version_alias.created", { name: "churn", version: "1", alias: "best" }],
      ["model_version_tag.deleted", { name: "churn", version: "1", key: "k" }],
      ["model_version_tag.set", { name: "churn", version: "1", key: "a", value: "1" }],
      ["model_version_alias.deleted", { name: "churn", alias: "best" }],
      ["registered_model.created", { name: "late", tags: {}, description: null }],
      [
        "model_version.created",
        { name: "late", version: "1", source: "mill:/late/1", run_id: null, tags: {}, description: null },
      ],
      ["model_version_alias.created", { name: "late", version: "1", alias: "champion" }],
    ],
  );
  assert.ok(received.every(({ signature, timestamp }) => signature !== undefined && timestamp.endsWith("Z")));
  assert.equal(new Set(received.map(({ id }) => id)).size, received.length);
  await delivered();
  assert.equal(received.length, 9, "once they are taken they are not sent again");
  await webhooks.remove(hook.id);
});

test("a secret is sealed, given back by nothing, stays after keys rotate, and goes with its webhook", async () => {
  const { received, url } = await listen();
  const { id, ...made } = await webhooks.create({ name: "w", url, events: ["registered_model.created"], secret: SECRET }, "anna");
  assert.equal(made.signs, true);
  const told = JSON.stringify([
    made,
    await webhooks.list({ limit: 10 }),
    await secrets.list(),
    await records.query("SELECT * FROM secrets"),
  ]);
  assert.ok(!told.includes(SECRET));
  const old = keyring.current;
  await keyring.rotate();
  await secrets.rewrapAll();
  assert.equal(await keyring.drop(old), true);
  await models.create({ name: "rotated" }, BY);
  await delivered();
  assert.ok(received.at(-1)!.signature);
  await webhooks.change(id, { secret: "" }, "anna");
  assert.equal((await records.query("SELECT name FROM secrets")).length, 0);
  assert.deepEqual(await webhooks.test(id), { success: true, status: 200, error: null });
  assert.equal(received.at(-1)!.signature, undefined);
  await webhooks.change(id, { secret: SECRET }, "anna");
  await webhooks.remove(id);
  assert.equal((await records.query("SELECT name FROM secrets")).length, 0);
  await assert.rejects(webhooks.find(id), { code: "registry.unknown-webhook" });
});

test("a receiver that does not answer keeps no other waiting, nor who changes models", async () => {
  const hanging = await listen(() => undefined);
  const well = await listen();
  const slow = await webhooks.create({ name: "slow", url: hanging.url, events: ["registered_model.created"] }, "anna");
  const quick = await webhooks.create({ name: "quick", url: well.url, events: ["registered_model.created"] }, "anna");
  for (const name of ["held", "not held"]) {
    await models.create({ name }, BY);
    do await webhooks.deliver();
    while ((await webhooks.standing(quick.id)).waiting > 0);
  }
  assert.deepEqual(
    well.received.map(({ data }) => data.name),
    ["held", "not held"],
  );
  assert.equal((await webhooks.standing(slow.id)).waiting, 2);
  await Promise.all([webhooks.remove(slow.id), webhooks.remove(quick.id)]);
});

test("429 and 5xx are tried again with the same id, in order, also by another server; for a day, then given up and told", async () => {
  let status = 503;
  const { received, url } = await listen((response) => response.writeHead(status).end());
  const { id } = await webhooks.create({ name: "w", url, events: ["registered_model.created"] }, "anna");
  await models.create({ name: "first" }, BY);
  await models.create({ name: "second" }, BY);
  await delivered();
  assert.match((await webhooks.standing(id)).error!, /^notice\.failed: .*it answered 503/);
  clock.ms += 60_000;
  status = 429;
  await delivered();
  clock.ms += 60_000;
  status = 204;
  await delivered(open());
  assert.deepEqual(
    received.map(({ data }) => data.name),
    ["first", "first", "first", "second"],
  );
  assert.equal(new Set(received.slice(0, 3).map((one) => one.id)).size, 1);
  status = 500;
  await models.create({ name: "never taken" }, BY);
  for (let hours = 0; hours < 27; hours++, clock.ms += 2 * 3_600_000) await delivered();
  assert.deepEqual({ ...(await webhooks.standing(id)), error: "" }, { waiting: 0, givenUp: 1, error: "" });
  await webhooks.remove(id);
});

test("an answer that another try would not change, a redirect among them, is given up at once, and what comes behind it is sent", async () => {
  const { received, url } = await listen((response, { data }) =>
    data.name === "refused"
      ? response.writeHead(400).end()
      : data.name === "moved"
        ? response.writeHead(307, { location: url }).end()
        : response.end(),
  );
  const { id } = await webhooks.create({ name: "w", url, events: ["registered_model.created"] }, "anna");
  for (const name of ["refused", "moved", "taken"]) await models.create({ name }, BY);
  await delivered();
  assert.deepEqual(
    received.map(({ data }) => data.name),
    ["refused", "moved", "taken"],
  );
  const { error, ...standing } = await webhooks.standing(id);
  assert.deepEqual(standing, { waiting: 0, givenUp: 2 });
  assert.ok(!error!.includes("planted"), "the address may hold a token");
  await webhooks.remove(id);
});

test("one that is switched off is told nothing of what happens meanwhile; prompts are no models", async () => {
  const { received, url } = await listen();
  const { id } = await webhooks.create({ name: "w", url, events: EVENTS }, "anna");
  await webhooks.change(id, { active: false }, "anna");
  await models.create({ name: "meanwhile" }, BY);
  await delivered();
  await webhooks.change(id, { active: true, name: "again", description: "d" }, "anna");
  await models.create({ name: "a prompt", tags: { "mlflow.prompt.is_prompt": "true" } }, BY);
  await models.create({ name: "afterwards" }, BY);
  await delivered();
  assert.deepEqual(
    received.map(({ data }) => data.name),
    ["afterwards"],
  );
  const { name, description, events, active, createdBy } = await webhooks.find(id);
  assert.deepEqual([name, description, events, active, createdBy], ["again", "d", EVENTS, true, "anna"]);
  await webhooks.remove(id);
});

test("a name, an address, events or a secret that cannot be are refused, and so is a private address where that is not allowed", async () => {
  const good = { name: "w", url: "https://example.org/hook", events: ["model_version.created"] };
  for (const wrong of [
    ...["", "-a", "a-", "a b", "x".repeat(64)].map((name) => ({ name })),
    ...["", "ftp://example.org", "example.org", "https://user:pass@example.org", `https://example.org/${"x".repeat(500)}`].map(
      (url) => ({ url }),
    ),
    ...[[], ["model_version.deleted"], ["model_version.created", "x"]].map((events) => ({ events })),
    { secret: "x".repeat(1001) },
  ])
    await assert.rejects(webhooks.create({ ...good, ...wrong }, "anna"), { code: "registry.webhook" }, JSON.stringify(wrong));
  const strict = open({ allowPrivate: false });
  for (const url of [
    "http://127.0.0.1/",
    "http://[::1]/",
    "http://169.254.169.254/latest",
    "http://10.0.0.1/",
    "http://localhost/",
  ])
    await assert.rejects(strict.create({ ...good, url }, "anna"), { code: "registry.webhook", at: "url" }, url);
  const { url, received } = await listen();
  const { id } = await webhooks.create({ ...good, url }, "anna");
  const refused = await strict.test(id);
  assert.deepEqual([refused.success, refused.status], [false, null]);
  assert.match(refused.error!, /private network/);
  assert.equal(received.length, 0);
  await webhooks.remove(id);
});
