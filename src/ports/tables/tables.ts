import type { Row } from "../../contract/index.ts";
import type { Frame } from "../../learn/index.ts";

/** An analytic SQL engine over Parquet, CSV and JSON files: DuckDB in memory. Runs off the event loop. */
export interface Tables {
  /** Runs statements that return nothing (COPY, CREATE TEMP TABLE ...). Errors: `tables.query`, `tables.memory`. */
  run(sql: string): Promise<void>;
  /** Small results as rows; dates and times are microseconds (see `Value`). */
  rows(sql: string): Promise<Row[]>;
  /** Large results as typed arrays; numbers, booleans (0 and 1) and texts only. */
  frame(sql: string): Promise<Frame>;
  /** Columns of a query or file, in order, with the engine's type names and without running it. */
  describe(sql: string): Promise<readonly { readonly name: string; readonly type: string }[]>;
  /** Stops the statement that runs; it fails with `tables.query`. */
  interrupt(): void;
  close(): void;
}
