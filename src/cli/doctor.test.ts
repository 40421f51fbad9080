import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Config, readConfig } from "../contract/index.ts";
import { createAudit, openAuditAnchor, openKeyring } from "../guard/index.ts";
import { newBucket, skip as withoutS3 } from "../ports/objects/fixtures/s3-server.ts";
import { configuredObjects, openObjects, requireSameStore } from "../ports/objects/index.ts";
import { openSqlite } from "../ports/records/index.ts";
import { examine } from "./doctor.ts";
import type { Finding } from "./findings.ts";

const root = mkdtempSync(join(tmpdir(), "mill-doctor-"));
after(() => rmSync(root, { recursive: true, force: true }));
const postgres = process.env.MILL_TEST_POSTGRES ?? "";

const configOf = (env: Record<string, string>): Config => {
  const workspace = mkdtempSync(join(root, "workspace-"));
  chmodSync(workspace, 0o700);
  const machine = { cores: 2, memoryMb: 4000, cwd: root };
  return readConfig({ flags: { workspace }, env: { MILL_PORT: "0", ...env }, file: {}, machine });
};
const told = async (config: Config, about: string): Promise<Finding> =>
  (await examine(config)).find(({ what }) => what === about)!;

/** As a first start leaves it. */
async function started(config: Config): Promise<void> {
  const records = await openSqlite(join(config.workspace, "mill.db"));
  const spec = configuredObjects(config);
  const objects = openObjects(spec, { keyring: { current: "one", key: () => Buffer.alloc(32) } });
  await requireSameStore(spec, { records, objects });
  await objects.close();
  await records.close();
}

test("the doctor of a new workspace makes nothing, and says what will be", async () => {
  const config = configOf({});
  for (const what of ["records", "objects", "keys"]) {
    const { state, found } = await told(config, what);
    assert.deepEqual([state, found.endsWith("(will be made)")], ["ok", true], found);
  }
  await started(config);
  assert.match((await told(config, "records")).found, /^SQLite 3\./);
  assert.match((await told(config, "objects")).found, /objects, not encrypted$/);
  assert.equal((await told(config, "keys")).state, "warning", "objects and no keys");
});

test("a database that is none, or a server that is not there, is told with what mends it", async () => {
  const damaged = configOf({});
  writeFileSync(join(damaged.workspace, "mill.db"), "not a database ".repeat(100), { mode: 0o600 });
  const { state, found, fix } = await told(damaged, "records");
  assert.deepEqual([state, /damaged/.test(found), /backup/.test(fix)], ["fault", true, true]);

  const away = await told(configOf({ MILL_RECORDS: "postgres://me:secret@127.0.0.1:1/mine" }), "records");
  assert.deepEqual([away.state, /does not answer/.test(away.found), /Start PostgreSQL/.test(away.fix)], ["fault", true, true]);
  assert.ok(!away.found.includes("secret"), "no password is shown");
});

test("objects that are stored otherwise than the settings say are a fault", async () => {
  const config = configOf({ MILL_ENCRYPT: "yes" });
  await started(config);
  assert.equal((await told(config, "objects")).state, "ok");
  const { state, found, fix } = await told({ ...config, encrypt: false }, "objects");
  assert.deepEqual([state, /, encrypted$/.test(found), fix], ["fault", true, 'set `encrypt` to "yes"']);
});

test("keys that others may read, and a port for S3 clients that is taken, are told", async (t) => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  t.after(() => holder.close());
  const { port } = holder.address() as { port: number };
  const config = configOf({ MILL_S3_PORT: String(port) });
  const { state, found } = await told(config, "S3 port");
  assert.deepEqual([state, found], ["warning", `127.0.0.1:${port} is taken`]);
  assert.equal((await told({ ...config, s3Port: 0 }, "S3 port")).state, "ok");

  const keys = join(config.workspace, "keys.json");
  writeFileSync(keys, "{}");
  chmodSync(keys, 0o644);
  const open = await told(config, "workspace");
  assert.deepEqual([open.state, open.fix], ["fault", `chmod go-rwx ${keys}`]);
});

