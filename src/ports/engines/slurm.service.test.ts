/** The Slurm engine on a real cluster: `.ci/slurm start DIR` prints what MILL_TEST_SLURM and MILL_TEST_SLURM_DIR are to be. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { createSlurmDoor, createSlurmEngine, tokenFromCommand, tokenFromFile } from "./index.ts";
import { engineSuite, layGround, STAYS } from "./suite.ts";

const { MILL_TEST_SLURM: address, MILL_TEST_SLURM_DIR: cluster } = process.env;
const skip = address === undefined || cluster === undefined ? "MILL_TEST_SLURM names no cluster" : false;

describe("Slurm", { skip }, () => {
  if (skip) return;
  const script = join(import.meta.dirname, "../../../.ci/slurm");
  const slurm = async (action: string, ...more: string[]) =>
    (await promisify(execFile)(script, [action, cluster!, ...more])).stdout.trim();
  const root = mkdtempSync("/tmp/mill-slurm-");
  after(() => rmSync(root, { recursive: true, force: true }));
  const { username: user, host } = new URL(address!);
  const token = tokenFromCommand([script, "token", cluster!, "600"]);
  const reach = { url: `http://${host}`, user, token };
  const open = (more = {}) =>
    createSlurmEngine({
      ...reach,
      ...{ workspace: `test-${process.pid}`, command: ground.command, folder: ground.folder },
      ...{ askMs: 300, settleMs: 500, patienceMs: 60_000 },
      ...more,
    });
  const ground = layGround(root, open);
  const { newJob, startReady, until } = ground;

  /** The controller writes its state down every five seconds; what it has not is forgotten when it is killed. */
  const saved = async () => {
    const since = Date.now();
    await until(() => statSync(join(cluster!, "state/job_state")).mtimeMs > since, "the controller's state");
  };

  engineSuite(open, ground);

  test("a job that waits is listed as waiting, and is cancelled before it ever runs", async () => {
    const [blocker, job] = [await startReady(open(), STAYS, { memoryMb: 60_000 }), newJob("touch ran", { memoryMb: 60_000 })];
    const { handle, exit, cancel } = await open().start(job, () => {});
    const listed = (await open().list()).find((one) => one.stepId === job.stepId);
    assert.deepEqual(listed, { stepId: job.stepId, fence: job.fence, handle, state: "pending" });
    assert.match(open().jobId!(handle)!, /^\d+_0$/, "as squeue shows it");
    assert.equal(await open().alive(handle), true);
    cancel();
    assert.equal((await exit).endedFor, "cancel");
    blocker.cancel();
    await blocker.exit;
    assert.equal(existsSync(join(job.folder, "ran")), false);
  });

  test("after our crash a job is taken up with all that it said, by its handle, and also while it waits", async () => {
    const { job, handle } = await startReady(open(), "echo first; while [ ! -e go ]; do sleep 0.05; done; echo last; exit 5");
    const lines: string[] = [];
    const adopted = await open().attach(job, handle, (line) => lines.push(line));
    writeFileSync(join(job.folder, "go"), "");
    assert.equal((await adopted!.exit).code, 5);
    assert.deepEqual(lines, ["first", "last"]);
    const late = await open().attach(job, handle, () => {});
    assert.equal((await late!.exit).code, 5);
  });

  test("what was submitted before our crash is adopted by the same start, not doubled, whether or not it has begun", async () => {
    const blocker = await startReady(open(), STAYS, { memoryMb: 60_000 });
    const job = newJob("echo run >> runs; echo done", { memoryMb: 60_000 });
    const before = await open().start(job, () => {});
    const again = await open().start(job, () => {});
    assert.equal(again.handle, before.handle);
    blocker.cancel();
    assert.equal((await again.exit).code, 0);
    const ended = await open().start(job, () => {});
    assert.deepEqual([ended.handle, (await ended.exit).code], [before.handle, 0]);
    assert.equal(readFileSync(join(job.folder, "runs"), "utf8"), "run\n");
  });

  test("of two jobs of one name only the first that starts runs", async () => {
    const job = newJob("echo run >> runs; while [ ! -e go ]; do sleep 0.05; done");
    const first = await open().start(job, () => {});
    await until(() => existsSync(join(job.folder, "runs")), "the first job");
    const [link, aside] = [join(job.folder, "slurm-job"), join(root, "aside")];
    renameSync(link, aside);
    rmSync(join(job.folder, "slurm-submitted"));
    const second = await open().start(job, () => {}); // as if another of us had, at the same moment
    renameSync(aside, link);
    assert.notEqual(second.handle, first.handle);
    await until(async () => !(await open().alive(second.handle)), "the end of the second");
    writeFileSync(join(job.folder, "go"), "");
    assert.deepEqual([(await first.exit).code, (await second.exit).code], [0, 0]);
    assert.equal(readFileSync(join(job.folder, "runs"), "utf8"), "run\n");
  });

  test("a controller that is killed and comes back finds our jobs, or they are told as lost", async () => {
    const steady = await startReady(open(), "echo ready; while [ ! -e go ]; do sleep 0.05; done; exit 4");
    await saved();
    const ends = open();
    const during = newJob("sleep 0.3; echo late; exit 6");
    await slurm("kill");
    const lines: string[] = [];
    const starting = ends.start(during, (line) => lines.push(line)); // waits for it
    writeFileSync(join(steady.job.folder, "go"), "");
    assert.equal((await steady.exit).code, 4); // without the controller: by what the job left
    await assert.rejects(open().list(), { code: "engine.away" });
    await slurm("again");
    assert.equal((await (await starting).exit).code, 6);
    assert.deepEqual(lines, ["late"]);
  });

  test("a job that the controller forgot is told as lost, and one that had ended by what it left", async () => {
    const forgotten = await startReady(open(), STAYS);
    const done = newJob("exit 9");
    const { exit, handle } = await open().start(done, () => {});
    await exit;
    await saved();
    await slurm("kill");
    await slurm("forget");
    const { code, endedFor, stderr } = await forgotten.exit;
    assert.deepEqual([code, endedFor], [null, "lost"]);
    assert.match(stderr, /does not know the job any more/);
    assert.equal((await (await open().attach(done, handle, () => {}))!.exit).code, 9);
  });

  test("a job that Slurm runs again says so in its log and is waited for", async () => {
    const again = await startReady(open(), "echo start; while [ ! -e go ]; do sleep 0.05; done; echo end");
    await slurm("requeue", again.handle.split("/")[0]!);
    await until(() => again.lines.filter((line) => line === "start").length === 2, "the second start");
    writeFileSync(join(again.job.folder, "go"), "");
    assert.equal((await again.exit).code, 0);
    assert.deepEqual(again.lines, ["start", '{"log":"Slurm runs this job again from its start (1)."}', "start", "end"]);
  });

  test("a token that has run out is asked for again; one that stays bad is refused, and never told", async () => {
    const file = join(root, "token");
    writeFileSync(file, await slurm("token", "1"));
    await delay(2500);
    const engine = open({ token: tokenFromFile(file), patienceMs: 0 });
    const secret = readFileSync(file, "utf8");
    await assert.rejects(
      engine.start(newJob("exit 0"), () => {}),
      (error: Error & { code: string }) => {
        assert.equal(error.code, "engine.denied");
        return !JSON.stringify(error).includes(secret) && !String(error.stack).includes(secret);
      },
    );
    await assert.rejects(engine.list(), { code: "engine.away" }); // of reads the door does not tell
    writeFileSync(file, await slurm("token", "600"));
    assert.deepEqual(await engine.list(), []);
    const { exit } = await engine.start(newJob("exit 8"), () => {});
    assert.equal((await exit).code, 8);
    const nobodys = open({ token: tokenFromFile(join(root, "no-such-file")) });
    await assert.rejects(nobodys.list(), { code: "engine.denied", at: join(root, "no-such-file") });
  });

  test("what Slurm will not run is refused in its words", async () => {
    const refused = open({ partition: "nowhere" });
    await assert.rejects(
      refused.start(newJob(""), () => {}),
      { code: "engine.refused", got: "Invalid partition name specified" },
    );
    await assert.rejects(
      open().start(newJob("", { memoryMb: 10_000_000 }), () => {}),
      { code: "engine.refused" },
    );
  });

  test("a job whose folder is gone when its turn comes ends at once", async () => {
    const blocker = await startReady(open(), STAYS, { memoryMb: 60_000 });
    const job = newJob("exit 0", { memoryMb: 60_000 });
    const { handle } = await open().start(job, () => {});
    rmSync(job.folder, { recursive: true });
    blocker.cancel();
    await until(async () => !(await open().alive(handle)), "the end of the job");
    assert.equal(existsSync(job.folder), false);
    assert.deepEqual(readdirSync(join(root, "slurm")), []);
  });

  test("jobs of other workspaces are not ours", async () => {
    await startReady(open(), STAYS);
    assert.deepEqual(await open({ workspace: "another" }).list(), []);
  });

  test("the door says which family of answers it speaks", async () => {
    assert.match(await createSlurmDoor(reach).version(), /^v0\.0\.\d+$/);
  });
});
