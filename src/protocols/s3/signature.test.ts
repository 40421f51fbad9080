import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, get, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { inflateRawSync } from "node:zlib";
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { MillError } from "../../base/index.ts";
import type { AccessKey } from "../../guard/index.ts";
import { KEY, presigned, signed } from "./fixtures/sign.ts";
import { verifySmall } from "./payload.ts";
import { S3Error } from "./s3-error.ts";
import { type Authenticated, createAuthenticator, type SignedRequest } from "./signature.ts";

const key: AccessKey = { ...KEY, actor: { id: "tester", roles: [], may: new Set(["read", "edit"] as const) } };
const keys = { find: (id: string) => (id === key.id ? key : null) };
const at = (ms: number) => createAuthenticator({ keys, now: () => ms });
const DOCS_MS = Date.parse("2013-05-24T00:00:00Z");
const NOW = Date.parse("2026-11-21T12:00:00Z");

const refused = (request: SignedRequest, code: string, message?: RegExp, nowMs = NOW) =>
  assert.rejects(at(nowMs).authenticate(request), (error) => {
    assert.ok(error instanceof S3Error, String(error));
    assert.equal(error.code, code, error.message);
    if (message !== undefined) assert.match(error.message, message);
    assert.ok(!JSON.stringify({ ...error, message: error.message }).includes(KEY.secret));
    return true;
  });

const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const docs = (
  method: string,
  url: string,
  signedHeaders: string,
  signature: string,
  headers: IncomingHttpHeaders = {},
): SignedRequest => ({
  method,
  url,
  headers: {
    host: "examplebucket.s3.amazonaws.com",
    "x-amz-date": "20130524T000000Z",
    "x-amz-content-sha256": EMPTY,
    authorization: `AWS4-HMAC-SHA256 Credential=${KEY.id}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`,
    ...headers,
  },
});

/** AWS, S3 API reference: "Authenticating Requests: Using the Authorization Header" and "... Using Query Parameters". */
const documented: Record<string, SignedRequest> = {
  "GET Object": docs(
    "GET",
    "/test.txt",
    "host;range;x-amz-content-sha256;x-amz-date",
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    { range: "bytes=0-9" },
  ),
  "PUT Object": docs(
    "PUT",
    "/test$file.text",
    "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    {
      date: "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    },
  ),
  "GET Bucket Lifecycle": docs(
    "GET",
    "/?lifecycle",
    "host;x-amz-content-sha256;x-amz-date",
    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  ),
  "GET Bucket": docs(
    "GET",
    "/?max-keys=2&prefix=J",
    "host;x-amz-content-sha256;x-amz-date",
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  ),
  "presigned GET": {
    method: "GET",
    url: "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    headers: { host: "examplebucket.s3.amazonaws.com" },
  },
};

for (const [name, request] of Object.entries(documented)) {
  test(`AWS's documented example "${name}" is let in`, async () => {
    const { actor, keyId } = await at(DOCS_MS).authenticate(request);
    assert.deepEqual([actor.id, keyId], ["tester", KEY.id]);
  });

  test(`AWS's documented example "${name}" is refused when any byte of it is another one`, async () => {
    const authenticator = at(DOCS_MS);
    const changes: SignedRequest[] = [
      { ...request, method: request.method === "GET" ? "HEAD" : "POST" },
      ...changed(request.url)
        .filter((url) => url.startsWith("/") && !url.startsWith("//"))
        .map((url) => ({ ...request, url })),
      ...Object.entries(request.headers).flatMap(([header, value]) => [
        ...changed(value as string).map((other) => ({ ...request, headers: { ...request.headers, [header]: other } })),
        { ...request, headers: without(request.headers, header) },
      ]),
      { ...request, headers: { ...request.headers, "x-amz-acl": "public-read" } },
      { ...request, url: `${request.url}${request.url.includes("?") ? "&" : "?"}acl` },
    ];
    assert.ok(changes.length > 100);
    for (const change of changes) {
      if (meansTheSame(request, change)) continue;
      await assert.rejects(authenticator.authenticate(change), S3Error, JSON.stringify(change));
    }
  });
}

const changed = (text: string): string[] =>
  [...text].flatMap((character, index) =>
    [1, 32].map((bit) => {
      const other = String.fromCharCode(character.charCodeAt(0) ^ bit);
      return text.slice(0, index) + other + text.slice(index + 1);
    }),
  );

