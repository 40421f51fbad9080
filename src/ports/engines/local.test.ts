import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createLocalEngine, type Engine, processAlive, processHandle } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-engine-"));
after(() => rmSync(root, { recursive: true, force: true }));
const program = join(root, "program.mjs");
writeFileSync(program, `await import(process.argv[3] + "/job.mjs");`);
const started: string[] = [];
let made = 0;

afterEach(async () => {
  for (const handle of started.splice(0)) await localEngine().end(handle); // what a failed test left running
});

const localEngine = (options = {}) => createLocalEngine({ command: [process.execPath, program], folder: root, ...options });

function newJob(source: string, memoryMb = 500) {
  const [stepId, fence] = [`step-${made++}`, 2];
  const folder = join(root, `${stepId}-${fence}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "job.mjs"), source);
  return { stepId, fence, folder, memoryMb };
}

/** Starts a job and resolves once it has printed its first line. */
async function startReady(engine: Engine, source: string, memoryMb?: number) {
  const lines: string[] = [];
  const job = newJob(source, memoryMb);
  const first = Promise.withResolvers<void>();
  const running = await engine.start(job, (line) => {
    lines.push(line);
    first.resolve();
  });
  await first.promise;
  started.push(running.handle);
  return { ...running, job, lines };
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 500, `waited in vain: ${what}`);
    await delay(10);
  }
}

test("a job's lines arrive whole and in order, with its exit code and the end of its errors", async () => {
  const lines: string[] = [];
  const source = `process.stdout.write('{"a":'); setTimeout(() => {
    process.stdout.write('1}\\n\\nsécond\\nlast');
    process.stderr.write("x".repeat(100_000) + "the end");
    process.exitCode = 3;
  }, 20);`;
  const running = await localEngine().start(newJob(source), (line) => lines.push(line));
  const exit = await running.exit;
  assert.deepEqual(lines, ['{"a":1}', "sécond", "last"]);
  assert.deepEqual([exit.code, exit.signal, exit.endedFor], [3, null, null]);
  assert.equal(exit.stderr.length, 65536);
  assert.match(exit.stderr, /xthe end$/);
});

test("a job has low priority and its heap capped", async () => {
  const source = `import v8 from "node:v8"; console.log(v8.getHeapStatistics().heap_size_limit / 2 ** 20); setInterval(() => {}, 1000);`;
  const { handle, exit, cancel, lines } = await startReady(localEngine(), source, 300);
  assert.equal(getPriority(Number(handle.split(":")[0])), 19);
  assert.ok(Number(lines[0]) >= 300 && Number(lines[0]) < 500, `${lines[0]} MiB of heap`);
  cancel();
  await exit;
});

test("a job that takes more memory than it may is ended, and the exit says why", async () => {
  const source = `const held = []; setInterval(() => held.push(Buffer.alloc(20 << 20, 1)), 5);`;
  const running = await localEngine().start(newJob(source, 200), () => undefined);
  const exit = await running.exit;
  assert.deepEqual([exit.code, exit.signal, exit.endedFor], [null, "SIGKILL", "memory"]);
  assert.ok(exit.usage!.peakRssBytes > 200 * 2 ** 20);
});

test("a cancelled job may end in its own way", async () => {
  const source = `import { writeFileSync } from "node:fs";
    process.on("SIGTERM", () => { writeFileSync(process.argv[3] + "/saved", ""); process.exit(0); });
    setInterval(() => {}, 1000); console.log("ready");`;
  const { job, exit, cancel } = await startReady(localEngine(), source);
  cancel();
  const { code, endedFor } = await exit;
  assert.deepEqual([code, endedFor, existsSync(join(job.folder, "saved"))], [0, "cancel", true]);
});

test("a job that ignores the polite signal is killed, with everything it started", async () => {
  const source = `import { spawn } from "node:child_process";
    process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);
    console.log(spawn("sleep", ["1000"], { stdio: "inherit" }).pid);`;
  const { handle, exit, cancel, lines } = await startReady(localEngine({ graceMs: 50 }), source);
  const grandchild = processHandle(Number(lines[0]))!;
  cancel();
  assert.equal((await exit).signal, "SIGKILL");
  await until(() => !processAlive(grandchild), "the end of the grandchild");
  assert.equal(processAlive(handle), false);
});

test("a job is found again by its handle, and ended by another engine", async () => {
  const { handle, exit } = await startReady(localEngine(), `setInterval(() => {}, 1000); console.log("ready");`);
  const another = localEngine();
  assert.equal(await another.alive(handle), true);
  await another.end(handle);
  assert.equal(await another.alive(handle), false);
  assert.equal((await exit).signal, "SIGTERM");
  await another.end(handle);
});

test("a process that got the same id later, or in another boot, is not taken for the job", async () => {
  const [pid, start, boot] = processHandle(process.pid)!.split(":");
  const engine = localEngine();
  for (const other of [`${pid}:${Number(start) - 1}:${boot}`, `${pid}:${start}:another`, `${pid}:gone`]) {
    assert.equal(await engine.alive(other), false);
    await engine.end(other); // would end this test run
  }
  assert.equal(await engine.alive(processHandle(process.pid)!), true);
});

test("a program that cannot be started is reported", async () => {
  const engine = createLocalEngine({ command: [join(root, "no-such-program")], folder: root });
  await assert.rejects(
    engine.start(newJob(""), () => undefined),
    { code: "engine.not-started", at: join(root, "no-such-program") },
  );
});

test("when the parent is killed, the pipe that its job reads closes", async () => {
  const job = newJob(
    `console.log("ready"); process.stdin.resume().on("end", () => process.exit(0)); setInterval(() => {}, 1000);`,
  );
  const parent = join(root, "parent.mjs");
  writeFileSync(
    parent,
    `import { writeFileSync } from "node:fs";
     import { createLocalEngine } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
     const engine = createLocalEngine({ command: [process.execPath, ${JSON.stringify(program)}], folder: ${JSON.stringify(root)} });
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

test("jobs are listed by whoever looks, until they end, and only those of this workspace", async () => {
  const other = mkdtempSync(join(tmpdir(), "mill-engine-"));
  const { handle, job, cancel, exit } = await startReady(localEngine(), `setInterval(() => {}, 1000); console.log("ready");`);
  const { stepId, fence } = job;
  assert.deepEqual(await localEngine().list(), [{ stepId, fence, handle, state: "running" }]);
  assert.deepEqual(await localEngine({ folder: other }).list(), []);
  cancel();
  await exit;
  assert.deepEqual(await localEngine().list(), []);
  rmSync(other, { recursive: true });
});

test("a job that is started twice runs once, and both hear it", async () => {
  const engine = localEngine();
  const job = newJob(`console.log(process.pid); setInterval(() => {}, 1000);`);
  const heard = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const [first, second] = await Promise.all(heard.map(({ resolve }) => engine.start(job, resolve)));
  started.push(first!.handle);
  assert.equal(first!.handle, second!.handle);
  assert.equal(await heard[0]!.promise, await heard[1]!.promise);
  assert.equal((await engine.list()).length, 1);
  assert.equal(await engine.attach(job, first!.handle, () => {}), null);
  second!.cancel();
  assert.equal((await first!.exit).signal, "SIGTERM");
});
