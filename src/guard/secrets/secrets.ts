/**
 * Secrets that settings and hooks name and never hold: sealed under the workspace's keyring, each bound to its name. Nothing but what uses one reads
 * it, here in the server, at the moment of use: there is no verb for it.
 */
import { createQueues, didYouMean, keyIdOf, MillError, openBytes, rewrap, sealBytes } from "../../base/index.ts";
import { secretNamed } from "../../contract/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { WorkspaceKeyring } from "../keys/keyring.ts";

export interface SecretInfo {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly setAt: number;
  readonly setBy: string;
}

/** What uses secrets may ask. */
export interface NamedSecrets {
  /** The value that `secret:NAME` stands for; another text stands for itself. `at` names the setting. Errors: `guard.secret-missing`, `envelope.*`. */
  resolve(text: string, at: string): Promise<string>;
  /** Whether all that are named are there. Errors: as `resolve`. */
  require(texts: readonly (readonly [at: string, text: string])[]): Promise<void>;
}

/** What belongs to something else, as the secret of a webhook does: its name has a "/", no setting can name it, and no list shows it. */
export interface HeldSecrets {
  hold(secret: { readonly name: `${string}/${string}`; readonly value: string; readonly by: string }): Promise<void>;
  /** null: there is none. Errors: `guard.secret-missing` where its key is gone, `envelope.*`. */
  held(name: `${string}/${string}`): Promise<string | null>;
  drop(name: `${string}/${string}`): Promise<void>;
}

export interface Secrets extends NamedSecrets, HeldSecrets {
  /** Replaces the value that was. */
  set(secret: { readonly name: string; readonly value: string; readonly by: string }): Promise<void>;
  /** By name, without values. */
  list(): Promise<readonly SecretInfo[]>;
  /** Errors: `guard.secret-unknown`. */
  remove(name: string): Promise<void>;
  /** Seals every value under the keyring's current key; gives how many were under another. After it the other keys may be dropped. */
  rewrapAll(): Promise<number>;
}

export interface SecretsOptions {
  readonly records: Records;
  readonly keyring: Pick<WorkspaceKeyring, "current" | "key">;
  readonly now?: () => number;
}

export function createSecrets({ records, keyring, now = Date.now }: SecretsOptions): Secrets {
  /** What is sealed while keys rotate lies under the new one, or is in its row before the rows are sealed anew. */
  const inLine = createQueues();

  const set: Secrets["set"] = ({ name, value, by }) =>
    inLine("seal", async () => {
      const sealed = Buffer.from(sealBytes(Buffer.from(value), keyring, placeOf(name))).toString("base64");
      await records.commit([
        {
          sql: `INSERT INTO secrets (name, sealed, set_at, set_by) VALUES (?, ?, ?, ?)
              ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, set_at = excluded.set_at, set_by = excluded.set_by`,
          params: [name, sealed, now(), by],
        },
      ]);
    });

  return {
    ...createNamedSecrets({ records, keyring }),
    set,
    hold: set,
    held: (name) => opened({ records, keyring }, name, name),
    drop: async (name) => void (await records.commit([{ sql: "DELETE FROM secrets WHERE name = ?", params: [name] }])),

    list: () =>
      records.query<SecretInfo>(`SELECT name, set_at AS "setAt", set_by AS "setBy" FROM secrets WHERE ${NAMED} ORDER BY name`),

    async remove(name) {
      const { committed } = await records.commit([{ sql: "DELETE FROM secrets WHERE name = ?", params: [name], rows: 1 }]);
      if (!committed) throw unknown(name, await namesIn(records));
    },

    rewrapAll: () =>
      inLine("seal", async () => {
        const rows = await records.query<{ name: string; sealed: string }>("SELECT name, sealed FROM secrets");
        const statements = rows
          .map((row) => ({ ...row, bytes: Buffer.from(row.sealed, "base64") }))
          .filter(({ bytes }) => keyring.key(keyIdOf(bytes)) !== null) // nothing is left to open the others
          .map(({ bytes, ...row }) => ({ ...row, anew: Buffer.from(rewrap(bytes, keyring)).toString("base64") }))
          .filter(({ sealed, anew }) => anew !== sealed)
          .map(({ name, sealed, anew }) => ({
            sql: "UPDATE secrets SET sealed = ? WHERE name = ? AND sealed = ?",
            params: [anew, name, sealed],
          }));
        if (statements.length > 0) await records.commit(statements);
        return statements.length;
      }),
  };
}

interface SealedRecords {
  readonly records: Pick<Records, "query">;
  readonly keyring: Pick<WorkspaceKeyring, "current" | "key">;
}

export function createNamedSecrets(sealed: SealedRecords): NamedSecrets {
  const resolve: NamedSecrets["resolve"] = async (text, at) => {
    const name = secretNamed(text);
    if (name === null) return text;
    const value = await opened(sealed, name, at);
    if (value !== null) return value;
    throw missing(name, at, await namesIn(sealed.records));
  };
  return {
    resolve,
    async require(texts) {
      for (const [at, text] of texts) await resolve(text, at);
    },
  };
}

/** null: there is none. */
async function opened({ records, keyring }: SealedRecords, name: string, at: string): Promise<string | null> {
  const [row] = await records.query<{ sealed: string }>("SELECT sealed FROM secrets WHERE name = ?", [name]);
  if (row === undefined) return null;
  const sealed = Buffer.from(row.sealed, "base64");
  if (keyring.key(keyIdOf(sealed)) === null) throw unopened(name, at, keyIdOf(sealed));
  return Buffer.from(openBytes(sealed, keyring, placeOf(name))).toString();
}

/** Not what belongs to something else. */
const NAMED = "name NOT LIKE '%/%'";

const namesIn = async ({ query }: Pick<Records, "query">): Promise<readonly string[]> =>
  (await query<{ name: string }>(`SELECT name FROM secrets WHERE ${NAMED} ORDER BY name`)).map(({ name }) => name);

/** A value that was moved to another row does not open. */
const placeOf = (name: string) => `secret:${name}`;

const unknown = (name: string, known: readonly string[]) =>
  new MillError("guard.secret-unknown", `There is no secret "${name}".${didYouMean(name, known)}`, {
    expected: known.join(", ") || "none: no secret was set yet",
    got: name,
    fix: "mill secret list shows the secrets.",
  });

const missing = (name: string, at: string, known: readonly string[]) =>
  new MillError("guard.secret-missing", `${at} names the secret "${name}", which was not set.${didYouMean(name, known)}`, {
    at,
    expected: known.join(", ") || "none: no secret was set yet",
    got: name,
    fix: `mill secret set ${name}, which asks for the value; or correct the name.`,
  });

const unopened = (name: string, at: string, key: string) =>
  new MillError(
    "guard.secret-missing",
    `${at} names the secret "${name}", which lies under a key that this workspace does not have.`,
    {
      at,
      expected: `the key ${key} in the keyring`,
      got: name,
      fix: `Put the keys back that it was set under, or set it anew: mill secret set ${name}`,
    },
  );