const without = (headers: IncomingHttpHeaders, name: string): IncomingHttpHeaders => {
  const { [name]: _, ...rest } = headers;
  return rest;
};

/** The date is read from x-amz-date where there is one, blanks in headers do not count, and `%2f` is `%2F`. */
function meansTheSame(a: SignedRequest, b: SignedRequest): boolean {
  const form = ({ method, url, headers }: SignedRequest) =>
    JSON.stringify([
      method,
      decodeURIComponent(url),
      { ...headers, authorization: headers.authorization?.replaceAll(/,\s+/g, ",") },
    ]);
  try {
    return form(a) === form(b);
  } catch {
    return false;
  }
}

interface Recorded {
  readonly client: string;
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: string[];
  readonly deflated: string;
}

test("what real clients signed is let in, with its body, and refused with another byte in it", async (t) => {
  const recorded = readFileSync(join(import.meta.dirname, "fixtures", "requests.ndjson"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Recorded);
  for (const { client, method, url, rawHeaders, deflated } of recorded) {
    await t.test(`${client}: ${method} ${url.slice(0, 60)}`, async () => {
      const headers = joined(rawHeaders);
      const body = inflateRawSync(Buffer.from(deflated, "base64"));
      const stamp = headers["x-amz-date"] ?? new URLSearchParams(url.split("?")[1]).get("X-Amz-Date")!;
      const nowMs = Date.parse(String(stamp).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
      const { signing } = await at(nowMs).authenticate({ method, url, headers, rawHeaders });
      const { verified } = verifySmall(headers, signing, body);
      assert.equal(verified.sizeBytes, Number(headers["x-amz-decoded-content-length"] ?? body.byteLength));

      const path = url.replace(/[a-z]|$/, (letter) => (letter === "b" ? "c" : "b"));
      await assert.rejects(at(nowMs).authenticate({ method, url: path, headers, rawHeaders }), { code: "SignatureDoesNotMatch" });
      if (body.byteLength > 0 && signing.payload !== "UNSIGNED-PAYLOAD") {
        body[Math.min(body.byteLength - 1, 7)]! ^= 1;
        assert.throws(() => verifySmall(headers, signing, body), S3Error);
      }
    });
  }
});

function joined(rawHeaders: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    headers[name] = headers[name] === undefined ? rawHeaders[index + 1]! : `${headers[name]}, ${rawHeaders[index + 1]!}`;
  }
  return headers;
}

test("what AWS's own client for JavaScript signs is let in: header and presigned, odd keys, headers and queries", async () => {
  const authenticator = createAuthenticator({ keys });
  const outcomes: (Authenticated | S3Error)[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
      const { method, url, headers, rawHeaders } = request;
      const authenticated = await authenticator.authenticate({ method: method!, url: url!, headers, rawHeaders });
      verifySmall(headers, authenticated.signing, Buffer.concat(chunks));
      outcomes.push(authenticated);
      response.end();
    } catch (error) {
      outcomes.push(error as S3Error);
      response.writeHead(403).end();
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-west-3",
    forcePathStyle: true,
    credentials: { accessKeyId: KEY.id, secretAccessKey: KEY.secret },
    maxAttempts: 1,
  });
  const Bucket = "lake";
  const odd = "a b+c/d(e)*'!~@=&,;:$/%41/ü//../x";
  try {
    for (const Key of ["plain", odd]) {
      await client.send(
        new PutObjectCommand({
          Bucket,
          Key,
          Body: "content",
          ContentType: "text/plain; charset=utf-8",
          Metadata: { wide: "a   b" },
        }),
      );
      await client.send(new HeadObjectCommand({ Bucket, Key, IfNoneMatch: '"x"' }));
      await client
        .send(new GetObjectCommand({ Bucket, Key, Range: "bytes=1-2", ResponseContentDisposition: 'attachment; filename="a b"' }))
        .then(({ Body }) => Body?.transformToByteArray());
    }
    for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const)
      await client.send(new PutObjectCommand({ Bucket, Key: "sum", Body: Buffer.alloc(100_000, "sum"), ChecksumAlgorithm }));
    await client.send(new ListObjectsV2Command({ Bucket, Prefix: odd, Delimiter: "/ +", StartAfter: "ü" }));

    const signer = await (
      client.config as unknown as {
        signer(): Promise<{
          presign(
            request: object,
            options: object,
          ): Promise<{ path: string; query: Record<string, string>; headers: Record<string, string> }>;
        }>;
      }
    ).signer();
    const { hostname, port } = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const path = `/lake/${odd
      .split("/")
      .map((part) => encodeURIComponent(part).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`))
      .join("/")}`;
    const request = await signer.presign(
      {
        method: "GET",
        protocol: "http:",
        hostname,
        port: Number(port),
        path,
        query: { "response-content-type": "a b" },
        headers: { host: `${hostname}:${port}`, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
      },
      { expiresIn: 60 },
    );
    const query = Object.entries(request.query)
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
      .join("&");
    await new Promise((resolve) =>
      get({ hostname, port, path: `${request.path}?${query}` }, (response) => resolve(response.resume())),
    );
  } finally {
    client.destroy();
    server.closeAllConnections();
    server.close();
  }
  assert.deepEqual(
    outcomes.filter((outcome) => outcome instanceof S3Error),
    [],
  );
  assert.equal(outcomes.length, 13);
});

const host = { host: "lake.example:4748" };

test("paths and queries count as they are on the wire, and as S3 writes them when a client signs that", async () => {
  const { signing: _, actor } = await at(NOW).authenticate(
    signed({ url: "/b/a%20b(1)!?prefix=x/y&list-type=2&list=1", headers: host, atMs: NOW }),
  );
  assert.equal(actor.id, "tester");
  const strict = signed({ url: "/b/a%20b%281%29%21%C3%BC?list=1&list-type=2&prefix=x%2Fy%20z", headers: host, atMs: NOW });
  for (const url of [
    "/b/a%20b(1)!%c3%bc?list=1&list-type=2&prefix=x/y%20z",
    "/b/a%20b(1)!%C3%BC?prefix=x/y+z&list=1&list-type=2",
  ])
    await at(NOW).authenticate({ ...strict, url });
  await refused({ ...strict, url: "/b/a%20b(2)!%C3%BC?list=1&list-type=2&prefix=x/y%20z" }, "SignatureDoesNotMatch");
  await refused({ ...strict, url: "/b/a%2520b%281%29%21%C3%BC?list=1&list-type=2&prefix=x/y%20z" }, "SignatureDoesNotMatch");
});

test("an absolute request target, a header twice, and blanks within one are signed as clients do", async () => {
  const request = signed({ url: "/b/k", headers: { ...host, "x-amz-meta-list": "a b,c, d" }, atMs: NOW });
  const rawHeaders = ["Host", host.host, "X-Amz-Meta-List", " a   b ", "x-amz-meta-list", "c, d"];
  const headers = { ...request.headers, "x-amz-meta-list": "a   b, c, d" };
  await at(NOW).authenticate({ ...request, headers, rawHeaders });
  await at(NOW).authenticate({ ...request, url: "http://lake.example:4748/b/k", headers, rawHeaders });
});

test("who is not signed, or in a way that is not spoken, is told so", async () => {
  await refused({ method: "GET", url: "/b", headers: host }, "AccessDenied", /not signed/);
  await refused(
    { method: "GET", url: "/b", headers: { ...host, authorization: "AWS AKIA:sig=" } },
    "InvalidRequest",
    /AWS4-HMAC-SHA256/,
  );
  await refused(
    { method: "GET", url: "/b", headers: { ...host, authorization: "AWS4-ECDSA-P256-SHA256 Credential=a" } },
    "NotImplemented",
  );
  await refused({ method: "GET", url: "/b", headers: { ...host, authorization: "Bearer x" } }, "InvalidArgument");
  const both = presigned({ url: "/b", headers: host, atMs: NOW });
  await refused({ ...both, headers: { ...host, authorization: "AWS4-HMAC-SHA256 x" } }, "InvalidArgument", /not in both/);
  await refused(
    signed({ url: "/b", headers: host, atMs: NOW, key: { id: "AKIAUNKNOWN", secret: KEY.secret } }),
    "InvalidAccessKeyId",
  );
  await refused(signed({ url: "/b", headers: host, atMs: NOW, key: { id: KEY.id, secret: "wrong" } }), "SignatureDoesNotMatch");
});

test("an authorization header of another form is named malformed", async () => {
  const good = signed({ url: "/b", headers: host, atMs: NOW });
  const other = (edit: (text: string) => string) => ({
    ...good,
    headers: { ...good.headers, authorization: edit(good.headers.authorization!) },
  });
  for (const edit of [
    (text: string) => text.replace(/Signature=.*/, ""),
    (text: string) => text.replace(/SignedHeaders=[^,]*,/, ""),
    (text: string) => text.replace("/us-east-1", ""),
    (text: string) => text.replace("/s3/", "/ec2/"),
    (text: string) => text.replace("aws4_request", "aws5_request"),
    (text: string) => text.replace("20261121", "20261120"),
    (text: string) => text.replace("20261121", "today"),
    (text: string) => `${text},Signature=${"0".repeat(64)}`,
    (text: string) => `${text},nonsense`,
    () => "AWS4-HMAC-SHA256 ",
  ])
    await refused(other(edit), "AuthorizationHeaderMalformed");
  await at(NOW).authenticate(other((text) => text.replaceAll(",", ",  ")));
  await refused(
    other((text) => text.slice(0, -64) + text.slice(-64).toUpperCase()),
    "SignatureDoesNotMatch",
  );
  await refused(
    other((text) => text.slice(0, -1)),
    "SignatureDoesNotMatch",
  );
});

test("host and every x-amz header must be signed, and what is signed must be there", async () => {
  const good = signed({ url: "/b", headers: host, atMs: NOW });
  await refused({ ...good, headers: { ...good.headers, "x-amz-meta-x": "1" } }, "AccessDenied", /not signed/);
  await refused(signed({ url: "/b", headers: {}, atMs: NOW }), "AccessDenied", /host/);
  const { range: _, ...rest } = signed({ url: "/b", headers: { ...host, range: "" }, atMs: NOW }).headers;
  await refused({ method: "GET", url: "/b", headers: rest }, "SignatureDoesNotMatch", /range/);
  const unhashed = { ...good, headers: without(good.headers, "x-amz-content-sha256") };
  await refused(unhashed, "InvalidRequest", /x-amz-content-sha256/);
  for (const name of ["__proto__", "constructor"]) {
    const authorization = good.headers.authorization!.replace("SignedHeaders=", `SignedHeaders=${name};`);
    await refused({ ...good, headers: { ...good.headers, authorization } }, "SignatureDoesNotMatch");
  }
});

test("clocks may differ by fifteen minutes", async () => {
  const request = signed({ url: "/b", headers: host, atMs: NOW });
  for (const skewMs of [-15 * 60_000, 15 * 60_000]) await at(NOW + skewMs).authenticate(request);
  for (const skewMs of [-15 * 60_000 - 1, 15 * 60_000 + 1])
    await refused(request, "RequestTimeTooSkewed", undefined, NOW + skewMs);
  await refused({ ...request, headers: without(without(request.headers, "x-amz-date"), "date") }, "AccessDenied", /Date/);
});

test("the Date header stands in for x-amz-date", async () => {
  const request = docs("GET", "/test.txt", "date;host;x-amz-content-sha256", "0".repeat(64), {
    date: "Fri, 24 May 2013 00:00:00 GMT",
  });
  const bare = { ...request, headers: without(request.headers, "x-amz-date") };
  await assert.rejects(at(DOCS_MS).authenticate(bare), (error: S3Error) => {
    assert.equal(error.code, "SignatureDoesNotMatch");
    assert.ok(error.elements.StringToSign!.startsWith("AWS4-HMAC-SHA256\n20130524T000000Z\n"));
    return true;
  });
});

test("a presigned link holds for as long as it says, from one second to seven days", async () => {
  const link = (expiresS: number | string) => presigned({ url: "/b/k?versionId=null", headers: host, atMs: NOW, expiresS });
  await at(NOW + 1_000).authenticate(link(1));
  await refused(link(1), "AccessDenied", /expired/, NOW + 1_001);
  await at(NOW + 604_800_000).authenticate(link(604_800));
  await refused(link(604_800), "AccessDenied", /expired/, NOW + 604_800_001);
  await at(NOW - 15 * 60_000).authenticate(link(60));
  await refused(link(60), "AccessDenied", /not valid yet/, NOW - 15 * 60_000 - 1);
  for (const expiresS of [0, -1, 604_801, "", "1.5", "1e3", "a"])
    await refused(link(expiresS), "AuthorizationQueryParametersError");
  const { url } = link(60);
  for (const [from, to] of [
    [/&X-Amz-Date=[^&]*/, ""],
    [/X-Amz-Algorithm=[^&]*/, "X-Amz-Algorithm=AWS4"],
    [/&X-Amz-Signature=.*/, ""],
    [/&X-Amz-SignedHeaders=[^&]*/, ""],
    [/X-Amz-Date=[^&]*/, "X-Amz-Date=20261121"],
    [/X-Amz-Date=20261121/, "X-Amz-Date=20261122"],
    [/X-Amz-Credential=[^&]*/, "X-Amz-Credential=%ff"],
    [/$/, "&X-Amz-Expires=60"],
  ] as const)
    await refused({ method: "GET", url: url.replace(from, to), headers: host }, "AuthorizationQueryParametersError");
  await refused({ method: "GET", url: url.replace("k?", "other?"), headers: host }, "SignatureDoesNotMatch");
  await refused({ method: "GET", url, headers: { ...host, "x-amz-acl": "public-read" } }, "AccessDenied", /not signed/);
});

test("a key that comes from the records with a promise is waited for; keys of many days and regions do not pile up", async () => {
  const slow = createAuthenticator({ keys: { find: async (id) => keys.find(id) }, now: () => NOW });
  await slow.authenticate(signed({ url: "/b", headers: host, atMs: NOW }));
  for (let index = 0; index < 200; index++)
    await slow.authenticate(signed({ url: "/b", headers: host, atMs: NOW, region: `r-${index}` }));
});

test("a token stands in for a signature where the door takes tokens; checksums are verified as ever", async () => {
  const owner = { id: "owner", roles: [], may: new Set(["read", "edit"] as const) };
  let current: string | null = "mill_abc";
  const bearer = async (token: string) => {
    if (token === current) return owner;
    throw new MillError("guard.token-wrong", "another token");
  };
  const door = createAuthenticator({ keys, now: () => NOW, bearer });
  const ask = (authorization: string, headers: IncomingHttpHeaders = {}, url = "/b/k") =>
    door.authenticate({ method: "PUT", url, headers: { host: "h", authorization, ...headers } });
  const code = (expected: string) => (error: unknown) => error instanceof S3Error && error.code === expected;

  for (const authorization of ["Bearer mill_abc", "bearer  mill_abc "]) {
    const { actor, signing } = await ask(authorization);
    assert.deepEqual([actor, signing.payload], [owner, "UNSIGNED-PAYLOAD"]);
  }
  const { signing } = await ask("Bearer mill_abc");
  const md5 = { "content-length": "1", "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==" };
  assert.throws(() => verifySmall(md5, signing, Buffer.from("x")), code("BadDigest"));
  const digest = await ask("Bearer mill_abc", { "x-amz-content-sha256": EMPTY });
  assert.throws(
    () => verifySmall({ "content-length": "1" }, digest.signing, Buffer.from("x")),
    code("XAmzContentSHA256Mismatch"),
  );

  await assert.rejects(ask("Bearer mill_abcd"), { code: "guard.token-wrong" });
  await assert.rejects(ask("Bearer "), code("InvalidArgument"));
  await assert.rejects(ask("Bearer mill_abc", {}, "/b/k?X-Amz-Signature=0"), code("InvalidArgument"));
  const chunks = { "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" };
  await assert.rejects(ask("Bearer mill_abc", chunks), code("InvalidRequest"));
  current = null;
  await assert.rejects(ask("Bearer mill_abc"), { code: "guard.token-wrong" });

  current = "mill_abc";
  await assert.rejects(
    createAuthenticator({ keys, now: () => NOW }).authenticate({
      method: "GET",
      url: "/b",
      headers: { authorization: "Bearer mill_abc" },
    }),
    code("InvalidArgument"),
  );
  const request = signed({ url: "/b/k", headers: { host: "h" }, atMs: NOW });
  assert.equal((await door.authenticate(request)).keyId, key.id);
});
