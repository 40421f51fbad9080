import { MillError } from "../../base/index.ts";
import { shortSql } from "./values.ts";

/** Result codes of SQLite (sqlite.org/rescode.html); extended codes carry them in their low byte. */
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const FULL = 13;
const CONSTRAINT = 19;
const NOT_A_DATABASE = 26;
const OF_THE_FILE: readonly number[] = [3, 8, 10, 14, 23]; // PERM, READONLY, IOERR, CANTOPEN, AUTH
const OF_ONE_STATEMENT: readonly number[] = [1, CONSTRAINT, 18, 20, 21, 25]; // ERROR, TOOBIG, MISMATCH, MISUSE, RANGE

interface SqliteError extends Error {
  readonly errcode?: number;
  readonly sql?: string;
}

/** The file system's own errors come before SQLite is asked: CANTOPEN says the same. */
const reasonOf = (thrown: unknown) =>
  (thrown as NodeJS.ErrnoException).syscall ? 14 : ((thrown as SqliteError).errcode ?? 1) & 0xff;

/** Whether only the statement is at fault, so that the transaction around it goes on. */
export const isOfOneStatement = (thrown: unknown) => OF_ONE_STATEMENT.includes(reasonOf(thrown));

/** What SQLite threw, as one of our errors. */
export function recordsError(thrown: unknown, path: string): MillError {
  if (thrown instanceof MillError) return thrown;
  const { message, sql } = thrown as SqliteError;
  const reason = reasonOf(thrown);
  const detail = { at: path, got: message, cause: thrown };
  if (reason === BUSY || reason === LOCKED)
    return new MillError("records.locked", `Another program holds the database ${path}.`, {
      ...detail,
      fix: "End the other program (another Millwright, a SQLite shell), or choose another folder with --workspace DIR.",
    });
  if (reason === FULL)
    return new MillError("records.disk-full", `There is no room left for ${path}; the commit was undone whole.`, {
      ...detail,
      fix: "Free some space and repeat the command: nothing that was acknowledged is lost.",
    });
  if (reason === CORRUPT || reason === NOT_A_DATABASE)
    return new MillError("records.corrupt", `${path} is damaged, or is no database of Millwright.`, {
      ...detail,
      fix: "Restore it from a backup, or move it away to start with an empty one.",
    });
  if (OF_THE_FILE.includes(reason))
    return new MillError("records.not-openable", `The database ${path} cannot be opened, read or written.`, {
      ...detail,
      fix: "Check that the folder exists, belongs to the user who runs Millwright, and lies on a sound local disk.",
    });
  const at = sql === undefined ? undefined : shortSql(sql);
  if (reason === CONSTRAINT)
    return new MillError("records.constraint", `A row breaks a constraint, so the commit was undone: ${message}.`, {
      ...detail,
      at,
    });
  return new MillError("records.statement", `The records refused a statement: ${message}.`, {
    ...detail,
    at,
    fix: "This is a fault of Millwright; please report it with this message.",
  });
}
