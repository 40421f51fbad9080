/** What was last made of each partition, as rows. */
import type { Digest } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";

export interface PartitionRow {
  readonly partition: string;
  readonly state: "succeeded" | "failed";
  readonly key: Digest;
  /** What was done to the files, by its digest. */
  readonly definition: Digest;
  /** Of the files, as they were. */
  readonly stamps: Digest;
  readonly error: string | null;
}

/** Of the partitions from the first of `names` to the last, in the order of their texts. */
export async function partitionRows(
  records: Records,
  dataset: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, PartitionRow>> {
  const inOrder = names.toSorted((a, b) => (a < b ? -1 : 1));
  if (inOrder.length === 0) return new Map();
  const rows = await records.query<PartitionRow>(
    `SELECT partition_key AS "partition", state, step_key AS "key", definition, stamps, error FROM partitions
      WHERE dataset = ? AND partition_key BETWEEN ? AND ?`,
    [dataset, inOrder[0]!, inOrder.at(-1)!],
  );
  return new Map(rows.map((row) => [row.partition, row]));
}

export const putPartition = (
  dataset: string,
  { partition, state, key, definition, stamps, error }: PartitionRow,
  atMs: number,
): Statement => ({
  sql: `INSERT INTO partitions (dataset, partition_key, state, step_key, definition, stamps, error, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (dataset, partition_key) DO UPDATE SET state = excluded.state, step_key = excluded.step_key, definition = excluded.definition,
      stamps = excluded.stamps, error = excluded.error, at = excluded.at`,
  params: [dataset, partition, state, key, definition, stamps, error, atMs],
});
