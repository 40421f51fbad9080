import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createLocalEngine, processAlive, processHandle } from "./index.ts";
import { engineSuite, layGround, STAYS } from "./suite.ts";

const root = mkdtempSync(join(tmpdir(), "mill-engine-"));
after(() => rmSync(root, { recursive: true, force: true }));
const open = (more = {}) => createLocalEngine({ command: ground.command, folder: ground.folder, graceMs: 1000, ...more });
const ground = layGround(root, open);
const { newJob, startReady, until } = ground;

engineSuite(open, ground);

test("a job has lower priority than answers, and not the lowest", async () => {
  const { handle, cancel, exit } = await startReady(open(), STAYS);
  assert.equal(getPriority(Number(handle.split(":")[0])), 5);
  cancel();
  await exit;
});

test("what a job used is told when it ran long enough to be seen", async () => {
  const { exit } = await open().start(newJob(`exec '${process.execPath}' -e 'setTimeout(() => {}, 300)'`), () => {});
  const { usage } = await exit;
  assert.ok(usage!.peakRssBytes > 20 * 2 ** 20 && usage!.peakRssBytes < 500 * 2 ** 20, `${usage!.peakRssBytes} bytes`);
  assert.ok(usage!.cpuSeconds >= 0);
});

test("the jobs of another workspace are not listed, and none is taken up", async () => {
  const { handle, job } = await startReady(open(), STAYS);
  const other = mkdtempSync(join(tmpdir(), "mill-engine-"));
  assert.deepEqual(await open({ folder: other }).list(), []);
  assert.equal(await open().attach(job, handle, () => {}), null);
  rmSync(other, { recursive: true });
});

test("a process that got the same id later, or in another boot, is not taken for the job", async () => {
  const [pid, start, boot] = processHandle(process.pid)!.split(":");
  const engine = open();
  for (const other of [`${pid}:${Number(start) - 1}:${boot}`, `${pid}:${start}:another`, `${pid}:gone`]) {
    assert.equal(await engine.alive(other), false);
    await engine.end(other); // would end this test run
  }
  assert.equal(await engine.alive(processHandle(process.pid)!), true);
});

test("a program that cannot be started is reported", async () => {
  const engine = open({ command: [join(root, "no-such-program")] });
  await assert.rejects(
    engine.start(newJob(""), () => undefined),
    { code: "engine.not-started", at: join(root, "no-such-program") },
  );
});

test("a job whose folder cannot be written is reported, and its process does not stay behind", async () => {
  const job = newJob("sleep 60");
  symlinkSync(join(job.folder, "nowhere", "else"), join(job.folder, "process"));
  await assert.rejects(
    open().start(job, () => undefined),
    { code: "ENOENT" },
  );
  await until(() => !process.getActiveResourcesInfo().includes("ProcessWrap"), "the end of the process");
});

test("when the parent is killed, the pipe that its job reads closes", async () => {
  const job = newJob("echo ready; cat >/dev/null");
  const parent = join(root, "parent.mjs");
  writeFileSync(
    parent,
    `import { writeFileSync } from "node:fs";
     import { createLocalEngine } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
     const engine = createLocalEngine({ command: ${JSON.stringify(ground.command)}, folder: ${JSON.stringify(ground.folder)} });
     const running = await engine.start(${JSON.stringify(job)}, () => console.log(running.handle));`,
  );
  const child = spawn(process.execPath, [parent], { stdio: ["ignore", "pipe", "inherit"] });
  const [output] = await once(child.stdout, "data");
  const handle = String(output).trim();
  assert.equal(processAlive(handle), true);
  child.kill("SIGKILL");
  await until(() => !processAlive(handle), "the end of the job");
});

test("the handle reads what the system says", () => {
  const command = execFileSync("sh", ["-c", "echo $$; exec sleep 0"]).toString().trim();
  assert.equal(processHandle(Number(command)), null);
  const ticks = readFileSync(`/proc/${process.pid}/stat`, "utf8").split(") ")[1]!.split(" ")[19];
  assert.equal(processHandle(process.pid)!.split(":")[1], ticks);
});
