/**
 * The folder of an attempt, `steps/ID-FENCE/`: how the ledger and the process of a step speak.
 *
 *     input.json      {kind, revision, input, threads, memoryMb}   written by the ledger before the start
 *     scratch/        the step's own, empty at its start
 *     manifest.json   {digest, manifest, meters}                   the commit marker: written last, by rename
 *     error.json      {error, meters}                              instead of a manifest
 *
 * Lines on standard output: {"progress":{done,total,note}} or {"log":"..."}; any other line is a log line as it stands.
 */
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOfJson, type ErrorJson } from "../base/index.ts";
import type { StepManifest } from "./kind.ts";

export interface AttemptInput {
  readonly kind: string;
  readonly revision: number;
  readonly input: unknown;
  readonly threads: number;
  readonly memoryMb: number;
}

/** What an attempt took. */
export interface Meters {
  readonly wallMs: number;
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
  /** Bytes put into objects, whether or not they were new. */
  readonly objectBytes: number;
}

export type ChildMeters = Omit<Meters, "wallMs">;

export interface Marker {
  readonly digest: Digest;
  readonly manifest: StepManifest;
  readonly meters: ChildMeters;
}

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

export const attemptFolder = (folder: string, stepId: string, fence: number) => join(folder, `${stepId}-${fence}`);

export const scratchOf = (folder: string) => join(folder, "scratch");

export async function writeInput(folder: string, input: AttemptInput): Promise<void> {
  await mkdir(scratchOf(folder), { recursive: true, mode: 0o700 });
  await writeFile(join(folder, "input.json"), JSON.stringify(input), { mode: 0o600 });
}

export const readInput = async (folder: string) => JSON.parse(await readFile(join(folder, "input.json"), "utf8")) as AttemptInput;

export const writeMarker = (folder: string, marker: Marker) => writeWhole(join(folder, "manifest.json"), marker);
export const writeFailure = (folder: string, failure: Failure) => writeWhole(join(folder, "error.json"), failure);

/** When the marker was written, in milliseconds since 1970. */
export const markedAt = async (folder: string) => (await stat(join(folder, "manifest.json"))).mtimeMs;

/** The marker, or null when the attempt has left none, or one that does not hold together. */
export async function readMarker(folder: string): Promise<Marker | null> {
  const marker = await readJson<Marker>(join(folder, "manifest.json"));
  return marker && digestOfJson(marker.manifest) === marker.digest ? marker : null;
}

export const readFailure = (folder: string) => readJson<Failure>(join(folder, "error.json"));

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

async function writeWhole(path: string, value: unknown): Promise<void> {
  await writeFile(`${path}.part`, JSON.stringify(value), { mode: 0o600 });
  await rename(`${path}.part`, path);
}

async function readJson<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return null;
  }
}
