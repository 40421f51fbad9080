import type { Digest } from "../base/index.ts";
import type { Schema } from "../contract/index.ts";
import type { Node } from "../express/index.ts";
import type { IngestJournal } from "./journal-rows.ts";
import type { SourceFormat } from "./sources.ts";
import type { RowCheck } from "./stage.ts";
import type { Encoding } from "./text-file.ts";

export interface IngestSource {
  readonly path: string;
  readonly name: string;
  readonly format: SourceFormat;
  readonly digest: Digest;
  readonly delimiter?: string;
  readonly encoding?: Encoding;
}

export interface IngestInput {
  readonly dataset: string;
  readonly sources: readonly IngestSource[];
  readonly columns: Schema;
  readonly where: Node | null;
  readonly time: string | null;
  readonly checks: readonly RowCheck[];
  /** Rows beside those of the files, of which `where` says nothing; only where there are any, so that the others' keys stay. See decisions/growing-data.md. */
  readonly journals?: readonly IngestJournal[];
  /** Of a data set with partitions, which then has no sources: what was made of each, in order. */
  readonly partitions?: readonly IngestedPartition[];
  /** A moment of the time column: later rows of the journals are left out. */
  readonly until?: string;
}

/** What the step `partition` has left of one partition. */
export interface IngestedPartition {
  readonly partition: string;
  readonly part: Digest;
  readonly quarantine?: Digest;
  readonly rowCount: number;
  readonly quarantined: number;
  readonly leftOut: number;
  readonly read: number;
  readonly fitting: number;
  /** Rows by index of the check; those that hold for all rows are left out. */
  readonly failed?: Readonly<Record<string, number>>;
}