test("a PostgreSQL server that answers is told with its version", {
  skip: postgres === "" && "needs MILL_TEST_POSTGRES",
}, async () => {
  const { state, found } = await told(configOf({ MILL_RECORDS: `${postgres}?schema=doctor_makes_none` }), "records");
  assert.deepEqual([state, /^PostgreSQL \d+.*, schema doctor_makes_none$/.test(found)], ["ok", true], found);
});

test("a bucket is tried by putting, reading and removing an object", { skip: withoutS3 }, async (t) => {
  const { bucket, endpoint, credentials } = await newBucket();
  const environment = (id: string, secret: string) =>
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret });
  t.after(() => {
    delete process.env.AWS_ACCESS_KEY_ID;
    delete process.env.AWS_SECRET_ACCESS_KEY;
  });
  const config = configOf({ MILL_OBJECTS: `s3://${bucket}/below`, MILL_OBJECTS_ENDPOINT: endpoint! });
  environment(credentials!.accessKeyId, credentials!.secretAccessKey);
  assert.deepEqual(await told(config, "objects"), {
    what: "objects",
    state: "ok",
    found: `s3://${bucket}/below, not encrypted`,
    fix: "",
  });
  const missing = await told({ ...config, objects: { bucket: `${bucket}-none`, prefix: "" } }, "objects");
  assert.deepEqual([missing.state, /no bucket/.test(missing.found)], ["fault", true]);
  environment(credentials!.accessKeyId, "wrong");
  const { state, found, fix } = await told(config, "objects");
  assert.deepEqual([state, /refuses our access key/.test(found), /secret/.test(fix)], ["fault", true, true]);
});

test("an audit that was altered, or whose end was cut off, is a fault; one without an anchor a warning", async () => {
  const config = configOf({});
  assert.deepEqual((await told(config, "audit")).found, "nothing was done yet");
  await started(config);
  const records = await openSqlite(join(config.workspace, "mill.db"));
  const anchor = await openAuditAnchor(config.workspace, await openKeyring(config.workspace));
  const audit = createAudit({ records, anchor });
  for (let index = 0; index < 5; index++)
    await audit.record({ actor: "owner", verb: "run", target: null, outcome: "done", detail: index });
  await anchor.close();
  assert.match((await told(config, "audit")).found, /^5 rows, none altered, and none cut off up to row 5$/);
  await records.commit([{ sql: "DELETE FROM audit WHERE seq = 5" }]);
  const cut = await told(config, "audit");
  assert.deepEqual([cut.state, /cut off/.test(cut.found)], ["fault", true], cut.found);
  rmSync(join(config.workspace, "audit.head"));
  assert.equal((await told(config, "audit")).state, "warning");
  await records.commit([{ sql: "UPDATE audit SET actor = 'somebody' WHERE seq = 2" }]);
  assert.match((await told(config, "audit")).found, /row 2: its content was changed/);
  await records.close();
});

test("a Slurm that is set is asked whether it answers, and what is missing is told", async () => {
  assert.equal(await told(configOf({}), "slurm"), undefined);
  const fault = async (env: Record<string, string>) => {
    const { state, found } = await told(configOf(env), "slurm");
    assert.equal(state, "fault");
    return found;
  };
  const MILL_SLURM_URL = "http://127.0.0.1:9";
  assert.match(await fault({ MILL_ON: "slurm" }), /without MILL_SLURM_URL/);
  assert.match(await fault({ MILL_SLURM_URL }), /without MILL_SLURM_TOKEN_FILE/);
  assert.match(await fault({ MILL_SLURM_URL, MILL_SLURM_TOKEN_FILE: join(root, "none") }), /token/);
  const token = join(root, "slurm-token");
  writeFileSync(token, "a.b.c");
  assert.match(await fault({ MILL_SLURM_URL, MILL_SLURM_TOKEN_FILE: token }), /cannot be reached/);
  assert.match(await fault({ MILL_SLURM_URL: "http://slurm.example.org", MILL_SLURM_TOKEN_FILE: token }), /in the clear/);
});
