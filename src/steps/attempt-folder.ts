/**
 * The folder of an attempt, `steps/ID-FENCE/`: how the ledger and the process of a step speak.
 *
 *     input.json      {kind, revision, input, threads, memoryMb, checkpoint, care}   written by the ledger before the start
 *     scratch/        the step's own, made when it asks for it
 *     manifest.json   {digest, manifest, meters}                   the commit marker: written last
 *     error.json      {error, meters}                              instead of a manifest
 *
 * Lines on standard output: {"progress":{done,total,note}} or {"log":"..."}; any other line is a log line as it stands.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOfJson, type ErrorJson } from "../base/index.ts";
import { jobName } from "../ports/engines/index.ts";
import type { StepManifest } from "./kind.ts";
import type { RetryPolicy } from "./retry.ts";
import type { Timeouts } from "./timeouts.ts";

export interface AttemptInput {
  readonly kind: string;
  readonly revision: number;
  readonly input: unknown;
  readonly threads: number;
  readonly memoryMb: number;
  /** The file in which the step keeps what its next attempt goes on from; none for a step that is run again only to compare. */
  readonly checkpoint?: string;
  /** For who takes the attempt up; none for a step that is run again only to compare. */
  readonly care?: Care;
}

/** How an attempt is looked after. */
export interface Care {
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
  /** Of this attempt, from 1. */
  readonly tries: number;
}

/** What an attempt took. */
export interface Meters {
  readonly wallMs: number;
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
  /** What its process read and wrote, of files and pipes, whether or not a disk had to do it; 0 where the system does not tell. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Bytes put into objects, whether or not they were new. */
  readonly objectBytes: number;
}

export const NO_METERS: Meters = { wallMs: 0, cpuSeconds: 0, peakRssBytes: 0, readBytes: 0, writtenBytes: 0, objectBytes: 0 };

/** As they were written, perhaps by a version that measured less. */
export const metersFrom = (text: string | null): Meters | null => (text === null ? null : { ...NO_METERS, ...JSON.parse(text) });

export type ChildMeters = Omit<Meters, "wallMs">;

export interface Marker {
  readonly digest: Digest;
  readonly manifest: StepManifest;
  readonly meters: ChildMeters;
}

/** Of a manifest as JSON. */
export const MANIFEST_BYTES_MAX = 4 << 20;
/** Of a file that the process of a step leaves: what is longer is not read. */
const FILE_BYTES_MAX = MANIFEST_BYTES_MAX + 65_536;

export interface Failure {
  readonly error: ErrorJson;
  readonly meters: ChildMeters;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly note?: string;
}

export type Line = { readonly progress: Progress } | { readonly log: string };

export const attemptFolder = (folder: string, stepId: string, fence: number) => join(folder, jobName({ stepId, fence }));

export const scratchOf = (folder: string) => join(folder, "scratch");

export function makeScratch(folder: string): string {
  mkdirSync(scratchOf(folder), { recursive: true, mode: 0o700 });
  return scratchOf(folder);
}

// The files are small and in the page cache: each hop to a thread of the pool costs more than reading, writing or removing them at once.

export async function writeInput(folder: string, input: AttemptInput): Promise<void> {
  writeFileSync(join(folder, "input.json"), JSON.stringify(input), { mode: 0o600 });
}

export const readInput = async (folder: string) => JSON.parse(readFileSync(join(folder, "input.json"), "utf8")) as AttemptInput;

/** In place: a marker that was cut short does not fit its digest, and is none. */
export async function writeMarker(folder: string, marker: Marker): Promise<void> {
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(marker), { mode: 0o600 });
}

export async function writeFailure(folder: string, failure: Failure): Promise<void> {
  writeFileSync(join(folder, "error.json"), JSON.stringify(failure), { mode: 0o600 });
}

/** When the marker was written, in milliseconds since 1970. */
export const markedAt = async (folder: string) => (await stat(join(folder, "manifest.json"))).mtimeMs;

/** The marker, or null when the attempt has left none, or one that does not hold together. */
export async function readMarker(folder: string): Promise<Marker | null> {
  const marker = await readJson<Marker>(join(folder, "manifest.json"));
  return marker && digestOfJson(marker.manifest) === marker.digest ? marker : null;
}

export const readFailure = (folder: string) => readJson<Failure>(join(folder, "error.json"));

/** Whether it is empty now: most folders hold an input and a manifest and nothing else. */
export function emptyFolder(folder: string): boolean {
  try {
    unlinkSync(join(folder, "input.json"));
    unlinkSync(join(folder, "manifest.json"));
    return readdirSync(folder).length === 0;
  } catch {
    return false;
  }
}

export const removeFolder = (folder: string) => rm(folder, { recursive: true, force: true, maxRetries: 3 });

export function parseLine(line: string): Line {
  try {
    const { progress, log } = JSON.parse(line);
    if (typeof progress?.done === "number" && typeof progress.total === "number") return { progress };
    if (typeof log === "string") return { log };
  } catch {
    // not ours: what a library printed
  }
  return { log: line };
}

async function readJson<T>(path: string): Promise<T | null> {
  try {
    if (statSync(path).size > FILE_BYTES_MAX) return null;
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}
