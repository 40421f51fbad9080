import { digestOfFile, type Json } from "../base/index.ts";
import type { DatasetDefinition } from "../define/index.ts";
import { resolveSources } from "../ingest/index.ts";
import type { Records } from "../ports/records/index.ts";

/** The files behind a data set, with the digests of their content. */
export interface Sources {
  of(dataset: DatasetDefinition, projectFolder: string): Promise<Json>;
}

/** Digests are kept by path and stamp (size, time of change, inode), so that a file which has not changed is not read again. */
export function createSources(records: Records): Sources {
  const digestOf = async (path: string, stamp: string) => {
    const [known] = await records.query<{ digest: string }>("SELECT digest FROM source_digests WHERE path = ? AND stamp = ?", [
      path,
      stamp,
    ]);
    if (known) return known.digest;
    const digest = await digestOfFile(path);
    await records.commit([
      { sql: "DELETE FROM source_digests WHERE path = ?", params: [path] },
      { sql: "INSERT INTO source_digests (path, stamp, digest) VALUES (?, ?, ?)", params: [path, stamp, digest] },
    ]);
    return digest;
  };

  return {
    async of({ from }, projectFolder) {
      const files = await resolveSources(from, projectFolder);
      return Promise.all(
        files.map(async ({ path, name, format, stamp }) => ({
          path,
          name,
          format,
          digest: await digestOf(path, stamp),
          ...(from.delimiter ? { delimiter: from.delimiter } : {}),
          ...(from.encoding ? { encoding: from.encoding } : {}),
        })),
      );
    },
  };
}
