/** Keys of S3 clients. Their signatures need the secret itself, so it is kept: sealed under the workspace's keyring, bound to its row. */
import { randomBytes } from "node:crypto";
import { openBytes, rewrap, sealBytes } from "../base/index.ts";
import type { Permission } from "../contract/index.ts";
import type { Records } from "../ports/records/index.ts";
import type { Actor } from "./actors.ts";
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
  readonly may: Permission;
  readonly about: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

export interface AccessKeys {
  /** The secret is told here and never again. With `may` "read" a client can look, from "operate" on it can write. */
  create(key: {
    readonly actor: string;
    readonly may: Permission;
    readonly about: string;
  }): Promise<{ readonly id: string; readonly secret: string }>;
  /** Oldest first, revoked ones too. */
  list(): Promise<readonly AccessKeyInfo[]>;
  /** Ends a key: in this process at once, in others of the same records within five seconds. Whether it was in force. */
  revoke(id: string): Promise<boolean>;
  /** null: there is no such key, or it was revoked. At once for a key asked for in the last five seconds. */
  find(id: string): AccessKey | null | Promise<AccessKey | null>;
  /** Seals every secret under the keyring's current key; gives how many were under another. After it the other keys may be dropped. */
  rewrapAll(): Promise<number>;
}

export interface AccessKeysOptions {
  readonly records: Records;
  readonly keyring: Pick<WorkspaceKeyring, "current" | "key">;
  readonly now?: () => number;
}

const FRESH_MS = 5_000;

export function createAccessKeys({ records, keyring, now = Date.now }: AccessKeysOptions): AccessKeys {
  const known = new Map<string, { readonly key: AccessKey; readonly freshUntil: number }>();
  const asked = new Map<string, Promise<AccessKey | null>>();
  const revoked = new Set<string>(); // a key never comes back; this outruns a query that is under way

  const look = async (id: string): Promise<AccessKey | null> => {
    const freshUntil = now() + FRESH_MS;
    const [row] = await records.query<{ actor: string; may: Permission; secret: string }>(
      "SELECT actor, may, secret FROM access_keys WHERE id = ? AND revoked_at IS NULL",
      [id],
    );
    if (row === undefined || revoked.has(id)) {
      known.delete(id);
      return null;
    }
    const secret = Buffer.from(openBytes(Buffer.from(row.secret, "base64"), keyring, id)).toString("latin1");
    const before = known.get(id)?.key;
    const same = before?.secret === secret && before.actor.id === row.actor && before.actor.may === row.may;
    const key = same ? before : { id, secret, actor: { id: row.actor, may: row.may } };
    known.set(id, { key, freshUntil });
    return key;
  };

  return {
    async create({ actor, may, about }) {
      const id = `MILL${base32(randomBytes(10))}`;
      const secret = randomBytes(30).toString("base64url");
      const sealed = Buffer.from(sealBytes(Buffer.from(secret), keyring, id)).toString("base64");
      await records.commit([
        {
          sql: "INSERT INTO access_keys (id, actor, may, secret, about, created_at) VALUES (?, ?, ?, ?, ?, ?)",
          params: [id, actor, may, sealed, about, now()],
          rows: 1,
        },
      ]);
      return { id, secret };
    },

    list: () =>
      records.query<AccessKeyInfo>(
        `SELECT id, actor, may, about, created_at AS "createdAt", revoked_at AS "revokedAt" FROM access_keys ORDER BY created_at, id`,
      ),

    async revoke(id) {
      const { committed } = await records.commit([
        {
          sql: "UPDATE access_keys SET revoked_at = ?, secret = '' WHERE id = ? AND revoked_at IS NULL",
          params: [now(), id],
          rows: 1,
        },
      ]);
      if (committed) revoked.add(id);
      known.delete(id);
      return committed;
    },

    find(id) {
      const cached = known.get(id);
      if (cached !== undefined && now() < cached.freshUntil) return cached.key;
      let answer = asked.get(id);
      if (answer === undefined) {
        answer = look(id).finally(() => asked.delete(id));
        asked.set(id, answer);
      }
      return answer;
    },

    async rewrapAll() {
      const rows = await records.query<{ id: string; secret: string }>(
        "SELECT id, secret FROM access_keys WHERE revoked_at IS NULL",
      );
      const statements = rows
        .map(({ id, secret }) => ({ id, secret, sealed: resealed(secret, keyring) }))
        .filter(({ secret, sealed }) => sealed !== secret)
        .map(({ id, secret, sealed }) => ({
          sql: "UPDATE access_keys SET secret = ? WHERE id = ? AND secret = ?",
          params: [sealed, id, secret],
        }));
      if (statements.length > 0) await records.commit(statements);
      return statements.length;
    },
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
