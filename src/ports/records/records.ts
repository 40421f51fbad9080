import { MillError } from "../../base/index.ts";

export type Param = null | number | bigint | string | Uint8Array;

/** One SQL statement with `?` placeholders, in the SQL that SQLite and PostgreSQL share. */
export interface Statement {
  readonly sql: string;
  readonly params?: readonly Param[];
  /** Guard: the number of rows the statement must change; any other number undoes the whole commit. */
  readonly rows?: number;
}

export type CommitOutcome =
  | { readonly committed: true }
  /** A guard did not hold: nothing was changed. */
  | { readonly committed: false; readonly statement: number; readonly expected: number; readonly got: number };

export interface CommitOptions {
  /**
   * Need not be on the disk when it resolves: it is with the next commit that is not lazy, and spares a wait for the disk. Everybody sees it at once, and
   * the end of this process does not undo it; a power cut may, and so may the crash of a PostgreSQL server. Default: false.
   */
  readonly lazy?: boolean;
}

/**
 * Small rows with transactions. A transaction is a value: blocks build guarded statements, `commit` runs them whole, by one writer, in order.
 * Durable when it resolves, unless it is told to be lazy. There are no interactive transactions.
 */
export interface Records {
  commit(statements: readonly Statement[], options?: CommitOptions): Promise<CommitOutcome>;
  /** Rows as plain objects; integers beyond 2^53 come as bigint. Sees every commit that has resolved. */
  query<T = Record<string, unknown>>(sql: string, params?: readonly Param[]): Promise<T[]>;
  close(): Promise<void>;
}

export const closedError = () =>
  new MillError("records.closed", "The records are closed: nothing can be read or committed any more.", {
    fix: "This happens while Millwright stops; start it again and repeat the command.",
  });
