/**
 * The checksums that S3 clients send and ask for, as they come: `x-amz-checksum-ALGORITHM`, big-endian bytes in base64. Source: AWS, "Checking object
 * integrity in Amazon S3"; CRC-64/NVME as in the NVM Command Set Specification.
 */
import { createHash, hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type Crc, createCrc } from "./crc.ts";

export const CHECKSUM_ALGORITHMS = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** By algorithm, base64; a composite one ends with `-PARTS`. */
export type Checksums = Readonly<Partial<Record<ChecksumAlgorithm, string>>>;

/** `CRC64NVME`, `crc64nvme` -> `crc64nvme`; null: not one of those spoken here. */
export function checksumAlgorithm(text: string): ChecksumAlgorithm | null {
  const name = text.toLowerCase();
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name) ?? null;
}

export const checksumBytes: Readonly<Record<ChecksumAlgorithm, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
};

/** Whether a text is the base64 of a value of this algorithm, in its one canonical form. */
export function isChecksum(algorithm: ChecksumAlgorithm, text: string): boolean {
  const bytes = Buffer.from(text, "base64");
  return bytes.byteLength === checksumBytes[algorithm] && bytes.toString("base64") === text;
}

export interface RunningChecksum {
  update(bytes: Uint8Array): void;
  /** Base64; once, at the end. */
  digest(): string;
}

export function createChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  if (algorithm === "sha1" || algorithm === "sha256") {
    const running = createHash(algorithm);
    return { update: (bytes) => void running.update(bytes), digest: () => running.digest("base64") };
  }
  if (algorithm === "crc32") {
    let state = 0;
    return {
      update(bytes) {
        state = crc32(bytes, state);
      },
      digest: () => base64(BigInt(state), 4),
    };
  }
  const crc = crcOf(algorithm);
  let state = crc.start;
  return {
    update(bytes) {
      state = crc.update(state, bytes);
    },
    digest: () => base64(crc.value(state), crc.byteCount),
  };
}

/** Base64. */
export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  if (algorithm === "sha1" || algorithm === "sha256") return hash(algorithm, bytes, "base64");
  const running = createChecksum(algorithm);
  running.update(bytes);
  return running.digest();
}

/** COMPOSITE, of any algorithm: the checksum of the parts' checksums in a row, and their number. */
export const compositeChecksum = (algorithm: ChecksumAlgorithm, parts: readonly string[]): string =>
  `${checksumOf(algorithm, Buffer.concat(parts.map((part) => Buffer.from(part, "base64"))))}-${parts.length}`;

/** Whether `fullChecksum` can be asked for it. */
export const hasFullChecksum = (algorithm: ChecksumAlgorithm): boolean => algorithm.startsWith("crc");

/** FULL_OBJECT: the checksum of all the bytes, from the checksums and lengths of the parts; of the crc family alone. */
export function fullChecksum(
  algorithm: ChecksumAlgorithm,
  parts: readonly { readonly checksum: string; readonly sizeBytes: number }[],
): string {
  const crc = crcOf(algorithm);
  let value = 0n;
  for (const { checksum, sizeBytes } of parts)
    value = crc.combine(value, BigInt(`0x${Buffer.from(checksum, "base64").toString("hex")}`), sizeBytes);
  return base64(value, crc.byteCount);
}

const POLYNOMIALS: Readonly<Partial<Record<ChecksumAlgorithm, readonly [polynomial: bigint, byteCount: 4 | 8]>>> = {
  crc32: [0xedb88320n, 4],
  crc32c: [0x82f63b78n, 4],
  crc64nvme: [0x9a6c9329ac4bc9b5n, 8],
};

const crcs = new Map<ChecksumAlgorithm, Crc>();

function crcOf(algorithm: ChecksumAlgorithm): Crc {
  let crc = crcs.get(algorithm);
  if (crc === undefined) {
    const known = POLYNOMIALS[algorithm];
    if (known === undefined) throw new TypeError(`${algorithm} is no cyclic redundancy check`);
    crcs.set(algorithm, (crc = createCrc(...known)));
  }
  return crc;
}

function base64(value: bigint, byteCount: 4 | 8): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes.toString("base64", 8 - byteCount);
}
