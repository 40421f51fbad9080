import type { Json } from "../base/index.ts";

/** A file that is ready to be read by SQL, whatever its format. A record is a line of CSV or NDJSON, an element of a JSON array, or a row of Parquet. */
export interface OpenedSource {
  /** As a person knows it. */
  readonly name: string;
  /** What was found by looking: format, encoding, delimiter. */
  readonly found: Readonly<Record<string, Json>>;
  readonly columns: readonly SourceColumn[];
  /**
   * A FROM item with one row for each record that the reader could take apart, in file order; the same rows in the same order each time.
   * `first`: what it could not take apart is noted for `rejects`.
   */
  relation(reading: "first" | "again"): string;
  /** The record's number in the relation, from 0, as SQL over `relation`; null: it must be counted. */
  readonly ordinal: string | null;
  /** The record's own text, as SQL, where it has one. */
  readonly text: string | null;
  /** A record that is to be passed over, as SQL. */
  readonly blank: string | null;
  /** A record that has no columns at all, as SQL, and why. */
  readonly broken: { readonly condition: string; readonly reason: string } | null;
  /** A query of what the first reading could not take apart: `place` (byte offset or number of the line), `text`, `size` in bytes, `reason`. */
  readonly rejects: string | null;
  /** Lines of records (by ordinal) and of rejects (by place), from 1; null: the format has none. */
  readonly lines: ((ordinals: readonly number[], rejects: readonly Reject[]) => Promise<Lines>) | null;
}

export interface SourceColumn {
  readonly name: string;
  /** Over `relation`. */
  readonly sql: string;
  /** The engine's type; VARCHAR for text. */
  readonly type: string;
}

export interface Reject {
  readonly place: number;
  readonly sizeBytes: number;
}

export interface Lines {
  readonly records: ReadonlyMap<number, number>;
  readonly rejects: ReadonlyMap<number, number>;
}
