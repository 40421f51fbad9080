import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { MillError } from "./errors.ts";

/**
 * Envelope encryption: bytes are encrypted under a data key of their own, and that key lies beside them, wrapped under a key of the
 * keyring. To rotate, only the wrapped key is written anew; the body stays as it is.
 *
 *     +------------+-----------+---------------------+--------------------+      +----------------+-----+
 *     | "MILLENV1" | key id    | nonce of the wrap   | data key, wrapped  |      | body           | tag |
 *     | 8          | 44, NUL-  | 12, random          | 32 + tag 16        |      | as long as the | 16  |
 *     |            | padded    |                     |                    |      | bytes          |     |
 *     +------------+-----------+---------------------+--------------------+      +----------------+-----+
 *      `wrapKey`, 112 bytes whatever the key's id                                 `sealBytes` puts both in a row
 *
 * AES-256-GCM throughout (NIST SP 800-38D). A data key encrypts one body, so the body's nonce may be fixed (zero). Wraps draw random nonces:
 * rotate a key of the ring before it has wrapped 2^32 data keys.
 */
export interface Keyring {
  /** The id of the key that new envelopes are made with. */
  readonly current: string;
  /** The key-encryption key, 32 bytes; null when the ring has none of this id. */
  key(id: string): Uint8Array | null;
}

const MAGIC = Buffer.from("MILLENV1");
const ID_BYTES = 44;
const NONCE_BYTES = 12;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const NONCE_AT = MAGIC.length + ID_BYTES;
const KEY_AT = NONCE_AT + NONCE_BYTES;
/** The length of every wrapped key. */
export const WRAPPED_KEY_BYTES = KEY_AT + KEY_BYTES + TAG_BYTES;

/**
 * The bytes, encrypted and authenticated; 128 bytes longer. `aad` is not stored: it ties them to their place (a row's id, say), and must be the same
 * again to open them. Errors: `envelope.bad-key`, `envelope.unknown-key`.
 */
export function sealBytes(bytes: Uint8Array, keyring: Keyring, aad: Uint8Array | string = ""): Uint8Array {
  const dataKey = randomBytes(KEY_BYTES);
  return Buffer.concat([wrapKey(dataKey, keyring), encrypt(bytes, dataKey, Buffer.alloc(NONCE_BYTES), aad)]);
}

/** What `sealBytes` was given. Errors: `envelope.altered` (any other byte or `aad`), `envelope.unknown-key`, `envelope.bad-key`. */
export function openBytes(sealed: Uint8Array, keyring: Keyring, aad: Uint8Array | string = ""): Uint8Array {
  const dataKey = unwrapKey(sealed, keyring);
  return decrypt(sealed.subarray(WRAPPED_KEY_BYTES), dataKey, Buffer.alloc(NONCE_BYTES), aad);
}

/** The same envelope under the ring's current key, its body untouched. Errors: as `openBytes`; the body is not checked. */
export function rewrap(sealed: Uint8Array, keyring: Keyring): Uint8Array {
  if (keyIdOf(sealed) === keyring.current) return sealed;
  return Buffer.concat([wrapKey(unwrapKey(sealed, keyring), keyring), sealed.subarray(WRAPPED_KEY_BYTES)]);
}

/** A data key (32 bytes) under the ring's current key. */
export function wrapKey(dataKey: Uint8Array, keyring: Keyring, aad: Uint8Array | string = ""): Uint8Array {
  const id = Buffer.from(keyring.current);
  if (id.length === 0 || id.length > ID_BYTES || id.includes(0))
    throw badKey(keyring.current, `an id of 1 to ${ID_BYTES} bytes`, `${id.length} bytes`);
  const head = Buffer.alloc(NONCE_AT);
  MAGIC.copy(head);
  id.copy(head, MAGIC.length);
  const nonce = randomBytes(NONCE_BYTES);
  return Buffer.concat([head, nonce, encrypt(dataKey, keyOf(keyring, keyring.current), nonce, bound(head, aad))]);
}

/** The data key in the first 112 bytes. */
export function unwrapKey(wrapped: Uint8Array, keyring: Keyring, aad: Uint8Array | string = ""): Uint8Array {
  const key = keyOf(keyring, keyIdOf(wrapped));
  const at = (start: number, end: number) => wrapped.subarray(start, end);
  return decrypt(at(KEY_AT, WRAPPED_KEY_BYTES), key, at(NONCE_AT, KEY_AT), bound(at(0, NONCE_AT), aad));
}

/** The id of the key that an envelope needs. Errors: `envelope.altered` when these bytes are none. */
export function keyIdOf(wrapped: Uint8Array): string {
  const head = Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength);
  if (head.length < WRAPPED_KEY_BYTES || !head.subarray(0, MAGIC.length).equals(MAGIC)) throw altered();
  const id = head.subarray(MAGIC.length, NONCE_AT);
  const end = id.indexOf(0);
  return id.toString("utf8", 0, end === -1 ? ID_BYTES : end);
}

/** AES-256-GCM: the ciphertext, then its tag of 16 bytes. A nonce (12 bytes) must never come twice under one key. */
export function encrypt(bytes: Uint8Array, key: Uint8Array, nonce: Uint8Array, aad: Uint8Array | string = ""): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(aad));
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** The way back. Errors: `envelope.altered`. */
export function decrypt(sealed: Uint8Array, key: Uint8Array, nonce: Uint8Array, aad: Uint8Array | string = ""): Buffer {
  if (sealed.byteLength < TAG_BYTES) throw altered();
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(sealed.subarray(sealed.byteLength - TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, sealed.byteLength - TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw altered(cause);
  }
}

const bound = (head: Uint8Array, aad: Uint8Array | string) => Buffer.concat([head, Buffer.from(aad)]);

function keyOf(keyring: Keyring, id: string): Uint8Array {
  const key = keyring.key(id);
  if (!key)
    throw new MillError(
      "envelope.unknown-key",
      `What is encrypted needs the key ${JSON.stringify(id)}, and the keyring has none of this id.`,
      {
        got: id,
        fix: "Put this key back into the keyring, or restore the keyring from a backup; without it these bytes cannot be read.",
      },
    );
  if (key.byteLength !== KEY_BYTES) throw badKey(id, `${KEY_BYTES} bytes`, `${key.byteLength} bytes`);
  return key;
}

const badKey = (id: string, expected: string, got: string) =>
  new MillError("envelope.bad-key", `The key ${JSON.stringify(id)} of the keyring cannot be used.`, { expected, got });

const altered = (cause?: unknown) =>
  new MillError(
    "envelope.altered",
    "Encrypted bytes are not as they were written, or are not at the place they were written for.",
    {
      expected: "bytes whose authentication tag fits",
      fix: "Restore them from a backup.",
      cause,
    },
  );
