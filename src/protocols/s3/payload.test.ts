import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { digestOf } from "../../base/index.ts";
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, checksumOf } from "./checksums.ts";
import { chunked, KEY, type Signed, signatureIn, signed } from "./fixtures/sign.ts";
import { decodePayload, type Verified, verifySmall } from "./payload.ts";
import { S3Error } from "./s3-error.ts";
import { createAuthenticator, type Signing } from "./signature.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const { authenticate } = createAuthenticator({
  keys: { find: () => ({ ...KEY, actor: { id: "tester", roles: [], may: new Set(["read", "edit"] as const) } }) },
  now: () => NOW,
});
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const md5 = (bytes: Uint8Array, encoding: "hex" | "base64" = "hex") => createHash("md5").update(bytes).digest(encoding);

const SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const MODES = ["hex", "UNSIGNED-PAYLOAD", SIGNED, `${SIGNED}-TRAILER`, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] as const;
type Mode = (typeof MODES)[number];

interface Upload {
  readonly sent: Signed;
  readonly wire: Buffer;
}

/** A whole upload as a client would send it. */
function upload(
  content: Uint8Array,
  mode: Mode,
  {
    headers = {},
    sizes = [],
    checksum,
    trailers,
  }: {
    headers?: Record<string, string>;
    sizes?: readonly number[];
    checksum?: ChecksumAlgorithm;
    trailers?: Record<string, string>;
  } = {},
): Upload {
  const streaming = mode.startsWith("STREAMING");
  const inTrailer = mode.endsWith("TRAILER");
  const value = checksum && { [`x-amz-checksum-${checksum}`]: checksumOf(checksum, content) };
  const sent = signed({
    method: "PUT",
    url: "/bucket/key",
    payload: mode === "hex" ? sha256(content) : mode,
    atMs: NOW,
    headers: {
      host: "lake.example",
      ...(streaming
        ? { "content-encoding": "aws-chunked", "x-amz-decoded-content-length": String(content.byteLength) }
        : { "content-length": String(content.byteLength) }),
      ...(inTrailer && checksum ? { "x-amz-trailer": `x-amz-checksum-${checksum}` } : value),
      ...headers,
    },
  });
  const seed = mode.startsWith(SIGNED) ? { signature: signatureIn(sent), atMs: NOW } : undefined;
  return {
    sent,
    wire: streaming ? chunked(content, sizes, trailers ?? (inTrailer ? { ...value } : {}), seed) : Buffer.from(content),
  };
}

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

/** Through both doors, which must agree. */
async function receive(
  { sent, wire }: Upload,
  pieces: readonly number[] = [],
  algorithms: readonly ChecksumAlgorithm[] = [],
): Promise<{ body: Buffer; verified: Verified }> {
  const { signing } = await authenticate(sent);
  const outcomes = await Promise.allSettled([
    (async () => verifySmall(sent.headers, signing, wire, algorithms))(),
    stream(sent, signing, cut(wire, pieces), algorithms),
  ]);
  const [small, streamed] = outcomes;
  if (small.status === "rejected" || streamed.status === "rejected") {
    assert.equal(small.status, streamed.status, JSON.stringify(outcomes));
    const [a, b] = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason);
    if (!(a instanceof S3Error && b instanceof S3Error)) throw a;
    assert.equal(b.code, a.code);
    throw b;
  }
  assert.deepEqual(streamed.value.verified, small.value.verified);
  assert.deepEqual(streamed.value.body, Buffer.from(small.value.body));
  return streamed.value;
}

async function stream(
  sent: Signed,
  signing: Signing,
  source: AsyncIterable<Uint8Array>,
  algorithms: readonly ChecksumAlgorithm[] = [],
) {
  const payload = decodePayload(sent.headers, signing, source, algorithms);
  const pieces: Uint8Array[] = [];
  for await (const piece of payload.body) pieces.push(piece);
  const body = Buffer.concat(pieces);
  return { body, verified: await payload.done(digestOf(body)) };
}

const refused = (given: Upload, code: string, pieces: readonly number[] = []) =>
  assert.rejects(receive(given, pieces), (error) => {
    assert.ok(error instanceof S3Error, String((error as Error).stack));
    assert.equal(error.code, code, error.message);
    return true;
  });

