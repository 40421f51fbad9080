/** The partitions of a data set within a run: all that came or changed; those of another definition wait for a backfill. */
import { MillError } from "../../base/index.ts";
import type { Progress, StepManifest } from "../../steps/index.ts";
import type { GraphNode, Outside } from "../graph-node.ts";
import { PARTITIONS_DONE } from "../plan.ts";
import { countPartitions, isOpen } from "./standing.ts";
import { type PartitionOutcome, type Taking, takeInPartitions, type Workshop } from "./take-in.ts";

export interface PartitionsRun extends Omit<Taking, "dataset"> {
  onProgress(progress: Progress): void;
}

export type PartitionsOutcome =
  | { readonly state: "succeeded"; readonly manifest: StepManifest }
  | { readonly state: "failed"; readonly error: MillError }
  | { readonly state: "cancelled" };

/** Partitions that are looked at together: what they come to is on record before the next. */
const TOGETHER = 64;

/** Errors, as an outcome: `partition.redefined`, `partition.failed`. See decisions/partitions-and-backfills.md. */
export async function runPartitions(
  node: GraphNode,
  outside: Outside,
  workshop: Workshop,
  run: PartitionsRun,
): Promise<PartitionsOutcome> {
  const dataset = node.partitions!;
  const { partitions } = await outside.partitions(dataset);
  const { redefined } = countPartitions(partitions);
  if (redefined > 0) return { state: "failed", error: redefinedError(node.target, redefined, partitions.length) };
  const open = partitions.filter(isOpen).map(({ partition }) => partition);
  const failed: PartitionOutcome[] = [];
  for (let done = 0; done < open.length; done += TOGETHER) {
    run.onProgress({ done, total: open.length, note: open[done]! });
    const outcomes = await takeInPartitions(workshop, { ...run, dataset }, open.slice(done, done + TOGETHER));
    if (run.signal.aborted || outcomes.some(({ state }) => state === "cancelled")) return { state: "cancelled" };
    failed.push(...outcomes.filter(({ state }) => state === "failed"));
  }
  outside.lookAgain(dataset);
  if (failed.length > 0) return { state: "failed", error: failedError(node.target, failed, open.length) };
  return { state: "succeeded", manifest: PARTITIONS_DONE };
}

const redefinedError = (target: string, count: number, total: number) =>
  new MillError(
    "partition.redefined",
    `${count} of ${total} partitions of ${target} were taken in by another definition than it has now.`,
    {
      at: target,
      expected: "a definition by which all of them were taken in",
      fix: `Take them in again: mill backfill ${target}. A run takes in what came or changed, and leaves that to you.`,
    },
  );

const NAMED_MAX = 3;

interface FailedPartition {
  readonly partition: string;
  readonly error: { readonly message: string } | null;
}

export function failedError(target: string, failed: readonly FailedPartition[], total: number): MillError {
  const named = failed.slice(0, NAMED_MAX).map(({ partition, error }) => `${partition}: ${error?.message ?? "failed"}`);
  const more = failed.length > NAMED_MAX ? `; and ${failed.length - NAMED_MAX} more` : "";
  return new MillError(
    "partition.failed",
    `${failed.length} of ${total} partitions of ${target} failed. ${named.join(" ")}${more}`,
    {
      at: target,
      fix: "Mend or remove their files, and run again: the others are taken in, and only these run.",
    },
  );
}
