import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { chooseDialect, readErrors, readJobs, type Submission } from "./dialect.ts";
import { createDoor } from "./door.ts";
import { formatHandle, parseHandle } from "./handle.ts";
import { jobScript, parseExit } from "./job-script.ts";
import { endedForOf, standingOf } from "./job-states.ts";
import { tailLog } from "./log-tail.ts";
import { commentOf, fitting, oursAmong } from "./ours.ts";
import { createSlurmEngine } from "./slurm.ts";

const root = mkdtempSync(join(tmpdir(), "mill-slurm-"));
after(() => rmSync(root, { recursive: true, force: true }));

const paths = (...families: number[]) => families.map((family) => `/slurm/v0.0.${family}/job/submit`);

test("the newest family of answers that both sides know is spoken", () => {
  assert.equal(chooseDialect(paths(36, 38, 37))?.version, "v0.0.38");
  assert.equal(chooseDialect(paths(40, 42, 41))?.version, "v0.0.42");
  assert.equal(chooseDialect(paths(44, 45))?.version, "v0.0.44");
  assert.equal(chooseDialect(paths(35, 99)), null);
  assert.equal(chooseDialect(["/openapi/v3", "/slurmdb/v0.0.38/job/submit"]), null);
});

test("a submission is written in the shapes of its family", () => {
  const submission: Submission = {
    ...{ name: "mill-a-1", comment: "ws a-1 b-1", script: "#!/bin/sh\n", tasks: 2, folder: "/steps", stderr: "/slurm/%A_%a" },
    ...{ environment: { PATH: "/bin", A: "b=c" }, partition: null, memoryMb: 400, threads: 3 },
  };
  const common = {
    ...{ name: "mill-a-1", comment: "ws a-1 b-1", array: "0-1", current_working_directory: "/steps", cpus_per_task: 3 },
    ...{ standard_output: "/dev/null", standard_error: "/slurm/%A_%a" },
  };
  const sets = { memory_per_node: { set: true, infinite: false, number: 400 }, environment: ["PATH=/bin", "A=b=c"] };
  const bodies = [38, 40, 41].map((family) => chooseDialect(paths(family))!.submission(submission));
  assert.deepEqual(bodies, [
    { script: "#!/bin/sh\n", job: { ...common, memory_per_node: 400, environment: { PATH: "/bin", A: "b=c" } } },
    { script: "#!/bin/sh\n", job: { ...common, ...sets } },
    { job: { ...common, ...sets, script: "#!/bin/sh\n" } },
  ]);
});

test("an answer of either form is read alike", () => {
  const set = (number: number) => ({ set: true, infinite: false, number });
  const unset = { set: false, infinite: false, number: 0 };
  const plain = [
    { array_job_id: 5, array_task_id: 1, array_task_string: "", comment: "ws a-1 b-1", job_state: "FAILED", exit_code: 768 },
    { array_job_id: 5, array_task_id: null, array_task_string: "2,4-5%2", comment: "ws", job_state: "PENDING", exit_code: 0 },
    { array_job_id: 5, array_task_id: 0, array_task_string: "", comment: "ws", job_state: "FAILED", exit_code: 9 },
    { array_job_id: 0, array_task_id: null, comment: "somebody's", job_state: "RUNNING", exit_code: 0 },
  ];
  const exits = [
    { status: ["ERROR"], return_code: set(3), signal: { id: unset, name: "" } },
    { status: ["SUCCESS"], return_code: set(0), signal: { id: unset, name: "" } },
    { status: ["SIGNALED"], return_code: unset, signal: { id: set(9), name: "Killed" } },
    { status: ["SUCCESS"], return_code: set(0), signal: { id: unset, name: "" } },
  ];
  const sets = plain.map((job, i) => ({
    ...job,
    array_job_id: set(job.array_job_id),
    array_task_id: job.array_task_id === null ? unset : set(job.array_task_id),
    ...{ job_state: [job.job_state], exit_code: exits[i] },
  }));
  const read = readJobs({ jobs: plain });
  assert.deepEqual(read, readJobs({ jobs: sets }));
  assert.deepEqual(
    read.map(({ tasks, exit }) => [tasks, exit]),
    [
      [[1], { code: 3, signal: 0 }],
      [[2, 4, 5], { code: 0, signal: 0 }],
      [[0], { code: 0, signal: 9 }],
    ],
  );
});

