/**
 * How the partitions of a data set stand: of each, whether what its files hold has been taken in by the definition as it is.
 *
 *     files by stamp ── as they were, by the same definition ──> the key that its row has ──┐
 *           └── otherwise, their digests known ──> the key of its step ──────────────────────────> a result? ── yes ──> current
 *                                                                                               └── no, or not known: as its row says
 */
import { type Digest, digestOfJson, type Json, type MillError, periodsBefore } from "../../base/index.ts";
import type { DatasetDefinition } from "../../define/index.ts";
import { type IngestedPartition, ingestedPartition, type ResolvedSource, resolvePartitions } from "../../ingest/index.ts";
import type { StepManifest } from "../../steps/index.ts";
import { partitionInput } from "../dataset-nodes.ts";
import { sourceOf } from "../sources.ts";
import type { Workspace } from "../workspace.ts";
import { type PartitionRow, partitionRows } from "./rows.ts";

/**
 * `current`: taken in. `new`: never was. `changed`: its files have, since. `redefined`: it was taken in by another definition. `failed`: it could not be.
 * `absent`: it has no file. `gone`: it has no file any more.
 */
export const PARTITION_STATES = ["current", "new", "changed", "redefined", "failed", "absent", "gone"] as const;
export type PartitionState = (typeof PARTITION_STATES)[number];

export interface Partition {
  readonly partition: string;
  readonly state: PartitionState;
  readonly files: readonly ResolvedSource[];
  readonly stamps: Digest;
  /** Why its files cannot be told. */
  readonly fault: MillError | null;
  /** Why it is not taken in, where that is known. */
  readonly why: string | null;
  /** Of a current one. */
  readonly ingested: IngestedPartition | null;
}

export interface Partitions {
  /** What is done to the files of each, by its digest. */
  readonly definition: Digest;
  readonly partitions: readonly Partition[];
  /** The current ones, in order. */
  readonly ingested: readonly IngestedPartition[];
}

type Looking = Pick<Workspace, "records" | "ledger" | "sources" | "now"> & { readonly folder: string };

/** Names of the partitions that are over by now, in order. */
export const partitionNames = ({ partitions }: DatasetDefinition, now: number): string[] =>
  partitions === undefined ? [] : periodsBefore(partitions, now);

/** Those of `names`; default: all that are over by now. */
export async function standingPartitions(
  { records, ledger, sources, now, folder }: Looking,
  dataset: DatasetDefinition,
  names: readonly string[] = partitionNames(dataset, now()),
): Promise<Partitions> {
  const { from } = dataset;
  const keyOf = (files: Json) => ledger.keyOf("partition", partitionInput(dataset, files));
  const definition = keyOf([]);
  const rows = await partitionRows(records, dataset.name, names);
  const found = (await resolvePartitions(from, names, folder)).map((one) => ({
    ...one,
    row: rows.get(one.partition) ?? null,
    stamps: digestOfJson(one.files.map(({ path, stamp }) => [path, stamp])),
  }));
  const isAsItWas = ({ row, stamps }: (typeof found)[number]) => row?.stamps === stamps && row.definition === definition;
  const others = found.filter((one) => one.error === null && one.row !== null && !isAsItWas(one));
  const known = await sources.known(others.flatMap(({ files }) => files));
  const keys = new Map<string, Digest>();
  for (const one of found) {
    if (isAsItWas(one)) keys.set(one.partition, one.row!.key);
    else if (one.error === null && one.row !== null && one.files.every(({ path }) => known.has(path)))
      keys.set(one.partition, keyOf(one.files.map((file) => sourceOf(file, known.get(file.path)!, from))));
  }
  const results = await ledger.resultsOf(keys.values());
  const partitions = found.map(({ partition, files, stamps, error, row }): Partition => {
    const key = error === null ? keys.get(partition) : undefined;
    const result = key === undefined ? undefined : results.get(key);
    const { state, why } = stateOf(row, definition, { error, result });
    return { partition, files, stamps, fault: error, state, why, ingested: result ? ingestedPartition(partition, result) : null };
  });
  return { definition, partitions, ingested: partitions.flatMap(({ ingested }) => ingested ?? []) };
}

function stateOf(
  row: PartitionRow | null,
  definition: Digest,
  { error, result }: { readonly error: MillError | null; readonly result: StepManifest | undefined },
): { readonly state: PartitionState; readonly why: string | null } {
  if (error !== null) {
    if (error.code !== "source.missing") return { state: "failed", why: error.message };
    return { state: row?.state === "succeeded" ? "gone" : "absent", why: error.message };
  }
  if (result) return { state: "current", why: null };
  if (row === null) return { state: "new", why: null };
  if (row.state === "failed") return { state: "failed", why: row.error };
  return { state: row.definition === definition ? "changed" : "redefined", why: null };
}

export type PartitionCounts = Readonly<Record<PartitionState, number>>;

export function countPartitions(partitions: readonly Pick<Partition, "state">[]): PartitionCounts {
  const counts = Object.fromEntries(PARTITION_STATES.map((state) => [state, 0])) as Record<PartitionState, number>;
  for (const { state } of partitions) counts[state]++;
  return counts;
}

/** Whether something would be done about it. */
export const isOpen = ({ state }: Pick<Partition, "state">) =>
  state === "new" || state === "changed" || state === "redefined" || state === "failed";

/** One line for all of them. */
export function partitionsText(counts: PartitionCounts): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const said = (state: PartitionState, words: string) =>
    counts[state] === 0 ? [] : `${counts[state].toLocaleString("en")} ${words}`;
  const open = [
    said("new", "new"),
    said("changed", "changed"),
    said("redefined", "by another definition"),
    said("failed", "failed"),
    said("absent", "without a file"),
    said("gone", "whose file has gone"),
  ].flat();
  const current = `${counts.current.toLocaleString("en")} of ${total.toLocaleString("en")} partitions current`;
  return [current, ...open].join(", ");
}
