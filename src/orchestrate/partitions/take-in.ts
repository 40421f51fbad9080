/** Partitions taken in: a step for each, many at a time; what fails keeps no other from it. */
import { asMillError, type Digest, type MillError } from "../../base/index.ts";
import type { DatasetDefinition } from "../../define/index.ts";
import type { StepRequest } from "../../steps/index.ts";
import { partitionInput } from "../dataset-nodes.ts";
import type { Workspace } from "../workspace.ts";
import { putPartition } from "./rows.ts";
import { type Partition, standingPartitions } from "./standing.ts";

export interface Taking {
  readonly dataset: DatasetDefinition;
  readonly folder: string;
  readonly runId: string | null;
  /** Partitions at one time. */
  readonly places: number;
  readonly threads: number;
  readonly memoryMb: number;
  readonly on?: string;
  readonly signal: AbortSignal;
}

export interface PartitionOutcome {
  readonly partition: string;
  readonly state: "succeeded" | "failed" | "absent" | "cancelled";
  readonly stepId: string | null;
  readonly error: MillError | null;
}

export type Workshop = Pick<Workspace, "records" | "ledger" | "sources" | "now">;

/** So many partitions at one time where nobody says: places of their pool, else one a thread. */
export const placesOf = ({ ledger, threads }: Pick<Workspace, "ledger" | "threads">): number => ledger.pools.partition ?? threads;

/** Looks at the partitions as they are now and takes in what is not current. Outcomes in the order of `names`. */
export async function takeInPartitions(
  workshop: Workshop,
  taking: Taking,
  names: readonly string[],
): Promise<readonly PartitionOutcome[]> {
  const { dataset, folder } = taking;
  const { definition, partitions } = await standingPartitions({ ...workshop, folder }, dataset, names);
  const digests = await workshop.sources.known(partitions.flatMap(({ state, files }) => (state === "current" ? [] : files)));
  const asked = await Promise.all(partitions.map(async (one) => ({ one, request: await requestOf(one) })));
  const requests = asked.flatMap(({ request }) => ("key" in request ? request : []));
  const outcomes = await workshop.ledger.executeAll(requests, { concurrency: taking.places });
  const byKey = new Map(requests.map(({ key }, index) => [key, outcomes[index]!]));
  const found = asked.map(({ one, request }) => {
    if (!("key" in request)) return request;
    const outcome = byKey.get(request.key)!;
    const stepId = outcome.state === "cancelled" ? null : outcome.stepId;
    const told = { partition: one.partition, stepId, error: outcome.state === "failed" ? outcome.error : null };
    return { ...told, state: outcome.state === "reused" ? ("succeeded" as const) : outcome.state };
  });
  const rows = found.flatMap(({ state, error }, index) => {
    const { one, request } = asked[index]!;
    if (!("key" in request) || state === "cancelled") return [];
    const row = { partition: one.partition, key: request.key, definition, stamps: one.stamps, error: error?.message ?? null };
    return putPartition(dataset.name, { ...row, state: state === "failed" ? "failed" : "succeeded" }, workshop.now());
  });
  if (rows.length > 0) await workshop.records.commit(rows);
  return found;

  /** What is to run, or what it has come to without. */
  async function requestOf({ partition, state, files, fault }: Partition): Promise<Keyed | PartitionOutcome> {
    const { ledger, sources } = workshop;
    if (state === "current") return { partition, state: "succeeded", stepId: null, error: null };
    if (fault !== null)
      return { partition, state: fault.code === "source.missing" ? "absent" : "failed", stepId: null, error: fault };
    try {
      const input = partitionInput(dataset, await sources.read(files, dataset.from, digests));
      return {
        ...{ kind: "partition", input, target: `dataset/${dataset.name}`, key: ledger.keyOf("partition", input) },
        ...("partition" in ledger.pools && { pool: "partition" }),
        ...(taking.on !== undefined && { on: taking.on }),
        runId: taking.runId,
        memoryMb: Math.max(MEMORY_MB_MIN, Math.floor(taking.memoryMb / taking.places)),
        threads: Math.max(1, Math.floor(taking.threads / taking.places)),
        signal: taking.signal,
      };
    } catch (thrown) {
      return { partition, state: "failed", stepId: null, error: asMillError(thrown) };
    }
  }
}

type Keyed = StepRequest & { readonly key: Digest };

/** Less keeps an engine of tables from working at all. */
const MEMORY_MB_MIN = 256;
