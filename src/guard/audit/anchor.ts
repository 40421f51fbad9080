/**
 * Keeps the audit from being cut short unseen: the newest row's number and digest, sealed under the workspace's keyring in the file `audit.head`.
 *
 *     records: row 1 <- row 2 <- ... <- row 96 <- row 97        audit.head: 96, digest 96, HMAC(key of the ring, both)
 *
 * Proves that rows up to the one it names are those that were written, to whoever trusts the keys: the records alone cannot forge it. It does not show
 * that rows behind it are missing (it is renewed within a second, and at the end of a process), nor does it stand against somebody who may write
 * records, workspace and keys alike, or who puts an older copy of this file back together with the records of that time: keep copies elsewhere.
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Keyring } from "../../base/index.ts";
import { writeSecret } from "../secret-file.ts";
import type { Link } from "./chain.ts";

export interface AuditAnchor {
  /** What it vouches for; null where there is none that can be believed, and `why` says so. */
  readonly link: Link | null;
  readonly why: string | null;
  /** Vouches for a later row from now on; on disk within a second, together with what else comes. */
  renew(link: Link): void;
  /** Writes what is not on disk yet. */
  close(): Promise<void>;
}

const RENEW_MS = 1000;
export const ANCHOR_FILE = "audit.head";

export async function openAuditAnchor(workspace: string, keyring: Keyring): Promise<AuditAnchor> {
  const path = join(workspace, ANCHOR_FILE);
  let { link, why } = await readAuditAnchor(workspace, keyring);
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  const write = () => {
    timer = null;
    writing = writing.then(() => writeSecret(path, seal(link!, keyring))).catch(() => undefined); // the next row tries again
  };

  return {
    get link() {
      return link;
    },
    get why() {
      return why;
    },
    renew({ seq, digest }) {
      link = { seq, digest };
      why = null;
      timer ??= setTimeout(write, RENEW_MS).unref();
    },
    async close() {
      if (timer !== null) {
        clearTimeout(timer);
        write();
      }
      await writing;
    },
  };
}

/** What the file says; changes nothing. */
export async function readAuditAnchor(workspace: string, keyring: Keyring): Promise<Pick<AuditAnchor, "link" | "why">> {
  const text = await readFile(join(workspace, ANCHOR_FILE), "utf8").catch(() => null);
  if (text === null) return { link: null, why: "there is none" };
  const sealed = parse(text);
  if (sealed === null) return { link: null, why: "its file is damaged" };
  const { key, mac, ...link } = sealed;
  const secret = keyring.key(key);
  if (secret === null) return { link: null, why: `it was sealed under the key ${key}, which the keyring does not have` };
  const known = macOf(link, secret);
  if (mac.length !== known.length || !timingSafeEqual(Buffer.from(mac), Buffer.from(known)))
    return { link: null, why: "it was forged or altered" };
  return { link, why: null };
}

interface Sealed extends Link {
  /** Id of the key that it is sealed under. */
  readonly key: string;
  readonly mac: string;
}

function seal({ seq, digest }: Link, keyring: Keyring): string {
  const key = keyring.current;
  return `${JSON.stringify({ seq, digest, key, mac: macOf({ seq, digest }, keyring.key(key)!) } satisfies Sealed)}\n`;
}

/** Under a key of its own, drawn from that of the ring by HKDF (RFC 5869). */
const macOf = ({ seq, digest }: Link, secret: Uint8Array): string =>
  createHmac("sha256", Buffer.from(hkdfSync("sha256", secret, "", "millwright audit anchor", 32)))
    .update(`${seq} ${digest}`)
    .digest("hex");

function parse(text: string): Sealed | null {
  try {
    const { seq, digest, key, mac } = JSON.parse(text) as Sealed;
    const fits = Number.isSafeInteger(seq) && [digest, key, mac].every((field) => typeof field === "string");
    return fits ? { seq, digest, key, mac } : null;
  } catch {
    return null;
  }
}