test("whatever comes instead of an answer is read as nothing", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      assert.ok(Array.isArray(readJobs(json)));
      assert.ok(Array.isArray(readErrors({ errors: json })));
      assert.ok(Array.isArray(readJobs({ jobs: json })));
    }),
  );
});

test("a job that completes is still there, one that is queued again waits, and of an unknown state nothing is concluded", () => {
  const standing = (...states: string[]) => standingOf({ states } as never);
  assert.deepEqual(
    [standing("COMPLETING"), standing("CANCELLED", "COMPLETING"), standing("SUSPENDED")],
    Array(3).fill("running"),
  );
  assert.deepEqual([standing("PENDING"), standing("NODE_FAIL", "REQUEUED"), standing("UNHEARD_OF")], Array(3).fill("pending"));
  assert.deepEqual([standing("COMPLETED"), standing("TIMEOUT"), standing("OUT_OF_MEMORY")], Array(3).fill("ended"));
  const why = (...states: string[]) => endedForOf({ states } as never);
  assert.deepEqual([why("NODE_FAIL"), why("OUT_OF_MEMORY"), why("CANCELLED"), why("FAILED")], ["lost", "memory", "cancel", null]);
  assert.equal(endedForOf(null), "lost");
});

test("what an array is for is found in its comment, and only as much goes into one as Slurm takes", () => {
  const jobs = Array.from({ length: 100 }, (_, i) => ({
    stepId: `0198aaaa-bbbb-7ccc-8ddd-${String(i).padStart(12, "0")}`,
    fence: i + 1,
  }));
  const count = fitting("ws", jobs);
  assert.ok(
    count > 20 && commentOf("ws", jobs.slice(0, count)).length <= 1000 && commentOf("ws", jobs.slice(0, count + 1)).length > 1000,
  );
  assert.equal(fitting("ws", [{ stepId: "x".repeat(2000), fence: 1 }]), 1);
  const record = { arrayId: 7, comment: commentOf("ws", jobs.slice(0, 3)), reason: "", exit: { code: 0, signal: 0 } };
  const records = [
    { ...record, tasks: [0, 2], states: ["PENDING"] },
    { ...record, tasks: [1], states: ["COMPLETED"] },
    { ...record, arrayId: 8, tasks: [0], states: ["RUNNING"] },
  ];
  assert.deepEqual(
    oursAmong(records, "ws").map(({ stepId, fence, handle, state }) => [stepId, fence, handle, state]),
    [
      [jobs[0]!.stepId, 1, `8_0/${jobs[0]!.stepId}-1`, "running"],
      [jobs[2]!.stepId, 3, `7_2/${jobs[2]!.stepId}-3`, "pending"],
    ],
  );
  assert.deepEqual(oursAmong(records, "w"), []);
  assert.equal(formatHandle(parseHandle("8_0/a-b-1")!), "8_0/a-b-1");
  for (const text of ["", "8", "8_0", "8_0/", "8_x/a-1", "123:4:abc"]) assert.equal(parseHandle(text), null);
});

/** Runs the script of an array as Slurm would, one task of it. */
function runScript(names: readonly string[], task: number, more: Record<string, string> = {}): number {
  const [folder, spool, program] = [join(root, "it's steps"), join(root, "spool"), join(root, "program")];
  for (const made of [folder, spool]) mkdirSync(made, { recursive: true });
  writeFileSync(program, 'echo "$1 $2"; cat "$3/input"; cd "$3"; echo run >> runs; . ./job.sh', { mode: 0o755 });
  const script = join(root, "script");
  writeFileSync(
    script,
    jobScript({ command: ["/bin/sh", program], memoryMb: 100, folder, spool, names }).replace("'--max-old-space-size=100' ", ""),
  );
  const env = { PATH: process.env.PATH, SLURM_ARRAY_JOB_ID: "41", SLURM_ARRAY_TASK_ID: String(task), ...more };
  writeFileSync(join(spool, `${env.SLURM_ARRAY_JOB_ID}_${task}`), "slurmstepd: a word\n");
  try {
    execFileSync("/bin/sh", [script], { env, stdio: "ignore" });
    return 0;
  } catch (error) {
    return (error as { status: number }).status;
  }
}

function attempt(name: string, job: string): string {
  const folder = join(root, "it's steps", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "job.sh"), job);
  writeFileSync(join(folder, "input"), "");
  return folder;
}

