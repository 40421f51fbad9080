/** Files of runs and models. One that is here, and was never taken from this source, is taken for the same where it is as long. */
import type { Records } from "../../ports/records/index.ts";
import { artifactPath } from "../artifacts/artifact-path.ts";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { type Entries, entryStatement } from "./entries.ts";
import type { FileThere, Left } from "./imports.ts";

const STAMP = "stamp";
const DIGEST = "digest";
const PATHS_MAX = 500;

export function importArtifacts({
  records,
  artifacts,
  entries,
}: {
  readonly records: Records;
  readonly artifacts: Artifacts;
  readonly entries: Entries;
}) {
  return {
    async compare(source: string, there: readonly FileThere[]): Promise<{ wanted: string[]; left: Left[] }> {
      const left: Left[] = [];
      const files = there.filter(({ path }) => isPath(path, left));
      const paths = files.map(({ path }) => path);
      const [remembered, here] = await Promise.all([entries.read(source, "file", paths), kept(paths)]);
      const wanted = files.filter(({ path, stamp, sizeBytes }) => {
        const [before, file] = [remembered.get(path)?.fields, here.get(path)];
        const isSameThere = before?.get(STAMP) === stamp;
        if (!file) return before === undefined || !isSameThere; // what was taken and then removed here stays removed
        if (isSameThere || (before === undefined && file.size_bytes === sizeBytes)) return false;
        if (before?.get(DIGEST) === file.digest) return true;
        left.push({ what: path, why: "the file is another one here, and was not so when it was last taken over" });
        return false;
      });
      return { wanted: wanted.map(({ path }) => path), left };
    },

    async take(source: string, { path, stamp }: Pick<FileThere, "path" | "stamp">, bytes: AsyncIterable<Uint8Array>) {
      const { digest, sizeBytes, path: kept } = await artifacts.put(path, bytes);
      const fields = new Map([
        [STAMP, stamp],
        [DIGEST, digest],
      ]);
      await records.commit([entryStatement(source, "file", kept, { localId: kept, fields })]);
      return { path: kept, sizeBytes };
    },
  };

  async function kept(paths: readonly string[]): Promise<Map<string, Row>> {
    const found = new Map<string, Row>();
    for (let at = 0; at < paths.length; at += PATHS_MAX) {
      const some = paths.slice(at, at + PATHS_MAX);
      const places = some.map(() => "?").join(", ");
      const rows = await records.query<Row>(`SELECT path, digest, size_bytes FROM artifacts WHERE path IN (${places})`, some);
      for (const row of rows) found.set(row.path, row);
    }
    return found;
  }
}

function isPath(path: string, left: Left[]): boolean {
  try {
    if (artifactPath(path) === path) return true;
  } catch {}
  left.push({ what: path.slice(0, 200), why: "it is no path that a file can have here" });
  return false;
}

interface Row {
  readonly path: string;
  readonly digest: string;
  readonly size_bytes: number;
}
