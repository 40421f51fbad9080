import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, link, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { after, mock, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { createAudit, lockWorkspace, openTokens, readLock } from "./index.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-guard-"));
after(() => rm(folder, { recursive: true }));
const fresh = async () => {
  const workspace = await mkdtemp(join(folder, "w-"));
  return { workspace, records: await openTestRecords(join(workspace, "mill.db")) };
};
const entry = (verb: string) => ({ actor: "owner", verb, target: null, outcome: "done", detail: { n: 1 } });

test("the token is written once, for its owner alone, and only its digest is in the records", async () => {
  const { workspace, records } = await fresh();
  const tokens = await openTokens({ records, workspace });
  const token = (await readFile(tokens.path, "utf8")).trim();
  assert.equal(tokens.current(), token);
  assert.equal((await stat(tokens.path)).mode & 0o777, 0o600);
  assert.ok(!JSON.stringify(await records.query("SELECT * FROM tokens")).includes(token));
  assert.equal((await openTokens({ records, workspace })).current(), token, "a second start keeps it");
  assert.equal((await tokens.bearer(token)).id, "owner");
  await assert.rejects(tokens.bearer(`${token}x`), { code: "guard.token-wrong" });
  await assert.rejects(tokens.bearer(""), { code: "guard.token-wrong" });
  await records.close();
});

test("a new token ends the old one, also after a restart with the old file", async () => {
  const { workspace, records } = await fresh();
  const tokens = await openTokens({ records, workspace });
  const old = tokens.current();
  const renewed = await tokens.renew();
  assert.notEqual(renewed, old);
  await assert.rejects(tokens.bearer(old), { code: "guard.token-wrong" });
  assert.equal((await tokens.bearer(renewed)).id, "owner");
  assert.equal((await openTokens({ records, workspace })).current(), renewed);

  await writeFile(tokens.path, old);
  const restarted = await openTokens({ records, workspace });
  await assert.rejects(restarted.bearer(old), { code: "guard.token-wrong" });
  assert.notEqual(restarted.current(), old);
  await records.close();
});

test("a token that others could read is closed to them again", async () => {
  const { workspace, records } = await fresh();
  const { path } = await openTokens({ records, workspace });
  await chmod(path, 0o644);
  await openTokens({ records, workspace });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await records.close();
});

test("a configured token is in force and stored nowhere", async () => {
  const { workspace, records } = await fresh();
  const tokens = await openTokens({ records, workspace, configured: "from-the-environment" });
  assert.deepEqual((await tokens.bearer("from-the-environment")).roles, ["admin"]);
  await assert.rejects(stat(tokens.path), { code: "ENOENT" });
  assert.deepEqual(await records.query("SELECT * FROM tokens"), []);
  await records.close();
});

test("audit rows written at once form one chain", async () => {
  const { records } = await fresh();
  const audit = createAudit({ records });
  await Promise.all(Array.from({ length: 50 }, (_, index) => audit.record(entry(`verb-${index}`))));
  assert.deepEqual(await audit.verify(), { whole: true, rows: 50 });
  assert.deepEqual(
    (await audit.list({ limit: 50 })).reverse().map((row) => row.verb),
    Array.from({ length: 50 }, (_, index) => `verb-${index}`),
  );
  await records.close();
});

test("two writers of one audit never fork the chain", async () => {
  const { records } = await fresh();
  const writers = [createAudit({ records }), createAudit({ records })];
  await Promise.all(Array.from({ length: 20 }, (_, index) => writers[index % 2]!.record(entry("x"))));
  assert.deepEqual(await writers[0]!.verify(), { whole: true, rows: 20 });
  await records.close();
});

