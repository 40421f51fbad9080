/** What every engine must do. Jobs are shell scripts in the folders of their attempts, started by a program that stands for `mill`. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Engine, type Job, processAlive, processHandle } from "./index.ts";

export interface Ground {
  /** Where the folders of attempts lie. */
  readonly folder: string;
  /** What an engine is to start: `COMMAND --max-old-space-size=MB step FOLDER` runs `FOLDER/job.sh`. */
  readonly command: readonly string[];
  newJob(script: string, more?: Partial<Job>): Job;
  /** Starts a job and resolves once it has printed its first line. It is ended after the test. */
  startReady(engine: Engine, script: string, more?: Partial<Job>): Promise<Started>;
  until(holds: () => boolean | Promise<boolean>, what: string): Promise<void>;
}

export interface Started extends Awaited<ReturnType<Engine["start"]>> {
  readonly job: Job;
  readonly lines: string[];
}

/** `root` is made and removed by the caller; `open` gives another engine on the same jobs. */
export function layGround(root: string, open: () => Engine): Ground {
  const folder = join(root, "steps");
  const program = join(root, "program");
  mkdirSync(folder, { recursive: true });
  writeFileSync(program, '#!/bin/sh\ncd "$3" && exec sh ./job.sh "$1" step "$3"\n');
  chmodSync(program, 0o755);
  const started: string[] = [];
  let made = 0;
  afterEach(async () => {
    for (const handle of started.splice(0)) await open().end(handle); // what a failed test left running
  });

  const newJob: Ground["newJob"] = (script, more = {}) => {
    const [stepId, fence] = [`${process.pid}-step-${made++}`, 2];
    const job = { stepId, fence, folder: join(folder, `${stepId}-${fence}`), memoryMb: 100, ...more };
    mkdirSync(job.folder);
    writeFileSync(join(job.folder, "job.sh"), script);
    return job;
  };

  return {
    ...{ folder, command: [program], newJob },
    async startReady(engine, script, more) {
      const lines: string[] = [];
      const job = newJob(script, more);
      const first = Promise.withResolvers<void>();
      const running = await engine.start(job, (line) => {
        lines.push(line);
        first.resolve();
      });
      started.push(running.handle);
      await Promise.race([first.promise, running.exit.then((exit) => assert.fail(`it ended: ${JSON.stringify(exit)}`))]);
      return { ...running, job, lines };
    },
    async until(holds, what) {
      for (let tries = 0; !(await holds()); tries++) {
        assert.ok(tries < 1500, `waited in vain: ${what}`);
        await delay(20);
      }
    },
  };
}

/** Of what is still used: what waits to be collected does not count. */
function arrayBufferBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().arrayBuffers;
}

/** Its command line stays that of a step. */
export const STAYS = "echo ready; while :; do sleep 0.05; done";

