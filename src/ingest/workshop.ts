/** For tests: a folder with sources, an ingest step over them, and what it left. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type Digest, digestOfFile } from "../base/index.ts";
import type { Column, Row, Schema, TypeName } from "../contract/index.ts";
import { createFileObjects } from "../ports/objects/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { noCheckpoint, type StepContext, type StepManifest } from "../steps/index.ts";
import { type IngestInput, ingest } from "./ingest.ts";
import { formatOf } from "./sources.ts";

const folder = mkdtempSync(join(tmpdir(), "mill-ingest-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const objects = createFileObjects(join(folder, "objects"));
let made = 0;

export const newFolder = () => mkdtempSync(join(folder, `${made++}-`));

export function contextIn(scratch = newFolder(), memoryMb = 500): StepContext {
  return {
    objects,
    scratch,
    threads: 2,
    memoryMb,
    progress() {},
    signal: new AbortController().signal,
    log() {},
    checkpoint: noCheckpoint,
  };
}

/** `{ id: "int32", name: "string?" }` as a schema. */
export function schema(columns: Readonly<Record<string, `${TypeName}${"" | "?"}` | Column>>): Schema {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [
      name,
      typeof column === "string" ? { type: column.replace("?", "") as TypeName, nullable: column.endsWith("?") } : column,
    ]),
  );
}

export type Asked = Partial<Omit<IngestInput, "sources">> & {
  readonly columns: Schema;
  readonly delimiter?: string;
  readonly encoding?: "utf-8" | "utf-16" | "latin-1";
};

/** Writes the files (text or bytes by name) and ingests them in that order. */
export async function ingestText(files: Readonly<Record<string, string | Buffer>>, asked: Asked): Promise<Ingested> {
  const source = newFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(source, name), content);
  return ingestPaths(
    Object.keys(files).map((name) => join(source, name)),
    asked,
  );
}

export async function ingestPaths(paths: readonly string[], { delimiter, encoding, ...asked }: Asked): Promise<Ingested> {
  const sources = await Promise.all(
    paths.map(async (path) => ({
      path,
      name: path.split("/").at(-1)!,
      format: formatOf(path),
      digest: await digestOfFile(path),
      ...(delimiter ? { delimiter } : {}),
      ...(encoding ? { encoding } : {}),
    })),
  );
  const manifest = await ingest.run({ dataset: "d", where: null, time: null, checks: [], ...asked, sources }, contextIn());
  return {
    manifest,
    facts: manifest.facts as unknown as Ingested["facts"],
    rows: await rowsOf(manifest, "part-0"),
    quarantine: manifest.objects.quarantine ? await rowsOf(manifest, "quarantine") : [],
  };
}

/** Parts of a journal's data set, as sealing leaves them; `row` is JSON text, or a value that becomes it. */
export async function storeJournal(
  ...parts: readonly (readonly { readonly id?: string; readonly row: unknown }[])[]
): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (const rows of parts) {
    const lines = rows.map(({ row, ...rest }) =>
      JSON.stringify({ ...rest, at: 1, row: typeof row === "string" ? row : JSON.stringify(row) }),
    );
    const [text, part] = ["rows.ndjson", "part.parquet"].map((name) => join(newFolder(), name)) as [string, string];
    writeFileSync(text, lines.join("\n"));
    await run(`COPY (SELECT * FROM read_json('${text}', format = 'newline_delimited')) TO '${part}' (FORMAT parquet)`);
    digests.push(await objects.putFile(part));
  }
  return digests;
}

export interface Ingested {
  readonly manifest: StepManifest;
  readonly facts: {
    readonly rowCount: number;
    readonly quarantined: number;
    readonly leftOut: number;
    readonly from: string | null;
    readonly to: string | null;
    readonly warnings: readonly string[];
    readonly journals?: readonly unknown[];
    readonly ahead?: number;
    readonly repeated?: number;
    readonly checks: readonly { readonly index: number; readonly failed: number; readonly share: number }[];
    readonly sources: readonly {
      readonly name: string;
      readonly encoding?: string;
      readonly delimiter?: string;
      readonly rows: number;
    }[];
    readonly profile: Readonly<
      Record<
        string,
        {
          readonly nulls: number;
          readonly min?: unknown;
          readonly max?: unknown;
          readonly mean?: number;
          readonly distinct: number;
        }
      >
    >;
  };
  readonly rows: readonly Row[];
  readonly quarantine: readonly Row[];
}

export const pathOf = (manifest: StepManifest, role: string) => objects.pathOf(manifest.objects[role]!);

async function rowsOf(manifest: StepManifest, role: string): Promise<Row[]> {
  return query(`SELECT * FROM read_parquet('${await pathOf(manifest, role)}')`);
}

export async function query(sql: string): Promise<Row[]> {
  const tables = openDuckDb({ threads: 2, memoryMb: 300, tempFolder: join(folder, "temp") });
  try {
    return await tables.rows(sql);
  } finally {
    tables.close();
  }
}

export async function run(sql: string): Promise<void> {
  const tables = openDuckDb({ threads: 2, memoryMb: 300, tempFolder: join(folder, "temp") });
  try {
    await tables.run(sql);
  } finally {
    tables.close();
  }
}