const content = Buffer.from("What is stored is what was sent. ".repeat(40));

test("AWS's documented chunked upload is taken in, with and without trailers", async () => {
  const aws = createAuthenticator({
    keys: { find: () => ({ ...KEY, actor: { id: "tester", roles: [], may: new Set(["read", "edit"] as const) } }) },
    now: () => Date.parse("2013-05-24T00:00:00Z"),
  });
  const documented = (payload: string, signedHeaders: string, signature: string, more: Record<string, string>): Signed => ({
    method: "PUT",
    url: "/examplebucket/chunkObject.txt",
    headers: {
      host: "s3.amazonaws.com",
      "x-amz-date": "20130524T000000Z",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": payload,
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": "66560",
      authorization: `AWS4-HMAC-SHA256 Credential=${KEY.id}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`,
      ...more,
    },
  });
  const chunks = (first: string, second: string, last: string, rest: string) =>
    Buffer.from(
      `10000;chunk-signature=${first}\r\n${"a".repeat(65536)}\r\n400;chunk-signature=${second}\r\n${"a".repeat(1024)}\r\n0;chunk-signature=${last}\r\n${rest}\r\n`,
    );
  const plain = {
    sent: documented(
      SIGNED,
      "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
      "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
      { "content-length": "66824" },
    ),
    wire: chunks(
      "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
      "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
      "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
      "",
    ),
  };
  const trailed = {
    sent: documented(
      `${SIGNED}-TRAILER`,
      "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
      "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
      { "x-amz-trailer": "x-amz-checksum-crc32c" },
    ),
    wire: chunks(
      "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
      "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
      "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
      "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n",
    ),
  };
  assert.equal(plain.wire.byteLength, 66824);
  for (const { sent, wire } of [plain, trailed]) {
    const { signing } = await aws.authenticate(sent);
    const { body, verified } = await stream(sent, signing, cut(wire, [1, 90, 70_000, 3]));
    assert.equal(body.toString(), "a".repeat(66560));
    assert.equal(verified.md5, md5(body));
  }
});

