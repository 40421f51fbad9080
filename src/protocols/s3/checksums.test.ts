import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import {
  CHECKSUM_ALGORITHMS,
  checksumAlgorithm,
  checksumOf,
  compositeChecksum,
  createChecksum,
  fullChecksum,
  hasFullChecksum,
  isChecksum,
} from "./checksums.ts";

const crcs = CHECKSUM_ALGORITHMS.filter(hasFullChecksum);
const hex = (text: string) => Buffer.from(text, "base64").toString("hex");

test("the published check values come out", () => {
  const text = Buffer.from("123456789");
  assert.equal(hex(checksumOf("crc32", text)), "cbf43926");
  assert.equal(hex(checksumOf("crc32c", text)), "e3069283");
  assert.equal(hex(checksumOf("crc64nvme", text)), "ae8b14860a799888");
  assert.equal(hex(checksumOf("sha1", text)), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
  assert.equal(hex(checksumOf("sha256", text)), "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
  // RFC 3720, appendix B.4, and NVM Command Set Specification, "64b CRC": zeros, ones, counting up
  assert.equal(hex(checksumOf("crc32c", Buffer.alloc(32))), "8a9136aa");
  assert.equal(hex(checksumOf("crc32c", Buffer.alloc(32, 0xff))), "62a8ab43");
  assert.equal(hex(checksumOf("crc64nvme", Buffer.alloc(4096))), "6482d367eb22b64e");
  assert.equal(hex(checksumOf("crc64nvme", Buffer.alloc(4096, 0xff))), "c0ddba7302eca3ac");
  for (const algorithm of crcs) assert.match(hex(checksumOf(algorithm, new Uint8Array())), /^0+$/);
});

test("a checksum does not depend on how the bytes are cut, or on others that run beside it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 12 }),
      fc.constantFrom(...CHECKSUM_ALGORITHMS),
      (pieces, algorithm) => {
        const [running, other] = [createChecksum(algorithm), createChecksum(algorithm)];
        for (const piece of pieces) {
          running.update(piece);
          other.update(Buffer.from("something else"));
        }
        assert.equal(running.digest(), checksumOf(algorithm, Buffer.concat(pieces)));
      },
    ),
  );
});

test("cyclic redundancy checks agree with division bit by bit, and with zlib, over any length", () => {
  const polynomials = { crc32c: 0x82f63b78n, crc64nvme: 0x9a6c9329ac4bc9b5n } as const;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      assert.equal(hex(checksumOf("crc32", bytes)), crc32(bytes).toString(16).padStart(8, "0"));
      for (const [algorithm, polynomial] of Object.entries(polynomials) as ["crc32c" | "crc64nvme", bigint][]) {
        const ones = algorithm === "crc32c" ? 0xffffffffn : 0xffffffffffffffffn;
        let remainder = ones;
        for (const byte of bytes) {
          remainder ^= BigInt(byte);
          for (let bit = 0; bit < 8; bit++) remainder = remainder & 1n ? (remainder >> 1n) ^ polynomial : remainder >> 1n;
        }
        assert.equal(BigInt(`0x${hex(checksumOf(algorithm, bytes))}`), remainder ^ ones);
      }
    }),
    { numRuns: 60 },
  );
  const long = Buffer.alloc(300_001, "longer than the window that is taken at once ");
  assert.equal(hex(checksumOf("crc32", long)), crc32(long).toString(16).padStart(8, "0"));
  for (const algorithm of crcs) {
    const running = createChecksum(algorithm);
    for (let at = 0; at < long.length; at += 997) running.update(long.subarray(at, at + 997));
    assert.equal(running.digest(), checksumOf(algorithm, long));
  }
});

test("the checksum of a whole object comes out of those of its parts", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 8 }),
      fc.constantFrom(...crcs),
      (parts, algorithm) => {
        const told = parts.map((part) => ({ checksum: checksumOf(algorithm, part), sizeBytes: part.byteLength }));
        assert.equal(fullChecksum(algorithm, told), checksumOf(algorithm, Buffer.concat(parts)));
      },
    ),
  );
});

test("ten thousand parts of gigabytes are combined without their bytes", () => {
  const zeros = Buffer.alloc(1 << 20);
  for (const algorithm of crcs) {
    // a gigabyte of zeros, in parts of a megabyte and in parts of their own combination
    const part = { checksum: checksumOf(algorithm, zeros), sizeBytes: zeros.length };
    const gigabyte = fullChecksum(
      algorithm,
      Array.from({ length: 1024 }, () => part),
    );
    const same = fullChecksum(algorithm, [
      {
        checksum: fullChecksum(
          algorithm,
          Array.from({ length: 1000 }, () => part),
        ),
        sizeBytes: 1000 * zeros.length,
      },
      {
        checksum: fullChecksum(
          algorithm,
          Array.from({ length: 24 }, () => part),
        ),
        sizeBytes: 24 * zeros.length,
      },
    ]);
    assert.equal(gigabyte, same);
    const whole = fullChecksum(
      algorithm,
      Array.from({ length: 10_000 }, () => ({ checksum: gigabyte, sizeBytes: 2 ** 30 })),
    );
    const halves = [0, 1].map(() => ({
      checksum: fullChecksum(
        algorithm,
        Array.from({ length: 5_000 }, () => ({ checksum: gigabyte, sizeBytes: 2 ** 30 })),
      ),
      sizeBytes: 5_000 * 2 ** 30,
    }));
    assert.equal(whole, fullChecksum(algorithm, halves));
  }
});

test("a composite checksum is that of the parts' checksums, with their number", () => {
  const parts = ["a", "b", "c"].map((text) => checksumOf("sha256", Buffer.from(text)));
  const joined = Buffer.concat(parts.map((part) => Buffer.from(part, "base64")));
  assert.equal(compositeChecksum("sha256", parts), `${checksumOf("sha256", joined)}-3`);
});

test("algorithms are known by the names that clients use, values by their length and canonical form", () => {
  assert.equal(checksumAlgorithm("CRC64NVME"), "crc64nvme");
  assert.equal(checksumAlgorithm("xxhash3"), null);
  assert.ok(isChecksum("crc32", "AAAAAA=="));
  for (const text of ["", "AAAAAA", "AAAAAA=", "AAAAAB==", "AAAAAAA=", "AAAAAAAAAAA=", "!AAAAA==", " AAAAAA=="])
    assert.ok(!isChecksum("crc32", text), text);
});
