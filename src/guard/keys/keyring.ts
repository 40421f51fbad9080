/**
 * The workspace's key-encryption keys. They lie in `keys.json` (0600), or come with the configuration and are stored nowhere. Whoever has them can
 * read what is encrypted; whoever loses them has lost it.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { type Keyring, MillError } from "../../base/index.ts";
import { placeSecret, writeSecret } from "../secret-file.ts";

export interface WorkspaceKeyring extends Keyring {
  /** Ids of all keys, the current one first. */
  ids(): readonly string[];
  /** Makes a new key the current one and gives its id; the others stay. Errors: `guard.keyring-configured`. */
  rotate(): Promise<string>;
  /**
   * Forgets a key for good: what is still encrypted under it cannot be read any more. Whether it was there.
   * Errors: `guard.key-current`, `guard.keyring-configured` (a key that comes with the configuration).
   */
  drop(id: string): Promise<boolean>;
}

export interface KeyringOptions {
  /** Keys from the configuration, each 32 bytes in base64, separated by commas; the first is the current one. */
  readonly configured?: string | null;
}

/**
 * Reads the keyring, or makes one with one key where there is none. With configured keys no file is made; one that is there still opens what is old.
 * Errors: `guard.keyring-broken`; a broken file is never replaced.
 */
export async function openKeyring(workspace: string, { configured = null }: KeyringOptions = {}): Promise<WorkspaceKeyring> {
  const path = join(workspace, "keys.json");
  const given = configured === null ? [] : readConfigured(configured);
  if (given.length === 0 && readFile(path) === null) {
    const id = newKeyId();
    await placeSecret(path, write({ current: id, keys: { [id]: randomBytes(KEY_BYTES) } }));
  }
  let kept = readFile(path);
  if (kept !== null) await chmod(path, 0o600);
  const save = async (after: Kept) => {
    await writeSecret(path, write(after));
    kept = after;
  };
  const add = async () => {
    const id = newKeyId();
    await save({ current: id, keys: { ...readFile(path)!.keys, [id]: randomBytes(KEY_BYTES) } });
    return id;
  };
  if (given.length === 0 && kept?.current === "") await add();

  const current = () => given[0]?.id ?? kept!.current;
  const lookup = (id: string) => given.find((key) => key.id === id)?.key ?? kept?.keys[id] ?? null;

  return {
    get current() {
      return current();
    },
    key(id) {
      const known = lookup(id);
      if (known !== null) return known;
      kept = readFile(path); // another process may have rotated
      return lookup(id);
    },
    ids: () => [current(), ...[...given.map(({ id }) => id), ...Object.keys(kept?.keys ?? {})].filter((id) => id !== current())],
    async rotate() {
      if (given.length > 0) throw isConfigured();
      return add();
    },
    async drop(id) {
      if (id === current())
        throw new MillError("guard.key-current", `The key ${id} is the current one: new secrets are encrypted under it.`, {
          got: id,
          fix: "Rotate first, then drop it.",
        });
      if (given.some((key) => key.id === id)) throw isConfigured();
      const before = readFile(path);
      if (before?.keys[id] === undefined) return false;
      const keys = { ...before.keys };
      delete keys[id];
      await save({ current: before.current === id ? (Object.keys(keys)[0] ?? "") : before.current, keys });
      return true;
    },
  };
}

const KEY_BYTES = 32;

interface Kept {
  readonly current: string;
  readonly keys: Readonly<Record<string, Uint8Array>>;
}

const newKeyId = () => `key-${new Date().toISOString().slice(0, 10)}-${randomBytes(4).toString("hex")}`;

const write = ({ current, keys }: Kept): string =>
  `${JSON.stringify(
    {
      current,
      keys: Object.fromEntries(Object.entries(keys).map(([id, key]) => [id, Buffer.from(key).toString("base64")])),
    },
    null,
    2,
  )}\n`;

/** null: there is no file. */
function readFile(path: string): Kept | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw broken(path, "a file that this account may read", (error as Error).message, error);
  }
  let parsed: { current: string; keys: Record<string, string> };
  try {
    parsed = JSON.parse(text);
  } catch {
    throw broken(path, "JSON", `${text.length} characters that are not`);
  }
  if (typeof parsed?.current !== "string" || parsed.keys === null || typeof parsed.keys !== "object")
    throw broken(path, "`current` and `keys`", `fields ${Object.keys(parsed ?? {}).join(", ") || "none"}`);
  const keys = new Map<string, Uint8Array>();
  for (const [id, encoded] of Object.entries(parsed.keys)) keys.set(id, readKey(encoded, `${path}, ${id}`));
  if (parsed.current !== "" && !keys.has(parsed.current)) throw broken(path, "the current key among `keys`", parsed.current);
  return { current: parsed.current, keys: Object.assign(Object.create(null), Object.fromEntries(keys)) };
}

function readConfigured(configured: string): { id: string; key: Uint8Array }[] {
  return configured.split(",").map((encoded, index) => {
    const key = readKey(encoded.trim(), `the configured keys, number ${index + 1}`);
    return { id: `given-${createHash("sha256").update("millwright key id").update(key).digest("hex").slice(0, 16)}`, key };
  });
}

function readKey(encoded: unknown, at: string): Uint8Array {
  const key = typeof encoded === "string" && /^[A-Za-z0-9+/_-]+=*$/.test(encoded) ? Buffer.from(encoded, "base64") : null;
  if (key?.byteLength !== KEY_BYTES)
    throw broken(at, `${KEY_BYTES} bytes in base64`, key === null ? "other text" : `${key.byteLength} bytes`);
  return key;
}

const broken = (at: string, expected: string, got: string, cause?: unknown) =>
  new MillError("guard.keyring-broken", "The keyring cannot be read.", {
    at,
    expected,
    got,
    fix: "Restore the keys from a backup: without them what is encrypted cannot be read. `openssl rand -base64 32` makes a key for a new workspace.",
    cause,
  });

const isConfigured = () =>
  new MillError("guard.keyring-configured", "The keys come with the configuration: it alone can change them.", {
    fix: "Put a new key in front, separated by a comma, start again, and rotate what is encrypted; then leave the old one out.",
  });