test("however an upload is framed and cut, the same content and checksums come out", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(...MODES),
      fc.option(fc.constantFrom(...CHECKSUM_ALGORITHMS), { nil: undefined }),
      fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 12 }),
      fc.subarray([...CHECKSUM_ALGORITHMS]),
      async (bytes, mode, checksum, sizes, pieces, also) => {
        const { body, verified } = await receive(
          upload(bytes, mode, { sizes, ...(checksum && { checksum }), headers: { "content-md5": md5(bytes, "base64") } }),
          pieces,
          also,
        );
        assert.deepEqual(body, Buffer.from(bytes));
        assert.equal(verified.sizeBytes, bytes.byteLength);
        assert.equal(verified.md5, md5(bytes));
        const expected = new Set([...also, ...(checksum ? [checksum] : [])]);
        assert.deepEqual(
          verified.checksums,
          Object.fromEntries([...expected].map((algorithm) => [algorithm, checksumOf(algorithm, bytes)])),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test("a body that comes byte by byte is taken in", async () => {
  for (const mode of MODES) {
    const given = upload(content, mode, { sizes: [100, 7, 1], checksum: "crc64nvme" });
    assert.deepEqual((await receive(given, Array(given.wire.byteLength).fill(1))).body, content);
  }
});

test("no byte of an upload can be changed, left out or added without being noticed, where the client gave anything to notice it by", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...MODES),
      fc.constantFrom("change", "remove", "add", "cut"),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (mode, how, where, by) => {
        const given = upload(content, mode, { sizes: [500, 300], checksum: "crc32c" });
        const wire = Buffer.from(given.wire);
        const at = where % wire.byteLength;
        const [before, behind] = [wire.subarray(0, at), wire.subarray(at + 1)];
        const other = Buffer.from([how === "add" ? by : wire[at]! ^ by]);
        const harmed = {
          change: () => Buffer.concat([before, other, behind]),
          remove: () => Buffer.concat([before, behind]),
          add: () => Buffer.concat([before, other, wire.subarray(at)]),
          cut: () => before,
        }[how]!();
        try {
          // what says nothing of the content may differ: blanks and line breaks in trailers, the case of a size, names of unsigned chunks' extensions
          assert.deepEqual(
            (await receive({ ...given, wire: harmed })).body,
            content,
            "content that is not what was sent was taken in",
          );
          assert.ok(mode.startsWith("STREAMING"));
        } catch (error) {
          if (!(error instanceof S3Error)) throw error;
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("every single byte of the signed chunks' content and signatures is guarded", async () => {
  const given = upload(Buffer.from("content of a chunk"), SIGNED, { sizes: [7] });
  const end = given.wire.lastIndexOf("\r\n\r\n");
  for (let at = 0; at < end; at++) {
    const wire = Buffer.from(given.wire);
    wire[at]! ^= 1;
    await assert.rejects(receive({ ...given, wire }), S3Error, `byte ${at} of ${JSON.stringify(given.wire.toString())}`);
  }
});

test("chunks cannot be exchanged or repeated", async () => {
  const given = upload(Buffer.from("aaaabbbb"), SIGNED, { sizes: [4, 4] });
  const length = given.wire.indexOf("aaaa") + 6;
  const [a, b, end] = [given.wire.subarray(0, length), given.wire.subarray(length, 2 * length), given.wire.subarray(2 * length)];
  await refused({ ...given, wire: Buffer.concat([b, a, end]) }, "SignatureDoesNotMatch");
  await refused({ ...given, wire: Buffer.concat([a, a, end]) }, "SignatureDoesNotMatch");
  await refused({ ...given, wire: Buffer.concat([a, end]) }, "SignatureDoesNotMatch");
  await refused({ ...given, wire: Buffer.concat([a, b, b, end]) }, "InvalidRequest");
});

test("a body that is too short or too long is refused in every framing", async () => {
  for (const mode of MODES) {
    const given = upload(content, mode, { checksum: "crc32" });
    const streaming = mode.startsWith("STREAMING");
    await refused({ ...given, wire: given.wire.subarray(0, 500) }, "IncompleteBody", [100, 100]);
    await refused({ ...given, wire: Buffer.alloc(0) }, "IncompleteBody");
    if (!streaming) await refused({ ...given, wire: Buffer.concat([given.wire, Buffer.from("x")]) }, "InvalidRequest", [100]);
    if (!streaming) continue;
    const longer = upload(content, mode, {
      checksum: "crc32",
      headers: { "x-amz-decoded-content-length": String(content.byteLength - 1) },
    });
    await refused(longer, "InvalidRequest");
    const shorter = upload(content, mode, {
      checksum: "crc32",
      headers: { "x-amz-decoded-content-length": String(content.byteLength + 1) },
    });
    await refused(shorter, "IncompleteBody");
    const { "x-amz-decoded-content-length": _, ...headers } = given.sent.headers;
    const { signing } = await authenticate(given.sent);
    assert.throws(() => verifySmall(headers, signing, given.wire), { code: "MissingContentLength" });
  }
  const behind = upload(content, SIGNED);
  await refused({ ...behind, wire: Buffer.concat([behind.wire, Buffer.from("x")]) }, "InvalidChunkSizeError");
});

test("a source that breaks off is an incomplete body", async () => {
  const { sent } = upload(content, "UNSIGNED-PAYLOAD");
  const { signing } = await authenticate(sent);
  await assert.rejects(
    stream(
      sent,
      signing,
      (async function* () {
        yield content.subarray(0, 10);
        throw new Error("aborted");
      })(),
    ),
    (error: S3Error) => error.code === "IncompleteBody" && (error.cause as Error).message === "aborted",
  );
});

test("framing that is none is refused, and nothing of it is kept in memory without bound", async () => {
  const sent = upload(content, "STREAMING-UNSIGNED-PAYLOAD-TRAILER").sent;
  const body = (text: string) => ({ sent, wire: Buffer.from(text) });
  for (const text of [
    "zz\r\n",
    "-1\r\n",
    "5\nhello\r\n",
    "0x5\r\nhello\r\n",
    " 5\r\nhello\r\n",
    "5\r\nhelloXX0\r\n",
    "1".repeat(13) + "\r\n",
    `5;${"x".repeat(2000)}`,
    "f".repeat(2000),
  ])
    await refused(body(text), "InvalidChunkSizeError");
  await refused(body("ffffffffffff\r\nx"), "InvalidRequest");
  const good = upload(Buffer.from("x"), "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
  const trailing = (text: string) => ({ sent: good.sent, wire: Buffer.from(`1\r\nx\r\n0\r\n${text}`) });
  await refused(trailing("x".repeat(20_000)), "MalformedTrailerError");
  await refused(trailing("nonsense\r\n\r\n"), "MalformedTrailerError");
  await refused(trailing("a:1\r\nA:2\r\n\r\n"), "MalformedTrailerError");
  const unsignedChunk = upload(Buffer.from("x"), SIGNED);
  await refused({ ...unsignedChunk, wire: Buffer.from("1\r\nx\r\n0\r\n\r\n") }, "InvalidChunkSizeError");
});

test("trailers: announced ones must come, others must be announced, line breaks may be those of any client", async () => {
  const mode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  const value = checksumOf("crc32", content);
  const given = upload(content, mode, { checksum: "crc32" });
  const hex = content.byteLength.toString(16);
  const trailing = (text: string) => ({
    sent: given.sent,
    wire: Buffer.concat([Buffer.from(`${hex}\r\n`), content, Buffer.from(`\r\n0\r\n${text}`)]),
  });
  for (const text of [
    `x-amz-checksum-crc32:${value}\r\n\r\n`,
    `x-amz-checksum-crc32:${value}\n\r\n\r\n`,
    `X-Amz-Checksum-CRC32: ${value}\r\n\r\n`,
    `\r\nx-amz-checksum-crc32:${value}`,
    `x-other:1\r\nx-amz-checksum-crc32:${value}\r\n\r\n`,
  ])
    assert.deepEqual((await receive(trailing(text))).verified.checksums, { crc32: value });
  await refused(trailing("\r\n"), "MalformedTrailerError");
  await refused(trailing(`x-amz-checksum-sha1:${checksumOf("sha1", content)}\r\n\r\n`), "MalformedTrailerError");
  await refused(
    trailing(`x-amz-checksum-crc32:${value}\r\nx-amz-checksum-sha1:${checksumOf("sha1", content)}\r\n\r\n`),
    "MalformedTrailerError",
  );
  await refused(trailing("x-amz-checksum-crc32:AAAAAA==\r\n\r\n"), "BadDigest");
  await refused(trailing("x-amz-checksum-crc32:short\r\n\r\n"), "InvalidRequest");
  await refused(upload(content, mode, { trailers: { "x-amz-checksum-crc32": value } }), "MalformedTrailerError");

  const signedTrailer = upload(content, `${SIGNED}-TRAILER`, { checksum: "crc32" });
  const without = signedTrailer.wire.subarray(0, signedTrailer.wire.indexOf("x-amz-trailer-signature"));
  await refused({ ...signedTrailer, wire: without }, "MalformedTrailerError");
  const other = Buffer.from(signedTrailer.wire.toString("latin1").replace(/(x-amz-trailer-signature:)./, "$1x"), "latin1");
  await refused({ ...signedTrailer, wire: other }, "SignatureDoesNotMatch");
});

test("digests in headers are checked, and must be digests", async () => {
  for (const mode of MODES) {
    await refused(upload(content, mode, { headers: { "content-md5": md5(Buffer.from("other"), "base64") } }), "BadDigest");
    for (const text of ["", "AAAA", md5(content, "hex"), `${md5(content, "base64")} `])
      await refused(upload(content, mode, { headers: { "content-md5": text } }), "InvalidDigest");
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const header = `x-amz-checksum-${algorithm}`;
      await refused(upload(content, mode, { headers: { [header]: checksumOf(algorithm, Buffer.from("other")) } }), "BadDigest");
      await refused(upload(content, mode, { headers: { [header]: "AAAA" } }), "InvalidRequest");
    }
  }
  await refused({ ...upload(content, "hex"), wire: Buffer.from(content).fill("x", 0, 1) }, "XAmzContentSHA256Mismatch");
  const upper = signed({
    method: "PUT",
    url: "/b/k",
    headers: { host: "h", "content-length": String(content.byteLength) },
    payload: sha256(content).toUpperCase(),
    atMs: NOW,
  });
  assert.deepEqual((await receive({ sent: upper, wire: content })).body, content);
});

test("headers that contradict themselves, or ask for what is not offered, are refused before the body", async () => {
  const refusedAtOnce = async (headers: Record<string, string>, code: string, payload: string = "UNSIGNED-PAYLOAD") => {
    const sent = signed({ method: "PUT", url: "/b/k", headers: { host: "h", ...headers }, payload, atMs: NOW });
    const { signing } = await authenticate(sent);
    const never = { [Symbol.asyncIterator]: () => assert.fail("the body was read") };
    assert.throws(() => decodePayload(sent.headers, signing, never), { code });
  };
  const crc32 = checksumOf("crc32", content);
  await refusedAtOnce({ "x-amz-checksum-crc32": crc32, "x-amz-checksum-sha1": checksumOf("sha1", content) }, "InvalidRequest");
  await refusedAtOnce({ "x-amz-checksum-crc32": crc32, "x-amz-sdk-checksum-algorithm": "SHA1" }, "InvalidRequest");
  await refusedAtOnce({ "x-amz-sdk-checksum-algorithm": "CRC32" }, "InvalidRequest");
  await refusedAtOnce({ "x-amz-sdk-checksum-algorithm": "MD4" }, "NotImplemented");
  await refusedAtOnce({ "x-amz-checksum-xxhash64": "AAAAAAAAAAA=" }, "NotImplemented");
  await refusedAtOnce({ "content-length": "-1" }, "InvalidArgument");
  await refusedAtOnce({ "content-length": "1e3" }, "InvalidArgument");
  await refusedAtOnce({ "content-length": String(5 * 2 ** 30 + 1) }, "EntityTooLarge");
  await refusedAtOnce({ "x-amz-decoded-content-length": String(5 * 2 ** 30 + 1) }, "EntityTooLarge", SIGNED);
  for (const payload of ["", "STREAMING", "a".repeat(63), "g".repeat(64), "UNSIGNED"])
    await refusedAtOnce({}, "InvalidArgument", payload);
  await refusedAtOnce({}, "NotImplemented", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD");
  const about = upload(content, "hex", {
    headers: { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT", "x-amz-checksum-mode": "ENABLED" },
  });
  assert.deepEqual((await receive(about)).verified.checksums, {});
});

test("what is wrong with a body ends the body itself, so that a store keeps nothing of it", async () => {
  const { sent, wire } = upload(content, "UNSIGNED-PAYLOAD", { headers: { "content-md5": md5(Buffer.from("other"), "base64") } });
  const { signing } = await authenticate(sent);
  const payload = decodePayload(sent.headers, signing, cut(wire, [10]));
  await assert.rejects(payload.done(digestOf(content)), /not read to its end/);
  await assert.rejects(
    async () => {
      for await (const _ of payload.body);
    },
    { code: "BadDigest" },
  );
  await assert.rejects(payload.done(digestOf(content)), { code: "BadDigest" });
});

test("a store that has other bytes than the client announced is found out at the end", async () => {
  const { sent, wire } = upload(content, "hex");
  const { signing } = await authenticate(sent);
  const payload = decodePayload(sent.headers, signing, cut(wire, []));
  for await (const _ of payload.body);
  await assert.rejects(payload.done(digestOf("other")), { code: "XAmzContentSHA256Mismatch" });
});

test("a connection whose body is refused stays open for the answer", async () => {
  const long = Buffer.alloc(400_000, "x");
  const { sent, wire } = upload(long, SIGNED, { sizes: [100_000] });
  const bad = Buffer.from(wire);
  bad[90] = 0;
  const server = createServer(async (incoming, response) => {
    const { method, url, headers, rawHeaders } = incoming;
    const { signing } = await authenticate({ method: method!, url: url!, headers, rawHeaders });
    try {
      for await (const _ of decodePayload(headers, signing, incoming).body);
      response.end("taken in");
    } catch (error) {
      incoming.resume();
      response.writeHead(403).end((error as S3Error).code);
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<string>((resolve, reject) => {
    const { "content-encoding": _, ...headers } = sent.headers;
    const outgoing = request(
      {
        port,
        host: "127.0.0.1",
        method: "PUT",
        path: sent.url,
        headers: { ...headers, "content-encoding": "aws-chunked", "content-length": bad.byteLength },
      },
      async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve(text);
      },
    );
    outgoing.once("error", reject);
    outgoing.end(bad);
  });
  server.close();
  assert.equal(answer, "SignatureDoesNotMatch");
});
