/** What it costs to let a request in and to verify its body: CPU time of the one thread, so that neighbours count less. MD5 alone is the floor. */
import { createHash, randomBytes } from "node:crypto";
import { type ChecksumAlgorithm, checksumOf } from "./checksums.ts";
import { chunked, KEY, presigned, signatureIn, signed } from "./fixtures/sign.ts";
import { decodePayload, verifySmall } from "./payload.ts";
import { createAuthenticator } from "./signature.ts";

const NOW = Date.now();
const CHUNK_BYTES = 64 << 10;
const key = { ...KEY, actor: { id: "bench", roles: [], may: new Set(["read", "edit"] as const) } };
const { authenticate } = createAuthenticator({ keys: { find: () => key }, now: () => NOW });

const CASES: readonly (readonly [payload: string, checksum: ChecksumAlgorithm | null])[] = [
  ["hex", null],
  ["hex", "crc32"],
  ["UNSIGNED-PAYLOAD", null],
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "crc32"],
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "crc32c"],
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "crc64nvme"],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", null],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "crc32c"],
];

function upload(content: Uint8Array, payload: string, checksum: ChecksumAlgorithm | null) {
  const trailers = payload.endsWith("TRAILER");
  const length = String(content.byteLength);
  const name = `x-amz-checksum-${checksum}`;
  const value = checksum === null ? {} : { [name]: checksumOf(checksum, content) };
  const streaming = payload.startsWith("STREAMING");
  const sent = signed({
    method: "PUT",
    url: "/bucket/main/some/key-000017",
    payload: payload === "hex" ? createHash("sha256").update(content).digest("hex") : payload,
    atMs: NOW,
    headers: {
      host: "127.0.0.1:4748",
      "content-type": "application/octet-stream",
      ...(streaming
        ? { "content-encoding": "aws-chunked", "x-amz-decoded-content-length": length }
        : { "content-length": length }),
      ...(trailers ? { "x-amz-trailer": name } : value),
    },
  });
  const sizes = Array(Math.ceil(content.byteLength / CHUNK_BYTES)).fill(CHUNK_BYTES);
  const seed = payload.startsWith("STREAMING-AWS4") ? { signature: signatureIn(sent), atMs: NOW } : undefined;
  return { sent, wire: streaming ? chunked(content, sizes, trailers ? value : {}, seed) : content };
}

async function cpuMicros(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}

async function perCall(label: string, call: () => unknown): Promise<void> {
  const rounds: number[] = [];
  for (let round = 0; round < 9; round++) {
    const micros = await cpuMicros(async () => {
      for (let index = 0; index < 5_000; index++) await call();
    });
    rounds.push(micros / 5_000);
  }
  rounds.sort((a, b) => a - b);
  console.log(`${label.padEnd(72)} ${rounds[4]!.toFixed(1).padStart(6)} us`);
}

const bare = { url: "/bucket/main/some/key-000017", headers: { host: "127.0.0.1:4748" }, atMs: NOW };
const [inHeader, inQuery] = [signed(bare), presigned(bare)];
await perCall("signature in the header", () => authenticate(inHeader));
await perCall("signature in the query", () => authenticate(inQuery));
const kilobyte = randomBytes(1024);
for (const [payload, checksum] of CASES) {
  const { sent, wire } = upload(kilobyte, payload, checksum);
  await perCall(`1 KB PUT, signature and body: ${payload} ${checksum ?? ""}`, async () => {
    const { signing } = await authenticate(sent);
    verifySmall(sent.headers, signing, wire);
  });
}

const content = randomBytes(128 << 20);
const perSecond = (label: string, micros: number) =>
  console.log(`${label.padEnd(72)} ${(content.byteLength / micros).toFixed(0).padStart(6)} MB/s`);
const md5 = createHash("md5");
perSecond(
  "for comparison: MD5 alone",
  await cpuMicros(() => {
    for (let at = 0; at < content.byteLength; at += CHUNK_BYTES) md5.update(content.subarray(at, at + CHUNK_BYTES));
  }),
);
for (const [payload, checksum] of CASES) {
  const { sent, wire } = upload(content, payload, checksum);
  const { signing } = await authenticate(sent);
  const micros = await cpuMicros(async () => {
    const { body } = decodePayload(sent.headers, signing, cut(wire));
    for await (const _ of body);
  });
  perSecond(`128 MB: ${payload} ${checksum ?? ""}`, micros);
}

async function* cut(wire: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < wire.byteLength; at += CHUNK_BYTES) yield wire.subarray(at, at + CHUNK_BYTES);
}
