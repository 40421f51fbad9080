/**
 * What people bring to the branch of a data set becomes a version of it: the parts of the tree, in the order of their numbers, with the columns that the
 * newest version has. What that version was judged and described by (its facts) stays until rows are ingested anew.
 */
import { type Digest, MillError } from "../base/index.ts";
import type { Schema } from "../contract/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { partsOf, QUARANTINE } from "./dataset-tree.ts";
import type { Entry } from "./repositories/entry.ts";
import { countRows } from "./tables/diff.ts";
import { parquet } from "./tables/relation.ts";
import type { VersionManifest } from "./versions.ts";

/** The manifest of files that came to be outside of the platform, after `version` with the manifest `before`; null: they are its files. Errors: `lake.unfit-parts`. */
export async function manifestOf(
  dataset: string,
  files: ReadonlyMap<string, Entry>,
  version: number,
  before: VersionManifest,
  { objects, tables }: { readonly objects: Objects; tables(): Tables },
): Promise<VersionManifest | null> {
  const digests = partsOf(files);
  const quarantine = files.get(QUARANTINE)?.digest ?? null;
  const old = before.parts.map(({ digest }) => digest);
  if (digests.join() === old.join() && quarantine === (before.quarantine ?? null)) return null;
  const engine = tables();
  try {
    const pathsOf = (list: readonly Digest[]) => Promise.all(list.map((digest) => objects.pathOf(digest)));
    const added = digests.filter((digest) => !old.includes(digest));
    await requireColumns(dataset, before.columns ?? {}, await pathsOf(old), await pathsOf(added), engine);
    const known = new Map(before.parts.map(({ digest, rowCount }) => [digest, rowCount]));
    const parts: { digest: Digest; rowCount: number }[] = [];
    for (const digest of digests)
      parts.push({ digest, rowCount: known.get(digest) ?? (await countRows(await pathsOf([digest]), engine)) });
    const rowCount = parts.reduce((sum, part) => sum + part.rowCount, 0);
    return {
      ...before,
      parts,
      quarantine,
      corrects: before.corrects ?? version,
      facts: { ...before.facts, ...("rowCount" in (before.facts ?? {}) ? { rowCount } : {}) },
    };
  } finally {
    engine.close();
  }
}

/** New parts have every column of the data set, of the type that it has in the parts before. */
async function requireColumns(
  dataset: string,
  columns: Schema,
  before: readonly string[],
  added: readonly string[],
  tables: Tables,
): Promise<void> {
  if (added.length === 0) return;
  const typesIn = async (paths: readonly string[]): Promise<Map<string, string>> => {
    const described =
      paths.length === 0
        ? []
        : await tables.describe(`SELECT * FROM ${parquet(paths)}`).catch((thrown) => unfit(dataset, thrown));
    return new Map(described.map(({ name, type }) => [name, type]));
  };
  const known = await typesIn(before);
  for (const path of added) {
    const types = await typesIn([path]);
    for (const name of Object.keys(columns)) {
      const [expected, got] = [known.get(name), types.get(name)];
      if (expected === undefined || expected === got) continue;
      throw new MillError(
        "lake.unfit-parts",
        `A file is no part of the data set "${dataset}": the column "${name}" is not as in its other parts.`,
        {
          at: `column "${name}"`,
          expected,
          got: got ?? "no such column",
          fix: "Write the file with the columns and types that the data set has.",
        },
      );
    }
  }
}

function unfit(dataset: string, cause: unknown): never {
  throw new MillError("lake.unfit-parts", `A file is no part of the data set "${dataset}": ${(cause as Error).message}`, {
    expected: "Parquet",
    fix: "Write the file as Parquet, with the columns and types that the data set has.",
    cause,
  });
}
