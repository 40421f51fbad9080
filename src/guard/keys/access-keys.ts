/** Keys of S3 clients. Their signatures need the secret itself, so it is kept: sealed under the workspace's keyring, bound to its row. */
import { randomBytes } from "node:crypto";
import { createQueues, keyIdOf, openBytes, rewrap, sealBytes } from "../../base/index.ts";
import type { Permission } from "../../contract/index.ts";
import type { Records } from "../../ports/records/index.ts";
import { type Actor, limited } from "../actors.ts";
import { createFresh, followed } from "../fresh.ts";
import { type Accounts, createAccounts } from "../people/accounts.ts";
import type { WorkspaceKeyring } from "./keyring.ts";

/** Stays the same object as long as the key does, so that what is derived from it may be kept by it. */
export interface AccessKey {
  readonly id: string;
  readonly secret: string;
  readonly actor: Actor;
}

export interface AccessKeyInfo {
  readonly id: string;
  readonly actor: string;
  readonly may: readonly Permission[];
  readonly about: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

export interface AccessKeys {
  /** The secret is told here and never again. The key allows of `may` what its actor's roles do: "read" to look, "edit" to write. */
  create(key: {
    readonly actor: string;
    readonly may: readonly Permission[];
    readonly about: string;
  }): Promise<{ readonly id: string; readonly secret: string }>;
  /** Oldest first, revoked ones too. */
  list(): Promise<readonly AccessKeyInfo[]>;
  /** Ends a key: in this process at once, in others of the same records within five seconds. Whether it was in force. */
  revoke(id: string): Promise<boolean>;
  /** null: there is no such key, or it was revoked, or its actor may do nothing. At once for a key asked for in the last five seconds. */
  find(id: string): AccessKey | null | Promise<AccessKey | null>;
  /** Seals every secret under the keyring's current key; gives how many were under another. After it the other keys may be dropped. */
  rewrapAll(): Promise<number>;
}

export interface AccessKeysOptions {
  readonly records: Records;
  readonly keyring: Pick<WorkspaceKeyring, "current" | "key">;
  readonly accounts?: Pick<Accounts, "find">;
  readonly now?: () => number;
}

interface Known {
  readonly id: string;
  readonly user: string;
  readonly may: readonly Permission[];
  readonly secret: string;
}

export function createAccessKeys({
  records,
  keyring,
  now = Date.now,
  accounts = createAccounts({ records, now }),
}: AccessKeysOptions): AccessKeys {
  const known = createFresh<Known>(async (id, before) => {
    const [row] = await records.query<{ actor: string; may: string; secret: string }>(
      "SELECT actor, may, secret FROM access_keys WHERE id = ? AND revoked_at IS NULL",
      [id],
    );
    if (row === undefined) return null;
    const secret = Buffer.from(openBytes(Buffer.from(row.secret, "base64"), keyring, id)).toString("latin1");
    return before?.secret === secret ? before : { id, user: row.actor, may: JSON.parse(row.may) as Permission[], secret };
  }, now);
  /** What is sealed while keys rotate lies under the new one, or is in its row before the rows are sealed anew. */
  const inLine = createQueues();
  const made = new WeakMap<Known, { readonly of: Actor; readonly key: AccessKey }>();

  const keyOf = (found: Known, actor: Actor): AccessKey => {
    const before = made.get(found);
    if (before?.of === actor) return before.key;
    const key = { id: found.id, secret: found.secret, actor: limited(actor, found.id, found.may) };
    made.set(found, { of: actor, key });
    return key;
  };

  return {
    create: ({ actor, may, about }) =>
      inLine("seal", async () => {
        const id = `MILL${base32(randomBytes(10))}`;
        const secret = randomBytes(30).toString("base64url");
        const sealed = Buffer.from(sealBytes(Buffer.from(secret), keyring, id)).toString("base64");
        await records.commit([
          {
            sql: "INSERT INTO access_keys (id, actor, may, secret, about, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            params: [id, actor, JSON.stringify(may), sealed, about, now()],
            rows: 1,
          },
        ]);
        return { id, secret };
      }),

    async list() {
      const rows = await records.query<Omit<AccessKeyInfo, "may"> & { readonly may: string }>(
        `SELECT id, actor, may, about, created_at AS "createdAt", revoked_at AS "revokedAt" FROM access_keys ORDER BY created_at, id`,
      );
      return rows.map(({ may, ...row }) => ({ ...row, may: JSON.parse(may) as Permission[] }));
    },

    async revoke(id) {
      const { committed } = await records.commit([
        {
          sql: "UPDATE access_keys SET revoked_at = ?, secret = '' WHERE id = ? AND revoked_at IS NULL",
          params: [now(), id],
          rows: 1,
        },
      ]);
      known.forget(id);
      return committed;
    },

    find: (id) =>
      followed(
        known.get(id),
        (found) =>
          found &&
          followed(accounts.find(found.user), (account) =>
            account === null || account.disabled ? null : keyOf(found, account.actor),
          ),
      ),

    rewrapAll: () =>
      inLine("seal", async () => {
        const rows = await records.query<{ id: string; secret: string }>(
          "SELECT id, secret FROM access_keys WHERE revoked_at IS NULL",
        );
        const statements = rows
          .filter(({ secret }) => keyring.key(keyIdOf(Buffer.from(secret, "base64"))) !== null) // nothing is left to open the others
          .map(({ id, secret }) => ({ id, secret, sealed: resealed(secret, keyring) }))
          .filter(({ secret, sealed }) => sealed !== secret)
          .map(({ id, secret, sealed }) => ({
            sql: "UPDATE access_keys SET secret = ? WHERE id = ? AND secret = ?",
            params: [sealed, id, secret],
          }));
        if (statements.length > 0) await records.commit(statements);
        return statements.length;
      }),
  };
}

const resealed = (secret: string, keyring: Pick<WorkspaceKeyring, "current" | "key">): string =>
  Buffer.from(rewrap(Buffer.from(secret, "base64"), keyring)).toString("base64");

/** RFC 4648: A to Z and 2 to 7, 5 bits each. */
function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(held >>> (bits - 5)) & 31];
    held &= 0xff;
  }
  return text;
}
