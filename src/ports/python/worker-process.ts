/** One process of a worker: started, asked one thing at a time, watched, ended. It knows nothing of being started again. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MillError } from "../../base/index.ts";
import { splitLines } from "../engines/lines.ts";
import { readProcess } from "../engines/process.ts";
import { createMessageReader, type Message } from "./frames.ts";
import { endGroup } from "./program.ts";
import type { WorkerOptions } from "./worker.ts";

export interface WorkerProcess {
  readonly pid: number | undefined;
  readonly ended: boolean;
  /** Writes a message and waits for its answer. Errors: `scoring.failed` when the process ends, hangs or says what is no answer. */
  ask(message: Buffer, timeoutMs: number, dataBytesMax: number): Promise<Message>;
  /** What is asked while it is being closed is not answered. */
  close(): Promise<void>;
}

const WATCH_MS = 500;
const GRACE_MS = 2000;
/** Python and its libraries end a line now and then with more than a person reads. */
const LINE_CHARACTERS_MAX = 4000;

/** Started, and its model loaded. Errors: `scoring.unavailable` (no such Python), `scoring.bad-model` (it cannot be loaded), `scoring.failed`. */
export async function startProcess(options: WorkerOptions, startMs: number): Promise<WorkerProcess> {
  const { python, program, folder, model, threads, memoryMb, log } = options;
  const scratch = mkdtempSync(join(options.scratch ?? tmpdir(), "mill-worker-"));
  const job = join(scratch, "job.json");
  writeFileSync(job, JSON.stringify({ ...model, threads }));
  const child = spawn(python, ["-I", "-B", program, folder, job], {
    cwd: scratch,
    detached: true,
    env: environmentOf(scratch, threads),
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const channel = child.stdio[3] as Socket;
  let ended: MillError | null = null;
  let asked: { resolve(message: Message): void; reject(error: MillError): void } | null = null;
  let dataBytesMax = 0;
  const read = createMessageReader(() => dataBytesMax);

  const end = (error: MillError) => {
    ended ??= error;
    asked?.reject(ended);
    asked = null;
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) endGroup(child, GRACE_MS);
  };
  const gone = new Promise<void>((resolve) => {
    child.once("close", () => {
      rmSync(scratch, { recursive: true, force: true });
      resolve();
    });
  });
  child.once("error", (cause) => end(notStarted(python, cause)));
  child.once("exit", (code, signal) => end(lost(`ended by itself: ${signal ?? `status ${code}`}`)));
  for (const stream of [child.stdout!, child.stderr!]) {
    const lines = splitLines((line) => log(line.slice(0, LINE_CHARACTERS_MAX)));
    stream.on("data", lines.push).on("end", lines.end);
  }
  channel.on("error", () => end(lost("closed its socket")));
  channel.on("data", (bytes: Buffer) => {
    try {
      for (const message of read(bytes)) {
        if (asked === null) throw new Error("it answered what nobody asked");
        asked.resolve(message);
        asked = null;
      }
    } catch (error) {
      end(lost(`was ended: ${(error as Error).message}`));
    }
  });

  const handles = [child, channel, child.stdout, child.stderr] as unknown as { ref(): void; unref(): void }[];
  const stayFor = async (answer: Promise<Message>, timeoutMs: number) => {
    for (const handle of handles) handle.ref();
    const late = setTimeout(() => end(lost(`was ended: no answer within ${timeoutMs / 1000} seconds`)), timeoutMs);
    const watch = setInterval(() => {
      const usedMb = (child.pid === undefined ? 0 : (readProcess(child.pid)?.ownBytes ?? 0)) / 2 ** 20;
      if (usedMb > memoryMb) end(lost(`was ended: it took ${Math.ceil(usedMb)} MB of the ${memoryMb} MB it may`));
    }, WATCH_MS);
    try {
      return await answer;
    } finally {
      clearTimeout(late);
      clearInterval(watch);
      for (const handle of handles) handle.unref();
    }
  };
  const next = () =>
    new Promise<Message>((resolve, reject) => {
      if (ended) reject(ended);
      else asked = { resolve, reject };
    });

  const { json } = await stayFor(next(), startMs);
  if (json.ready !== true) {
    end(badModel(String(json.error)));
    await gone;
    throw ended!;
  }
  return {
    pid: child.pid,
    get ended() {
      return ended !== null;
    },
    ask(message, timeoutMs, bytesMax) {
      dataBytesMax = bytesMax;
      const answer = next();
      channel.write(message);
      return stayFor(answer, timeoutMs);
    },
    async close() {
      for (const handle of handles) handle.ref();
      if (ended === null) end(lost("was closed"));
      await gone;
    },
  };
}

/** Nothing of the server's own: no token, no address. The libraries below keep to the threads they are told. */
function environmentOf(scratch: string, threads: number): NodeJS.ProcessEnv {
  const { PATH, LANG, HOME } = process.env;
  const told = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "NUMEXPR_NUM_THREADS"];
  return {
    PATH,
    HOME,
    LANG: LANG ?? "C.UTF-8",
    TMPDIR: scratch,
    PYTHONUTF8: "1",
    TF_CPP_MIN_LOG_LEVEL: "2",
    TF_NUM_INTEROP_THREADS: "1",
    CUDA_VISIBLE_DEVICES: "-1",
    ...Object.fromEntries(told.map((name) => [name, String(threads)])),
  };
}

const lost = (how: string) =>
  new MillError("scoring.failed", `The Python process of the model ${how}.`, {
    fix: "Its log says more. The next rows start it again; if it repeats, look at what the model does with them.",
  });

const badModel = (said: string) =>
  new MillError("scoring.bad-model", `Python cannot load the model: ${said}`, {
    got: said,
    fix: "The process that serves it has the requirements, but not the script: name all packages that it needs; where it holds classes of the script, add cloudpickle.",
  });

const notStarted = (python: string, cause: Error) =>
  new MillError("scoring.unavailable", `The Python of the model's environment cannot be started: ${cause.message}`, {
    at: python,
    fix: "Run again: the environment is made anew where it is missing.",
    cause,
  });
