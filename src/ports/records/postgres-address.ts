import { MillError } from "../../base/index.ts";

/** Where a workspace's records are: a server, a database, and one schema in it that belongs to this workspace alone. */
export interface PostgresAddress {
  /** The address as pg takes it, with the password. */
  readonly url: string;
  readonly schema: string;
  /** The address without its password, for messages. */
  readonly shown: string;
}

const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/;

export const isPostgresAddress = (address: string): boolean => /^postgres(ql)?:/i.test(address);

/**
 * `postgres://USER:PASSWORD@HOST:PORT/DATABASE?schema=NAME`; the schema is `millwright` where none is named. Other parameters (`sslmode`,
 * `host` for a socket) are pg's. Errors: `records.address`, never with the password in it.
 */
export function parsePostgresAddress(address: string): PostgresAddress {
  const url = URL.canParse(address) ? new URL(address) : null;
  const schema = url?.searchParams.get("schema") ?? "millwright";
  if (!url || !isPostgresAddress(address)) throw unreadable("it cannot be read as an address");
  if (!SCHEMA.test(schema)) throw unreadable("its schema is no plain lower-case name", schema);
  const shown = new URL(url);
  shown.password = "";
  for (const name of ["password", "sslpassword"]) shown.searchParams.delete(name);
  url.searchParams.delete("schema");
  return { url: url.href, schema, shown: shown.href };
}

const unreadable = (why: string, got?: string) =>
  new MillError("records.address", `The address of the records cannot be used: ${why}.`, {
    expected: "postgres://USER:PASSWORD@HOST:PORT/DATABASE?schema=NAME",
    ...(got !== undefined && { got }),
    fix: "Write characters like @ : / in the password as %40 %3A %2F; a schema consists of a-z, 0-9 and _.",
  });
