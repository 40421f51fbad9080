import { MillError } from "../../base/index.ts";
import { shortSql } from "./values.ts";

/** What pg and the server throw: a SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html) or an error of the socket. */
export interface PostgresError extends Error {
  readonly code?: string;
  readonly detail?: string;
}

const DISK_FULL: readonly string[] = ["53100"];
const HELD: readonly string[] = ["55P03", "40P01", "40001"]; // lock_not_available, deadlock_detected, serialization_failure
const STOPPING_OR_FULL: readonly string[] = ["57P01", "57P02", "57P03", "57P05", "53300", "25P03"];
const NOT_LET_IN: readonly string[] = ["28000", "28P01", "3D000", "42501", "3F000", "0LP01"];
const DAMAGED: readonly string[] = ["XX001", "XX002", "58030"];

const isSqlState = (code: string | undefined) => code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code);

/** Whether the connection is gone or was never there: asked again later, the same may work. */
export function isAway(thrown: unknown): boolean {
  if (thrown instanceof MillError) return thrown.code === "records.away";
  const { code } = thrown as PostgresError;
  return !isSqlState(code) || code!.startsWith("08") || STOPPING_OR_FULL.includes(code!);
}

/** `at` is the address without its password. */
export function postgresError(thrown: unknown, at: string, sql?: string): MillError {
  if (thrown instanceof MillError) return thrown;
  const { message, code = "" } = thrown as PostgresError;
  const detail = { at, got: message, cause: thrown };
  if (isAway(thrown))
    return new MillError("records.away", `The database server does not answer: ${message || code}.`, {
      ...detail,
      fix: "Start PostgreSQL, or see whether the address is right and lets more connections in; then repeat the command. Nothing needs to be restarted here.",
    });
  if (DISK_FULL.includes(code))
    return new MillError("records.disk-full", "The database server has no room left; the commit was undone whole.", {
      ...detail,
      fix: "Free some space there and repeat the command: nothing that was acknowledged is lost.",
    });
  if (HELD.includes(code))
    return new MillError("records.locked", "Another program holds what this commit needs, and did not let go of it in time.", {
      ...detail,
      fix: "End the other program (another Millwright, a session with an open transaction), then repeat the command.",
    });
  if (NOT_LET_IN.includes(code))
    return new MillError("records.not-openable", `The database cannot be used as it is: ${message}.`, {
      ...detail,
      fix: "Check the user, the password and the database in the address, and that the user may create tables in its schema.",
    });
  if (DAMAGED.includes(code))
    return new MillError("records.corrupt", `The database server says that its files are damaged: ${message}.`, {
      ...detail,
      fix: "Restore the database from a backup.",
    });
  const statement = { ...detail, at: sql === undefined ? at : shortSql(sql) };
  if (code.startsWith("23"))
    return new MillError("records.constraint", `A row breaks a constraint, so the commit was undone: ${message}.`, statement);
  return new MillError("records.statement", `The records refused a statement: ${message}.`, {
    ...statement,
    fix: "This is a fault of Millwright; please report it with this message.",
  });
}
