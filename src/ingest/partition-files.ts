/** The files of a data set's partitions, found by their names. */
import { asMillError, type MillError, periodParts, periodsBefore } from "../base/index.ts";
import type { DatasetDefinition, FilesSource } from "../define/index.ts";
import { type ResolvedSource, readFoldersOnce, readStamp, resolvePath, resolveSources } from "./sources.ts";

export interface PartitionFiles {
  readonly partition: string;
  readonly files: readonly ResolvedSource[];
  /** Why they cannot be told: `source.missing` where one is not there. */
  readonly error: MillError | null;
}

/** Of each partition, in order. What is wrong with the files of one keeps no other from being found. */
export async function resolvePartitions(
  { paths }: FilesSource,
  partitions: readonly string[],
  projectFolder: string,
): Promise<PartitionFiles[]> {
  const listing = readFoldersOnce();
  const find = async (partition: string): Promise<PartitionFiles> => {
    try {
      const all: ResolvedSource[] = [];
      for (const path of paths)
        for (const file of await resolvePath(filled(path, partition), projectFolder, listing))
          if (all.every((one) => one.path !== file.path)) all.push(await readStamp(file));
      return { partition, files: all, error: null };
    } catch (thrown) {
      return { partition, files: [], error: asMillError(thrown) };
    }
  };
  return Promise.all(partitions.map(find));
}

/** All files behind a data set that are there now; of one without partitions as `resolveSources`. */
export async function resolveDataset(
  { from, partitions }: Pick<DatasetDefinition, "from" | "partitions">,
  projectFolder: string,
  nowMs: number,
): Promise<readonly ResolvedSource[]> {
  if (partitions === undefined) return resolveSources(from, projectFolder);
  return (await resolvePartitions(from, periodsBefore(partitions, nowMs), projectFolder)).flatMap(({ files }) => files);
}

function filled(path: string, partition: string): string {
  const parts: Readonly<Record<string, string>> = periodParts(partition);
  return path.replaceAll(/\{(\w+)\}/g, (place, name: string) => parts[name] ?? place);
}