const tampering: readonly [what: string, sql: string, seq: number][] = [
  ["changed", "UPDATE audit SET actor = 'someone' WHERE seq = 3", 3],
  ["deleted", "DELETE FROM audit WHERE seq = 3", 4],
  ["given other details", `UPDATE audit SET detail = '{"n":2}' WHERE seq = 1`, 1],
  ["given a new digest", `UPDATE audit SET digest = 'sha256:${"1".repeat(64)}' WHERE seq = 2`, 2],
];
for (const [what, sql, seq] of tampering) {
  test(`an audit row that was ${what} is found`, async () => {
    const { records } = await fresh();
    const audit = createAudit({ records });
    for (let index = 0; index < 5; index++) await audit.record(entry("x"));
    await records.commit([{ sql }]);
    const state = await audit.verify();
    assert.equal(state.whole, false);
    assert.equal(!state.whole && state.seq, seq);
    await records.close();
  });
}

test("one process owns a workspace, and its address can be read", async () => {
  const workspace = join(folder, "locked");
  const lock = await lockWorkspace(workspace);
  assert.equal((await stat(workspace)).mode & 0o777, 0o700);
  await assert.rejects(lockWorkspace(workspace), { code: "guard.workspace-locked" });
  await lock.announce("http://127.0.0.1:1", "http://127.0.0.1:2");
  assert.equal((await readLock(workspace))?.url, "http://127.0.0.1:1");
  await assert.rejects(lockWorkspace(workspace), { message: new RegExp(`process ${process.pid}`) });
  await lock.release();
  assert.equal(await readLock(workspace), null);
  await (await lockWorkspace(workspace)).release();
});

test("a lock of a process that is gone, or whose id was given to another, is taken over", async () => {
  const workspace = join(folder, "stale");
  await (await lockWorkspace(workspace)).release();
  for (const stale of [
    { pid: 2 ** 22 + 1, started: null, since: "", url: null },
    { pid: process.pid, started: "another boot:1", since: "", url: null },
    "not a lock",
  ]) {
    await writeFile(join(workspace, "lock"), JSON.stringify(stale));
    assert.equal(await readLock(workspace), null);
    await (await lockWorkspace(workspace)).release();
  }
});

test("a lock of a process that was killed and not collected by its parent is taken over", {
  skip: platform() !== "linux",
}, async () => {
  const workspace = join(folder, "killed");
  await (await lockWorkspace(workspace)).release();
  // the shell starts a process, tells its id, and becomes one that never collects it
  const parent = spawn("sh", ["-c", "sleep 0.3 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    const stat = () => readFile(`/proc/${pid}/stat`, "utf8");
    const text = await stat();
    const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    const started = `${boot}:${text.slice(text.lastIndexOf(")") + 2).split(" ")[19]}`;
    await writeFile(join(workspace, "lock"), JSON.stringify({ pid, started, since: "", url: null }));
    assert.equal((await readLock(workspace))?.pid, pid);
    while (!/\) Z /.test(await stat())) await setTimeout(20);
    assert.equal(await readLock(workspace), null);
  } finally {
    parent.kill("SIGKILL");
  }
});

test("a workspace that cannot be written is named, with what to do", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  await assert.rejects(lockWorkspace(join(file, "workspace")), {
    code: "guard.workspace-unwritable",
    got: "ENOTDIR",
    fix: /--workspace/,
  } as object);
});

test("of many that find a stale lock, one takes it", async () => {
  const workspace = join(folder, "contested");
  await (await lockWorkspace(workspace)).release();
  for (let round = 0; round < 25; round++) {
    await writeFile(join(workspace, "lock"), JSON.stringify({ pid: 2 ** 22 + 1, started: null, since: "", url: null }));
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockWorkspace(workspace)));
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  }
  assert.deepEqual(await readdir(workspace), ["lock"]);
});

test("a stale lock whose taker was ended in between is taken all the same", async () => {
  const workspace = join(folder, "half-taken");
  await (await lockWorkspace(workspace)).release();
  await writeFile(join(workspace, "lock"), "not a lock");
  await link(join(workspace, "lock"), join(workspace, "lock.claim"));
  mock.timers.enable({ apis: ["Date"], now: Date.now() + 60_000 });
  try {
    await (await lockWorkspace(workspace)).release();
  } finally {
    mock.timers.reset();
  }
  assert.deepEqual(await readdir(workspace), []);
});