test("a task runs in the folder of its attempt and leaves how it ended", () => {
  const folder = attempt("a b-1", "echo out; echo err >&2; exit 3");
  assert.equal(runScript(["other-1", "a b-1"], 1), 3);
  assert.equal(readFileSync(join(folder, "slurm-exit"), "utf8"), "3\n");
  assert.match(readFileSync(join(folder, "stdout"), "utf8"), /out\n$/);
  assert.equal(readFileSync(join(folder, "stderr"), "utf8"), "slurmstepd: a word\n");
  assert.equal(readlinkSync(join(folder, "slurm-job")), "41_1");
  assert.deepEqual(readdirSync(join(root, "spool")), []);
  assert.deepEqual(
    [parseExit("3\n"), parseExit("137\n"), parseExit("255")],
    [
      { code: 3, signal: 0 },
      { code: 0, signal: 9 },
      { code: 255, signal: 0 },
    ],
  );
});

test("a second job of a name, one that has ended, and one whose folder is gone do nothing", () => {
  const folder = attempt("twice-1", "exit 0");
  assert.equal(runScript(["twice-1"], 0), 0);
  rmSync(join(folder, "slurm-exit"));
  assert.equal(runScript(["twice-1"], 0, { SLURM_ARRAY_JOB_ID: "42" }), 0);
  assert.equal(runScript(["twice-1"], 0, { SLURM_RESTART_COUNT: "1" }), 0); // the first again: it had not ended
  assert.equal(runScript(["twice-1"], 0, { SLURM_RESTART_COUNT: "2" }), 0); // now it had
  assert.equal(readFileSync(join(folder, "runs"), "utf8"), "run\nrun\n");
  assert.match(readFileSync(join(folder, "stdout"), "utf8"), /\{"log":"Slurm runs this job again from its start \(1\)\."\}/);
  assert.equal(runScript(["gone-1"], 0), 0);
  assert.equal(existsSync(join(root, "it's steps", "gone-1")), false);
  assert.deepEqual(readdirSync(join(root, "spool")), []);
});

test("a log is read as it grows, whatever the pieces that it grows by", async () => {
  let made = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom("a", "é", "😀", "\n"), maxLength: 12 }), { maxLength: 8 }),
      async (pieces) => {
        const path = join(root, `log-${made++}`);
        const lines: string[] = [];
        const tail = tailLog(path, (line) => lines.push(line));
        await tail.read();
        for (const bytes of pieces.map((piece) => Buffer.from(piece))) {
          for (const half of [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)]) {
            appendFileSync(path, half);
            await tail.read();
          }
        }
        tail.end();
        assert.deepEqual(
          lines,
          pieces
            .join("")
            .split("\n")
            .filter((line) => line !== ""),
        );
      },
    ),
    { numRuns: 30 },
  );
});

test("a door beyond this machine is spoken to over TLS only, unless told otherwise, and its address holds no secret", () => {
  const door = (url: string, more = {}) => createDoor({ url, user: "mill", token: async () => "t", ...more });
  for (const url of ["http://127.0.0.1:6820", "http://localhost:1", "http://[::1]:1", "https://slurm.example.org/rest"])
    assert.ok(door(url));
  for (const url of [
    "http://10.0.0.1:6820",
    "http://127.example.org",
    "http://0.0.0.0:1",
    "ftp://127.0.0.1",
    "nothing",
    "http://u:p@127.0.0.1",
  ])
    assert.throws(
      () => door(url),
      (error: Error & { code: string }) => error.code === "engine.address" && !JSON.stringify(error).includes("u:p"),
    );
  assert.ok(door("http://10.0.0.1:6820", { allowPlainHttp: true }));
  const common = {
    url: "http://127.0.0.1:1",
    user: "mill",
    token: async () => "t",
    command: ["node"],
    folder: join(root, "steps"),
  };
  for (const workspace of ["", "two words", "x".repeat(101), "a\nb"])
    assert.throws(() => createSlurmEngine({ ...common, workspace }), { code: "engine.address" });
});

test("a server that is no Slurm, one that is not there, and one that never answers are told apart", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/openapi/v3") response.end('{"paths":{"/pets":{}}}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const door = (url: string) => createDoor({ url, user: "mill", token: async () => "secret", timeoutMs: 100 });
  await assert.rejects(door(`http://127.0.0.1:${port}`).arrays(), { code: "engine.address", got: "no path of Slurm" });
  await assert.rejects(door(`http://127.0.0.1:${port}/deeper`).arrays(), { code: "engine.away", got: "no answer within 100 ms" });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(door(`http://127.0.0.1:${port}`).arrays(), { code: "engine.away" });
});
