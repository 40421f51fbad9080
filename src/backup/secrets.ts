/**
 * The keys and the token of a workspace under a passphrase: AES-256-GCM with a key from scrypt (RFC 7914; N = 2^17, r = 8, p = 1, a salt of 16 bytes:
 * half a second and 128 MB for each guess).
 */
import { randomBytes, scrypt } from "node:crypto";
import { decrypt, encrypt, MillError } from "../base/index.ts";

export interface Secrets {
  /** Content of `keys.json` and `token`; null: the workspace had no such file. */
  readonly keys: string | null;
  readonly token: string | null;
}

const COST = 2 ** 17;
const NONCE_BYTES = 12;
const ABOUT = "millwright backup secrets";

export async function sealSecrets(secrets: Secrets, passphrase: string): Promise<string> {
  const [salt, nonce] = [randomBytes(16), randomBytes(NONCE_BYTES)];
  const sealed = encrypt(Buffer.from(JSON.stringify(secrets)), await keyOf(passphrase, salt), nonce, ABOUT);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  return `${JSON.stringify({ kdf: "scrypt-131072-8-1", salt: text(salt), nonce: text(nonce), sealed: text(sealed) })}\n`;
}

/** Errors: `backup.passphrase`. */
export async function openSecrets(text: string, passphrase: string | null): Promise<Secrets> {
  if (passphrase === null) throw wrong("The backup holds keys, and no passphrase was given.", "nothing", OPENS);
  const { salt, nonce, sealed } = JSON.parse(text) as Record<"salt" | "nonce" | "sealed", string>;
  const bytes = (field: string) => Buffer.from(field, "base64");
  const key = await keyOf(passphrase, bytes(salt));
  try {
    return JSON.parse(decrypt(bytes(sealed), key, bytes(nonce), ABOUT).toString());
  } catch (cause) {
    throw wrong("The passphrase does not open the keys of the backup.", "another passphrase", OPENS, cause);
  }
}

/** Errors: `backup.passphrase`. */
export function requirePassphrase(passphrase: string | null): string {
  if (passphrase !== null && passphrase.length >= 8) return passphrase;
  const got = passphrase === null ? "none" : `${passphrase.length} characters`;
  throw wrong("Keys go into a backup only under a passphrase.", got, SEALS);
}

const keyOf = (passphrase: string, salt: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    scrypt(passphrase.normalize("NFC"), salt, 32, { N: COST, r: 8, p: 1, maxmem: 256 << 20 }, (error, key) =>
      error ? reject(error) : resolve(key),
    ),
  );

const SEALS =
  "Set MILL_BACKUP_PASSPHRASE and keep it apart from the backup: nothing else opens the keys in it; without --keys none is needed.";
const OPENS =
  "Set MILL_BACKUP_PASSPHRASE to the one that the backup was made with; `mill restore --no-keys` goes without the keys and the token.";

const wrong = (message: string, got: string, fix: string, cause?: unknown) =>
  new MillError("backup.passphrase", message, { expected: "MILL_BACKUP_PASSPHRASE, 8 characters or more", got, fix, cause });