export function engineSuite(open: () => Engine, { newJob, startReady, until }: Ground): void {
  test("a job's lines arrive whole and in order, with its exit code and the end of its errors", async () => {
    const lines: string[] = [];
    const script = `printf '{"a":'; sleep 0.2; printf '1}\\n\\nsécond\\nlast'
      head -c 100000 /dev/zero | tr '\\0' x >&2; printf 'the end' >&2; exit 3`;
    const { exit } = await open().start(newJob(script), (line) => lines.push(line));
    const { code, signal, stderr, endedFor } = await exit;
    assert.deepEqual(lines, ['{"a":1}', "sécond", "last"]);
    assert.deepEqual([code, signal, endedFor], [3, null, null]);
    assert.equal(stderr.length, 65536);
    assert.match(stderr, /xthe end$/);
  });

  test("of a job that ends by a signal the exit names it", async () => {
    for (const [name, signal] of [
      ["TERM", "SIGTERM"],
      ["KILL", "SIGKILL"],
    ] as const) {
      const { exit } = await open().start(newJob(`kill -s ${name} $$; sleep 10`), () => {});
      const { code, signal: seen, endedFor } = await exit;
      assert.deepEqual([code, seen, endedFor], [null, signal, null]);
    }
  });

  test("a job's heap is capped", async () => {
    const { lines, exit } = await startReady(open(), 'echo "$1"', { memoryMb: 321 });
    await exit;
    assert.deepEqual(lines, ["--max-old-space-size=321"]);
  });

  test("a job that takes more memory than it may is ended, and the exit says why", async () => {
    const eat = `const held = []; setInterval(() => held.push(Buffer.alloc(20 << 20, 1)), 10);`;
    const { exit } = await open().start(newJob(`exec '${process.execPath}' -e '${eat}'`, { memoryMb: 200 }), () => {});
    const { code, signal, endedFor } = await exit;
    assert.deepEqual([code, signal, endedFor], [null, "SIGKILL", "memory"]);
  });

  test("a cancelled job may end in its own way", async () => {
    const { job, exit, cancel } = await startReady(
      open(),
      `trap 'touch saved; exit 0' TERM; echo ready; while :; do sleep 0.05; done`,
    );
    cancel();
    const { code, endedFor } = await exit;
    assert.deepEqual([code, endedFor, existsSync(join(job.folder, "saved"))], [0, "cancel", true]);
  });

  test("a job that ignores the polite signal is killed, with everything it started", async () => {
    const script = `trap '' TERM; sleep 1000 & echo $!; while :; do sleep 0.05; done`;
    const { exit, cancel, lines } = await startReady(open(), script);
    const child = processHandle(Number(lines[0]))!;
    cancel();
    const { signal, endedFor } = await exit;
    assert.deepEqual([signal, endedFor], ["SIGKILL", "cancel"]);
    await until(() => !processAlive(child), "the end of what it started");
  });

  test("a job is found again by its handle, and ended by another engine", async () => {
    const { handle, exit } = await startReady(open(), STAYS);
    const another = open();
    assert.equal(await another.alive(handle), true);
    await another.end(handle);
    assert.equal(await another.alive(handle), false);
    assert.equal((await exit).code, null);
    await another.end(handle);
  });

  test("a handle of something else finds nothing and ends nothing", async () => {
    const engine = open();
    for (const handle of ["", "1", "4000000_0", "4000000_0/a-1", "-1:0:0", "x_y", "../1_0"]) {
      assert.equal(await engine.alive(handle), false);
      assert.equal(await engine.attach(newJob(""), handle, () => {}), null);
      await engine.end(handle);
    }
  });

  test("jobs are listed by whoever looks, until they end", async () => {
    const { handle, job, cancel, exit } = await startReady(open(), STAYS);
    const { stepId, fence } = job;
    assert.deepEqual(await open().list(), [{ stepId, fence, handle, state: "running" }]);
    cancel();
    await exit;
    await until(async () => (await open().list()).length === 0, "an empty list");
  });

  test("a job that is started twice runs once, and both hear it", async () => {
    const engine = open();
    const job = newJob(`echo $$; ${STAYS}`);
    const heard = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const [first, second] = await Promise.all(heard.map(({ resolve }) => engine.start(job, resolve)));
    const said = await Promise.all(heard.map(({ promise }) => promise));
    const listed = await engine.list();
    second!.cancel();
    assert.equal((await first!.exit).code, null);
    assert.deepEqual([first!.handle, said[0]], [second!.handle, said[1]]);
    assert.equal(listed.length, 1);
  });

  test("ten megabytes of log arrive whole without being held", async () => {
    let [count, sizeBytes, heldBytes] = [0, 0, 0];
    const before = arrayBufferBytes();
    const line = "x".repeat(99);
    const { exit } = await open().start(newJob(`yes ${line} | head -n 100000; echo last`), (text) => {
      count++;
      sizeBytes += text.length + 1;
      if (count % 5000 === 0) heldBytes = Math.max(heldBytes, arrayBufferBytes() - before);
    });
    assert.equal((await exit).code, 0);
    assert.deepEqual([count, sizeBytes], [100_001, 10_000_005]);
    assert.ok(heldBytes < 5_000_000, `${heldBytes} bytes held`);
  });

  test("a hundred jobs at once each run once, in their own folder, and end as they ended", async () => {
    const engine = open();
    const jobs = Array.from({ length: 100 }, (_, i) => newJob(`echo run >> runs; echo ${i}; exit ${i % 7}`));
    const ends = await Promise.all(
      jobs.map(async (job, i) => {
        const lines: string[] = [];
        const { exit } = await engine.start(job, (text) => lines.push(text));
        return { ...(await exit), lines, i };
      }),
    );
    for (const { code, lines, i } of ends) assert.deepEqual([code, lines], [i % 7, [`${i}`]]);
    for (const { folder } of jobs) assert.equal(readFileSync(join(folder, "runs"), "utf8"), "run\n");
  });
}
