import type { DatasetDefinition } from "../../define/index.ts";
import { resolveSources } from "../../ingest/index.ts";
import type { Objects } from "../../ports/objects/index.ts";
import type { Outside } from "../graph-node.ts";

/** Bytes of all that a data set is made of: its files, and the rows that it has grown by. null: they are not to be found now. */
export async function inputBytes(
  dataset: DatasetDefinition,
  folder: string,
  outside: Outside,
  objects: Objects,
): Promise<number | null> {
  try {
    const files = dataset.partitions
      ? (await outside.partitions(dataset)).partitions.flatMap(({ files }) => files)
      : await resolveSources(dataset.from, folder);
    const journals = (await outside.generation(dataset))?.journals ?? [];
    const parts = await Promise.all(journals.flatMap(({ parts }) => parts.map((digest) => objects.sizeOf(digest))));
    return [...files.map(({ sizeBytes }) => sizeBytes), ...parts].reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  } catch {
    return null; // the step that reads them tells what is wrong
  }
}
