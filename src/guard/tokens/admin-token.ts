/** The admin token: written once to `token` in the workspace (0600); the records hold its SHA-256 only, in a row without an id. */
import { timingSafeEqual } from "node:crypto";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Records, Statement } from "../../ports/records/index.ts";
import { OWNER } from "../actors.ts";
import { writeSecret } from "../secret-file.ts";
import { newToken, sha256 } from "./text.ts";

export interface AdminToken {
  readonly path: string;
  current(): string;
  renew(): Promise<string>;
  /** Constant time. */
  is(digest: Uint8Array): boolean;
}

export interface AdminTokenOptions {
  readonly records: Records;
  readonly workspace: string;
  readonly configured: string | null;
  readonly now: () => number;
}

/** Reads the workspace's token, or writes one when there is none that the records know. */
export async function openAdminToken({ records, workspace, configured, now }: AdminTokenOptions): Promise<AdminToken> {
  const path = join(workspace, "token");

  const renew = async (): Promise<string> => {
    const token = newToken();
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
    is: (presented) => timingSafeEqual(presented, digest),
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
  const rows = await records.query<{ digest: string; revoked_at: number | null }>(
    "SELECT digest, revoked_at FROM tokens WHERE id IS NULL",
  );
  if (rows.length === 0) await records.commit([remember(token, now())]);
  return rows.length === 0 || rows.some((row) => row.digest === hex(token) && row.revoked_at === null) ? token : null;
}

const hex = (text: string): string => sha256(text).toString("hex");

const remember = (token: string, at: number): Statement => ({
  sql: "INSERT INTO tokens (digest, actor, created_at) VALUES (?, ?, ?)",
  params: [hex(token), OWNER.id, at],
  rows: 1,
});

const revokeOthers = (token: string, at: number): Statement => ({
  sql: "UPDATE tokens SET revoked_at = ? WHERE id IS NULL AND revoked_at IS NULL AND digest <> ?",
  params: [at, hex(token)],
});
