/** One step in the process that runs it: reads the attempt's folder, runs the kind, leaves a manifest or an error. */
import { openSync, readSync } from "node:fs";
import { asMillError, didYouMean, digestOfJson, errorToJson, MillError } from "../base/index.ts";
import { codeInfo } from "../contract/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import { type Environments, noPython } from "../ports/python/index.ts";
import {
  type AttemptInput,
  type ChildMeters,
  type Line,
  MANIFEST_BYTES_MAX,
  makeScratch,
  type Progress,
  readInput,
  removeFolder,
  scratchOf,
  writeFailure,
  writeMarker,
} from "./attempt-folder.ts";
import { noCheckpoint, openCheckpoint } from "./checkpoint.ts";
import type { StepContext, StepKind, StepManifest } from "./kind.ts";

export interface StepResources {
  readonly objects: Objects;
  /** Default: there is no Python. */
  readonly environments?: Environments;
}

const PROGRESS_EVERY_MS = 100;

export interface StepSurroundings extends StepResources {
  /** Of this attempt alone; default: none. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  print(line: string): void;
}

/** Runs the attempt in `folder` within this process and leaves `manifest.json` or `error.json` there; the exit code is 0 or the error's. */
export async function performStep(
  folder: string,
  kinds: readonly StepKind<never>[],
  { objects, environments = noPython, variables = {}, signal, print }: StepSurroundings,
): Promise<number> {
  const written = meteredObjects(objects);
  const before = usageNow();
  try {
    const attempt = await readAttempt(folder);
    const kind = kindOf(attempt, kinds);
    const context = contextOf(attempt, { objects: written.objects, environments, variables, folder, signal, print });
    const manifest = checked(await kind.run(attempt.input as never, context), attempt.kind);
    await writeMarker(folder, { digest: digestOfJson(manifest), manifest, meters: metersSince(before, written.bytes()) });
    return 0;
  } catch (thrown) {
    const error = signal.aborted ? cancelled(thrown) : asStepError(thrown, folder);
    const failure = { error: errorToJson(error), meters: metersSince(before, written.bytes()) };
    await removeFolder(scratchOf(folder)).catch(() => undefined); // room for the error on a full disk
    // a disk too full for the error itself: the ledger shows what was printed
    await writeFailure(folder, failure).catch(() => console.error(`${error.code}: ${error.message}`));
    return codeInfo(error.code).exit;
  }
}

async function readAttempt(folder: string): Promise<AttemptInput> {
  return readInput(folder).catch((cause) => {
    throw new MillError("step.bad-folder", `${folder} is not the folder of a step's attempt.`, {
      at: folder,
      expected: "input.json, as the ledger writes it",
      got: cause.message,
      fix: "`mill step` is started by `mill run`; run that instead.",
      cause,
    });
  });
}

function kindOf({ kind: name, revision }: AttemptInput, kinds: readonly StepKind<never>[]): StepKind<never> {
  const kind = kinds.find((one) => one.name === name);
  if (!kind) throw unknownKind(name, kinds);
  if (kind.revision === revision) return kind;
  throw new MillError("step.revision", `The step was planned with another revision of "${name}" than this program has.`, {
    expected: `revision ${revision}`,
    got: `revision ${kind.revision}`,
    fix: "Millwright was changed while it ran: stop it and run again.",
  });
}

export const unknownKind = (name: string, kinds: readonly { readonly name: string }[]) =>
  new MillError(
    "step.unknown-kind",
    `There is no step kind "${name}".${didYouMean(
      name,
      kinds.map((kind) => kind.name),
    )}`,
    { expected: kinds.map((kind) => kind.name).join(", "), got: name },
  );

function contextOf(
  attempt: AttemptInput,
  { objects, environments, variables, folder, signal, print }: Required<StepSurroundings> & { folder: string },
): StepContext {
  const say = (line: Line) => print(JSON.stringify(line));
  let saidAt = Number.NEGATIVE_INFINITY;
  const progress = (done: number, total: number, note?: string) => {
    const now = performance.now();
    if (now - saidAt < PROGRESS_EVERY_MS && done < total) return;
    saidAt = now;
    say({ progress: { done, total, ...(note === undefined ? {} : { note }) } satisfies Progress });
  };
  const { threads, memoryMb } = attempt;
  return {
    ...{ objects, environments, variables, signal, threads, memoryMb, progress },
    get scratch() {
      return makeScratch(folder);
    },
    log: (text) => say({ log: text }),
    checkpoint: attempt.checkpoint === undefined ? noCheckpoint : openCheckpoint(attempt.checkpoint),
  };
}

function checked(manifest: StepManifest, kind: string): StepManifest {
  const { objects, facts, measurements } = manifest ?? {};
  if (objects && facts && Array.isArray(measurements)) return small({ objects, facts, measurements }, kind);
  throw new MillError("step.bad-manifest", `The step kind "${kind}" left no manifest.`, {
    expected: "{ objects, facts, measurements }",
    got: JSON.stringify(manifest)?.slice(0, 200) ?? String(manifest),
    fix: "Return the manifest from `run`.",
  });
}

/** It becomes a row. */
function small(manifest: StepManifest, kind: string): StepManifest {
  const sizeBytes = Buffer.byteLength(JSON.stringify(manifest));
  if (sizeBytes <= MANIFEST_BYTES_MAX) return manifest;
  throw new MillError("step.bad-manifest", `The manifest of the step kind "${kind}" is too large.`, {
    expected: `at most ${MANIFEST_BYTES_MAX} bytes as JSON`,
    got: `${sizeBytes} bytes`,
    fix: "Store what is large as objects, and name their digests.",
  });
}

const cancelled = (cause: unknown) =>
  new MillError("step.cancelled", "The step was cancelled before it was done.", {
    fix: "Run it again: nothing of it was published.",
    cause,
  });

/** What a step threw as one of our errors; a full disk is met by whatever writes, also by libraries. */
export function asStepError(thrown: unknown, folder: string): MillError {
  const { code } = (thrown ?? {}) as NodeJS.ErrnoException;
  if (code !== "ENOSPC" && code !== "EDQUOT") return asMillError(thrown);
  return new MillError("step.disk-full", "The disk is full, so the step could not go on; nothing of it was published.", {
    at: folder,
    got: (thrown as Error).message,
    fix: "Free some space, or move the workspace with --workspace DIR, and run the same command again.",
    cause: thrown,
  });
}

function meteredObjects(objects: Objects): { readonly objects: Objects; bytes(): number } {
  let bytes = 0;
  return {
    bytes: () => bytes,
    objects: {
      ...objects,
      async put(content) {
        const digest = await objects.put(content);
        bytes += content.byteLength;
        return digest;
      },
      async putFile(path, options) {
        const digest = await objects.putFile(path, options);
        bytes += (await objects.sizeOf(digest)) ?? 0;
        return digest;
      },
    },
  };
}

interface Usage {
  readonly cpu: NodeJS.CpuUsage;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

function usageNow(): Usage {
  const { rchar, wchar } = ioOfProcess();
  return { cpu: process.cpuUsage(), readBytes: rchar, writtenBytes: wchar };
}

function metersSince(before: Usage, objectBytes: number): ChildMeters {
  const { user, system } = process.cpuUsage(before.cpu);
  const { rchar, wchar } = ioOfProcess();
  return {
    cpuSeconds: (user + system) / 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    readBytes: rchar - before.readBytes,
    writtenBytes: wchar - before.writtenBytes,
    objectBytes,
  };
}

const ioBytes = Buffer.alloc(512);
let ioFile: number | undefined;

/** proc(5): what went through read and write calls, in bytes. Kept open: opening it costs more than reading it. */
function ioOfProcess(): { rchar: number; wchar: number } {
  try {
    ioFile ??= openSync("/proc/self/io", "r");
    const text = ioBytes.toString("latin1", 0, readSync(ioFile, ioBytes, 0, ioBytes.length, 0));
    const [, rchar, wchar] = /^rchar: (\d+)\nwchar: (\d+)/.exec(text)!;
    return { rchar: Number(rchar), wchar: Number(wchar) };
  } catch {
    return { rchar: 0, wchar: 0 };
  }
}
