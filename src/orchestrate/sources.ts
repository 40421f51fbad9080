import { type Digest, digestOfFile, type Json } from "../base/index.ts";
import type { DatasetDefinition, FilesSource } from "../define/index.ts";
import { type ResolvedSource, resolveSources } from "../ingest/index.ts";
import type { Records } from "../ports/records/index.ts";

/** The files behind a data set, with the digests of their content. */
export interface Sources {
  of(dataset: DatasetDefinition, projectFolder: string): Promise<Json>;
  /** Files as a step is given them; those whose digests are not known are read. `digests`: where `known` has been asked already. */
  read(files: readonly ResolvedSource[], from: FilesSource, digests?: ReadonlyMap<string, Digest>): Promise<Json>;
  /** Digests by path, of those of the files whose content is known by their stamps. */
  known(files: readonly ResolvedSource[]): Promise<ReadonlyMap<string, Digest>>;
}

const BATCH = 400;

/** Digests are kept by path and stamp (size, time of change, inode), so that a file which has not changed is not read again. */
export function createSources(records: Records): Sources {
  const known: Sources["known"] = async (files) => {
    const found = new Map<string, Digest>();
    const stamps = new Map(files.map(({ path, stamp }) => [path, stamp]));
    const paths = [...stamps.keys()];
    for (let from = 0; from < paths.length; from += BATCH) {
      const some = paths.slice(from, from + BATCH);
      const rows = await records.query<{ path: string; stamp: string; digest: Digest }>(
        `SELECT path, stamp, digest FROM source_digests WHERE path IN (${some.map(() => "?").join(", ")})`,
        some,
      );
      for (const { path, stamp, digest } of rows) if (stamps.get(path) === stamp) found.set(path, digest);
    }
    return found;
  };

  const digestOf = async ({ path, stamp }: ResolvedSource) => {
    const digest = await digestOfFile(path);
    await records.commit([
      { sql: "DELETE FROM source_digests WHERE path = ?", params: [path] },
      { sql: "INSERT INTO source_digests (path, stamp, digest) VALUES (?, ?, ?)", params: [path, stamp, digest] },
    ]);
    return digest;
  };

  const read: Sources["read"] = async (files, from, digests) => {
    digests ??= await known(files);
    return Promise.all(files.map(async (file) => sourceOf(file, digests!.get(file.path) ?? (await digestOf(file)), from)));
  };

  return { of: async ({ from }, projectFolder) => read(await resolveSources(from, projectFolder), from), read, known };
}

/** As a step is given a file. */
export const sourceOf = ({ path, name, format }: ResolvedSource, digest: Digest, { delimiter, encoding }: FilesSource) => ({
  ...{ path, name, format, digest },
  ...(delimiter ? { delimiter } : {}),
  ...(encoding ? { encoding } : {}),
});
