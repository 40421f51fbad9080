/** The admin token: written once to `token` in the workspace (0600); the records hold its SHA-256 only. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Records, Statement } from "../ports/records/index.ts";
import { type Actor, OWNER } from "./actors.ts";
import { writeSecret } from "./secret-file.ts";

export interface Tokens {
  /** The file that holds the token. */
  readonly path: string;
  /** The token in force, for the owner's own use (the address for clients, the command line). */
  current(): string;
  /** Replaces the token; the old one stops working at once. */
  renew(): Promise<string>;
  /** Who bears this token, or null. Constant time. */
  bearer(presented: string): Actor | null;
}

export interface TokensOptions {
  readonly records: Records;
  readonly workspace: string;
  /** From the configuration: is in force instead of the file's, and is stored nowhere. */
  readonly configured?: string | null;
  readonly now?: () => number;
}

/** Reads the workspace's token, or writes one when there is none that the records know. */
export async function openTokens({ records, workspace, configured = null, now = Date.now }: TokensOptions): Promise<Tokens> {
  const path = join(workspace, "token");

  const renew = async (): Promise<string> => {
    const token = `mill_${randomBytes(32).toString("base64url")}`;
    await records.commit([revokeOthers(token, now()), remember(token, now())]);
    await writeSecret(path, `${token}\n`);
    return token;
  };

  let token = configured ?? (await readKnown(path, records, now)) ?? (await renew());
  let digest = sha256(token);

  return {
    path,
    current: () => token,
    async renew() {
      token = await renew();
      digest = sha256(token);
      return token;
    },
    bearer: (presented) => (timingSafeEqual(sha256(presented), digest) ? OWNER : null),
  };
}

/** The file's token, if the records know it, or know none at all (new records beside an old file). */
async function readKnown(path: string, records: Records, now: () => number): Promise<string | null> {
  const token = await readFile(path, "utf8").then(
    (text) => text.trim(),
    () => "",
  );
  if (token === "") return null;
  await chmod(path, 0o600);
  const rows = await records.query<{ digest: string; revoked_at: number | null }>("SELECT digest, revoked_at FROM tokens");
  if (rows.length === 0) await records.commit([remember(token, now())]);
  return rows.length === 0 || rows.some((row) => row.digest === hex(token) && row.revoked_at === null) ? token : null;
}

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();
const hex = (text: string): string => sha256(text).toString("hex");

const remember = (token: string, at: number): Statement => ({
  sql: "INSERT INTO tokens (digest, actor, created_at) VALUES (?, ?, ?)",
  params: [hex(token), OWNER.id, at],
  rows: 1,
});

const revokeOthers = (token: string, at: number): Statement => ({
  sql: "UPDATE tokens SET revoked_at = ? WHERE revoked_at IS NULL AND digest <> ?",
  params: [at, hex(token)],
});
