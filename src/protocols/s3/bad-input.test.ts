import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createFileObjects, type Objects } from "../../ports/objects/index.ts";
import { checksumOf } from "./checksums.ts";
import { type Answer, openDoor, send, type TestDoor } from "./fixtures/open-door.ts";
import { chunked, presigned, signed } from "./fixtures/sign.ts";

let door: TestDoor;
let host: string;

before(async () => {
  door = await openDoor();
  host = new URL(door.url).host;
  await door.repositories.create({ name: "bad", actor: "tests", bucketBranch: "main" });
});
after(() => door.close());

const codeOf = ({ status, body }: Answer) => [/<Code>(.*?)<\/Code>/.exec(body.toString())?.[1], status];
const sha256 = (text: string | Uint8Array) => createHash("sha256").update(text).digest("hex");
const stored = async (key: string) => door.repositories.of("bad").entry("main", key);

/** Bytes as they are on the wire; gives what came back until the connection ended or fell silent. */
function raw(text: string | Uint8Array, { end = true } = {}): Promise<string> {
  const { hostname, port } = new URL(door.url);
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(Number(port), hostname, () => (end ? socket.end(text) : socket.write(text)));
    socket.on("data", (chunk) => {
      got += chunk;
    });
    socket.on("error", () => resolve(got));
    socket.on("close", () => resolve(got));
  });
}

const head = ({ method, url, headers }: ReturnType<typeof signed>) =>
  `${method} ${url} HTTP/1.1\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;

test("a body that ends too early is not stored, small or streamed", async () => {
  for (const [key, announced] of [
    ["short", 100],
    ["short-streamed", 1_000_000],
  ] as const) {
    const request = signed({
      ...{ method: "PUT", url: `/bad/${key}`, key: door.key, atMs: Date.now(), payload: "UNSIGNED-PAYLOAD" },
      headers: { host, "content-length": String(announced) },
    });
    await raw(head(request) + "too short");
    assert.equal(await stored(key), null);
  }
});

test("a body that is not what its digest says is refused and not stored", async () => {
  const wrong = sha256("something else");
  for (const body of ["small", "x".repeat(200_000)]) {
    const put = (headers: Record<string, string>, payload = "UNSIGNED-PAYLOAD") =>
      door.ask({ method: "PUT", url: "/bad/digest", body, headers, payload }).then(codeOf);
    assert.deepEqual(await put({}, wrong), ["XAmzContentSHA256Mismatch", 400]);
    assert.deepEqual(await put({ "content-md5": createHash("md5").update("other").digest("base64") }), ["BadDigest", 400]);
    assert.deepEqual(await put({ "content-md5": "not base64" }), ["InvalidDigest", 400]);
    assert.deepEqual(await put({ "x-amz-checksum-crc32": "AAAAAA==" }), ["BadDigest", 400]);
    assert.deepEqual(await put({ "x-amz-checksum-sha256": Buffer.from(wrong, "hex").toString("base64") }), ["BadDigest", 400]);
  }
  assert.equal(await stored("digest"), null);
});

test("a chunked body is taken whole or not at all", async () => {
  const content = Buffer.from("x".repeat(100_000));
  const put = (body: Uint8Array, decoded = content.byteLength) =>
    door
      .ask({
        ...{ method: "PUT", url: "/bad/chunked", body, payload: "STREAMING-UNSIGNED-PAYLOAD-TRAILER" },
        headers: {
          "x-amz-decoded-content-length": String(decoded),
          "x-amz-trailer": "x-amz-checksum-crc32",
          "content-encoding": "aws-chunked",
        },
      })
      .then(codeOf);
  const framed = (crc32: string) => chunked(content, [8192, 60_000], { "x-amz-checksum-crc32": crc32 });
  assert.deepEqual(await put(framed("AAAAAA==")), ["BadDigest", 400]);
  assert.deepEqual(await put(framed("AAAAAA=="), 99_999), ["InvalidRequest", 400]);
  assert.deepEqual(await put(framed("AAAAAA=="), 100_001), ["IncompleteBody", 400]);
  assert.deepEqual(await put(chunked(content, [8192], {})), ["MalformedTrailerError", 400]);
  assert.equal(await stored("chunked"), null);
  assert.deepEqual(await put(framed(checksumOf("crc32", content))), [undefined, 200]);
  const entry = await stored("chunked");
  assert.deepEqual([entry?.sizeBytes, entry?.headers], [100_000, undefined]);
});

test("who does not sign, signs wrongly, too early, too late or with an unknown key is told so", async () => {
  const atMs = Date.now();
  const ask = (request: ReturnType<typeof signed>) =>
    send({
      host: "127.0.0.1",
      port: new URL(door.url).port,
      method: request.method,
      path: request.url,
      headers: request.headers,
    }).then(codeOf);
  const options = { url: "/bad", headers: { host }, key: door.key, atMs };
  assert.deepEqual(await ask({ method: "GET", url: "/bad", headers: { host } }), ["AccessDenied", 403]);
  assert.deepEqual(await ask(signed({ ...options, key: { ...door.key, secret: "wrong" } })), ["SignatureDoesNotMatch", 403]);
  assert.deepEqual(await ask(signed({ ...options, key: { ...door.key, id: "MILLUNKNOWN" } })), ["InvalidAccessKeyId", 403]);
  for (const minutes of [-16, 16])
    assert.deepEqual(await ask(signed({ ...options, atMs: atMs + minutes * 60_000 })), ["RequestTimeTooSkewed", 403]);
  assert.deepEqual(await ask(presigned(options)), [undefined, 200]);
  assert.deepEqual(await ask(presigned({ ...options, atMs: atMs - 3600_000, expiresS: 60 })), ["AccessDenied", 403]);
  assert.deepEqual(await ask(presigned({ ...options, expiresS: 700_000 })), ["AuthorizationQueryParametersError", 400]);
});

test("an error of HEAD has no body, every other one is a document with the request's id", async () => {
  const missing = await door.ask({ method: "HEAD", url: "/bad/missing" });
  assert.deepEqual([missing.status, missing.body.byteLength], [404, 0]);
  const got = await door.ask({ url: "/bad/a%26%3C%01b" });
  assert.equal(got.headers["content-type"], "application/xml");
  assert.match(
    got.body.toString(),
    new RegExp(
      `^<\\?xml version="1.0" encoding="UTF-8"\\?>\n<Error><Code>NoSuchKey</Code><Message>.*</Message><Key>a&amp;&lt;&#x1;b</Key><RequestId>${got.headers["x-amz-request-id"]}</RequestId></Error>$`,
    ),
  );
});

