/** What is remembered of a thing that was taken over, by its source, its kind and its id there. */
import { MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { Fields } from "./merge.ts";

export type ImportedKind = "experiment" | "run" | "logged-model" | "registered-model" | "aliases" | "version" | "file";

export interface Entry {
  readonly localId: string;
  /** Digests of its fields. */
  readonly fields: Fields;
  /** Digests of what its metrics' histories are, by key. */
  readonly histories: Fields;
}

export const NOTHING_KNOWN: Fields = new Map();

export interface Entries {
  begin(source: string, actor: string): Promise<void>;
  /** Errors: `import.not-begun`. */
  requireBegun(source: string): Promise<void>;
  read(source: string, kind: ImportedKind, ids: readonly string[]): Promise<Map<string, Entry>>;
}

/** As many ids as one statement takes. */
const IDS_MAX = 500;

export function createEntries(records: Records, now: () => number): Entries {
  return {
    async begin(source, actor) {
      await records.commit([
        {
          sql: `INSERT INTO imports (source, begun_at, begun_by) VALUES (?, ?, ?)
            ON CONFLICT (source) DO UPDATE SET begun_at = excluded.begun_at, begun_by = excluded.begun_by`,
          params: [source, now(), actor],
        },
      ]);
    },

    async requireBegun(source) {
      const rows = await records.query("SELECT source FROM imports WHERE source = ?", [source]);
      if (rows.length === 0)
        throw new MillError("import.not-begun", `Nothing was begun to be imported from "${source}".`, {
          at: "source",
          got: source,
          fix: "Call beginImport first: the audit says who imported what.",
        });
    },

    async read(source, kind, ids) {
      const found = new Map<string, Entry>();
      for (let at = 0; at < ids.length; at += IDS_MAX) {
        const some = ids.slice(at, at + IDS_MAX);
        const rows = await records.query<Row>(
          `SELECT id, local_id, content FROM imported WHERE source = ? AND kind = ? AND id IN (${some.map(() => "?").join(", ")})`,
          [source, kind, ...some],
        );
        for (const { id, local_id, content } of rows) {
          const { fields, histories = [] } = JSON.parse(content) as Content;
          found.set(id, { localId: local_id, fields: new Map(fields), histories: new Map(histories) });
        }
      }
      return found;
    },
  };
}

export function entryStatement(
  source: string,
  kind: ImportedKind,
  id: string,
  { localId, fields, histories }: Omit<Entry, "histories"> & Partial<Entry>,
): Statement {
  const content: Content = { fields: [...fields], ...(histories && histories.size > 0 && { histories: [...histories] }) };
  return {
    sql: `INSERT INTO imported (source, kind, id, local_id, content) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (source, kind, id) DO UPDATE SET local_id = excluded.local_id, content = excluded.content`,
    params: [source, kind, id, localId, JSON.stringify(content)],
  };
}

interface Row {
  readonly id: string;
  readonly local_id: string;
  readonly content: string;
}

interface Content {
  readonly fields: readonly (readonly [string, string])[];
  readonly histories?: readonly (readonly [string, string])[];
}
