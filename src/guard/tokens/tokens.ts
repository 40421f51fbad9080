/** Bearer tokens: the admin token of the workspace, and those of users. A token is told once; the records hold its SHA-256. */
import { MillError, newId } from "../../base/index.ts";
import { PERMISSIONS, type Permission } from "../../contract/index.ts";
import type { Records } from "../../ports/records/index.ts";
import { type Actor, limited, OWNER } from "../actors.ts";
import { createFresh } from "../fresh.ts";
import { type Accounts, createAccounts, inForce } from "../people/accounts.ts";
import { openAdminToken } from "./admin-token.ts";
import { expiredToken, revokedToken, wrongToken } from "./faults.ts";
import { isToken, newToken, sha256 } from "./text.ts";

export interface Tokens {
  /** The file that holds the admin token. */
  readonly path: string;
  /** The admin token in force, for the owner's own use (the address for clients, the command line). */
  current(): string;
  /** Replaces the admin token; the old one stops working at once. */
  renew(): Promise<string>;
  /**
   * Who bears this token, with what the token and the bearer's roles allow at this moment: nothing here is older than five seconds.
   * Errors: `guard.token-wrong`, `guard.token-expired`, `guard.token-revoked`, `guard.user-disabled`.
   */
  bearer(presented: string): Promise<Actor>;
  /** The token is told here and never again. Errors: `guard.user-unknown`, `guard.user-disabled`, `guard.token-beyond`. */
  create(token: NewToken): Promise<{ readonly id: string; readonly token: string }>;
  /** Oldest first, those that work no more too. */
  list(): Promise<readonly TokenInfo[]>;
  /** Ends a token: in this process at once, in others of the same records within five seconds. Whether it was in force. */
  revoke(id: string): Promise<boolean>;
}

export interface NewToken {
  readonly name: string;
  readonly user: string;
  /** null: all that the user's roles allow, also those that come later. */
  readonly may: readonly Permission[] | null;
  /** null: never. */
  readonly expiresAt: number | null;
}

export interface TokenInfo extends NewToken {
  readonly id: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
  /** To about ten minutes; null: never. */
  readonly usedAt: number | null;
}

export interface TokensOptions {
  readonly records: Records;
  readonly workspace: string;
  /** The admin token from the configuration: is in force instead of the file's, and is stored nowhere. */
  readonly configured?: string | null;
  readonly accounts?: Accounts;
  readonly now?: () => number;
}

const USED_EVERY_MS = 10 * 60_000;

export async function openTokens({
  records,
  workspace,
  configured = null,
  now = Date.now,
  accounts = createAccounts({ records, now }),
}: TokensOptions): Promise<Tokens> {
  const admin = await openAdminToken({ records, workspace, configured, now });
  const tokens = createFresh<Row>((digest) => look(records, digest, now()), now);

  const ofUser = async (digest: string): Promise<Actor> => {
    const row = await tokens.get(digest);
    if (row === null) throw wrongToken();
    if (row.revokedAt !== null) throw revokedToken(row.name, row.revokedAt);
    if (row.expiresAt !== null && now() >= row.expiresAt) throw expiredToken(row.name, row.expiresAt);
    return limited(inForce(await accounts.find(row.user), row.user).actor, row.name, row.may);
  };

  return {
    path: admin.path,
    current: admin.current,
    renew: admin.renew,

    async bearer(presented) {
      const digest = sha256(presented);
      if (admin.is(digest)) return OWNER;
      if (!isToken(presented)) throw wrongToken();
      return ofUser(digest.toString("hex"));
    },

    async create({ name, user, may, expiresAt }) {
      requireWithin(may, inForce(await accounts.find(user), user).actor);
      const [id, token] = [newId(now()), newToken()];
      await records.commit([
        {
          sql: "INSERT INTO tokens (digest, id, name, actor, may, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
          params: [sha256(token).toString("hex"), id, name, user, may && JSON.stringify(may), now(), expiresAt],
          rows: 1,
        },
      ]);
      return { id, token };
    },

    async list() {
      const rows = await records.query<Stored>(`${SELECT} WHERE id IS NOT NULL ORDER BY created_at, id`);
      return rows.map(readRow);
    },

    async revoke(id) {
      const { committed } = await records.commit([
        { sql: "UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", params: [now(), id], rows: 1 },
      ]);
      tokens.forget();
      return committed;
    },
  };
}

const SELECT = `SELECT id, name, actor AS "user", may, created_at AS "createdAt", expires_at AS "expiresAt", revoked_at AS "revokedAt",
  used_at AS "usedAt" FROM tokens`;

type Row = TokenInfo;
type Stored = Omit<Row, "may"> & { readonly may: string | null };

const readRow = ({ may, ...row }: Stored): Row => ({ ...row, may: may === null ? null : (JSON.parse(may) as Permission[]) });

/** Notes the use as well, now and then; that it could not be noted keeps nobody out. */
async function look(records: Records, digest: string, atMs: number): Promise<Row | null> {
  const [row] = await records.query<Stored>(`${SELECT} WHERE digest = ? AND id IS NOT NULL`, [digest]);
  if (row === undefined) return null;
  if (row.revokedAt === null && atMs - (row.usedAt ?? Number.NEGATIVE_INFINITY) >= USED_EVERY_MS)
    await records
      .commit([{ sql: "UPDATE tokens SET used_at = ? WHERE digest = ?", params: [atMs, digest] }])
      .catch(() => undefined);
  return readRow(row);
}

function requireWithin(may: readonly Permission[] | null, actor: Actor): void {
  const beyond = may?.filter((permission) => !actor.may.has(permission)) ?? [];
  if (beyond.length === 0) return;
  throw new MillError(
    "guard.token-beyond",
    `A token allows no more than its user's roles do: ${actor.id} may not ${beyond.join(", ")}.`,
    {
      at: "may",
      expected: PERMISSIONS.filter((permission) => actor.may.has(permission)).join(", ") || "nothing: the user has no role",
      got: may!.join(", "),
      fix: `Leave it out, or give the user a role first: mill role grant ${actor.id} ROLE`,
    },
  );
}