test("addresses that cannot be read are refused, those that only look odd are keys", async () => {
  for (const url of ["/bad/%zz", "/bad/%ff", "/bad/%c3", "/bad/%ed%a0%80", "/bad?prefix=%"])
    assert.equal((await door.ask({ url })).status, 400, url);
  assert.deepEqual(codeOf(await door.ask({ method: "PUT", url: "/bad/nul%00", body: "x" })), ["InvalidArgument", 400]);
  for (const [url, key] of [
    ["/bad/../x", "../x"],
    ["/bad/%2e%2e/%2E", "../."],
    ["/bad//", "/"],
    ["/bad/a+b%2Bc", "a+b+c"],
    ["/bad/%2F%3F%23", "/?#"],
  ] as const) {
    assert.equal((await door.ask({ method: "PUT", url, body: key })).status, 200, url);
    assert.equal((await stored(key))?.sizeBytes, key.length);
  }
  assert.equal((await door.ask({ method: "PUT", url: `/bad/${"k".repeat(1025)}`, body: "x" })).status, 400);
});

test("documents that are none are refused", async () => {
  const remove = (body: string, headers: Record<string, string> = {}) =>
    door.ask({ method: "POST", url: "/bad?delete", body, payload: sha256(body), headers }).then(codeOf);
  for (const body of [
    "",
    "no xml",
    "<Delete>",
    "<Delete/>",
    "<Other><Object><Key>x</Key></Object></Other>",
    "<Delete><Object></Object></Delete>",
    "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
    '<!DOCTYPE x [<!ENTITY e "boom">]><Delete><Object><Key>&e;</Key></Object></Delete>',
    "<Delete><Object><Key>&#xD800;</Key></Object></Delete>",
  ])
    assert.deepEqual(await remove(body), ["MalformedXML", 400], body);
  const huge = `<Delete>${" ".repeat(9 * 1024 ** 2)}</Delete>`;
  assert.deepEqual(await remove(huge), ["EntityTooLarge", 400]);
  const unsigned = await door.ask({ method: "POST", url: "/bad?delete", body: "<Delete><Object><Key>x</Key></Object></Delete>" });
  assert.deepEqual(codeOf(unsigned), ["InvalidRequest", 400]);
});

test("a length is needed, and more than 5 GiB in one request is refused before a byte of it is read", async () => {
  const put = (headers: Record<string, string>) =>
    raw(
      head(
        signed({
          method: "PUT",
          url: "/bad/long",
          key: door.key,
          atMs: Date.now(),
          payload: "UNSIGNED-PAYLOAD",
          headers: { host, connection: "close", ...headers },
        }),
      ),
      { end: false },
    );
  assert.match(await put({}), /411 Length Required[\s\S]*MissingContentLength/);
  assert.match(await put({ "content-length": String(6 * 1024 ** 3) }), /400 Bad Request[\s\S]*EntityTooLarge/);
});

test("a client that waits for 100 Continue sends its body only when it will be taken", async () => {
  const ask = (key: { id: string; secret: string }, name: string) =>
    signed({
      ...{ method: "PUT", url: `/bad/${name}`, key, atMs: Date.now(), payload: "UNSIGNED-PAYLOAD" },
      headers: { host, "content-length": "5", expect: "100-continue", connection: "close" },
    });
  const refused = await raw(head(ask(door.reader, "expect")), { end: false });
  assert.match(refused, /^HTTP\/1\.1 403 /);
  assert.doesNotMatch(refused, /100 Continue/);
  const taken = await raw(`${head(ask(door.key, "expect"))}hello`, { end: false });
  assert.match(taken, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  assert.equal((await stored("expect"))?.sizeBytes, 5);
});

test("bytes that are no HTTP, and headers without end, close the connection with a status", async () => {
  assert.match(await raw("nonsense\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.match(await raw(`GET / HTTP/1.1\r\nhost: ${host}\r\nx: ${"y".repeat(40_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
});

test("a failure of ours is an internal error without our words, which are in the log with the request's id", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mill-s3-broken-"));
  const files = createFileObjects(folder);
  const objects: Objects = { ...files, put: () => Promise.reject(new Error("secret of the disk")) };
  let broken = false;
  const switched = new Proxy(files, { get: (target, name) => Reflect.get(broken ? objects : target, name) });
  const other = await openDoor({ objects: switched });
  await other.repositories.create({ name: "bad", actor: "tests", bucketBranch: "main" });
  broken = true;
  const answer = await other.ask({ method: "PUT", url: "/bad/x", body: "x" });
  broken = false;
  assert.deepEqual(codeOf(answer), ["InternalError", 500]);
  assert.doesNotMatch(answer.body.toString(), /secret/);
  assert.equal(other.errors[0]?.requestId, answer.headers["x-amz-request-id"]);
  assert.match(String(other.errors[0]?.message), /secret of the disk/);
  await other.close();
  rmSync(folder, { recursive: true, force: true });
});
