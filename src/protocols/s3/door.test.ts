import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { openDoor, send } from "./fixtures/open-door.ts";
import { presigned, signed } from "./fixtures/sign.ts";
import { patiently } from "./patience.ts";
import type { S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";

test("over https what is put is got, with the checksum as a trailer", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mill-s3-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, ...subject],
    {
      stdio: "ignore",
    },
  );
  const door = await openDoor({ tls: { key: readFileSync(key), cert: readFileSync(cert) } });
  const s3 = new S3Client({
    endpoint: door.url,
    region: "eu-central-1",
    forcePathStyle: true,
    credentials: { accessKeyId: door.key.id, secretAccessKey: door.key.secret },
    requestHandler: { httpsAgent: new TlsAgent({ ca: readFileSync(cert) }) },
  });
  await s3.send(new CreateBucketCommand({ Bucket: "secure" }));
  for (const size of [10, 1_000_000]) {
    const Body = Buffer.alloc(size, "x");
    await s3.send(new PutObjectCommand({ Bucket: "secure", Key: "x", Body, ChecksumAlgorithm: "CRC32C" }));
    const got = await s3.send(new GetObjectCommand({ Bucket: "secure", Key: "x", ChecksumMode: "ENABLED" }));
    assert.ok(Buffer.from(await got.Body!.transformToByteArray()).equals(Body));
    assert.equal(typeof got.ChecksumCRC32C, "string");
  }
  s3.destroy();
  await door.close();
  rmSync(folder, { recursive: true });
});

test("where a domain is set a bucket may stand in the host, and in the path as well", async () => {
  const door = await openDoor({ domain: "s3.test" });
  await door.repositories.create({ name: "hosted", actor: "tests", bucketBranch: "main" });
  const ask = (host: string, url: string, method = "GET", body = "") =>
    door.ask({ method, url, headers: { host }, body }).then(({ status, body }) => [status, body.toString()]);
  assert.equal((await ask("hosted.s3.test", "/a/b", "PUT", "x"))[0], 200);
  assert.deepEqual(await ask("hosted.s3.test:4748", "/a/b"), [200, "x"]);
  assert.deepEqual(await ask("HOSTED.main.S3.test", "/a/b"), [200, "x"]);
  assert.deepEqual(await ask("s3.test", "/hosted/a/b"), [200, "x"]);
  assert.deepEqual(await ask("127.0.0.1", "/hosted/a/b"), [200, "x"]);
  await door.close();
});

test("a presigned address carries headers of the object, which is stored with them", async () => {
  const door = await openDoor();
  await door.repositories.create({ name: "links", actor: "tests", bucketBranch: "main" });
  const { host, hostname, port } = new URL(door.url);
  const link = presigned({ method: "PUT", url: "/links/x?x-amz-meta-a=1", headers: { host }, key: door.key, atMs: Date.now() });
  const answer = await send({ hostname, port, method: "PUT", path: link.url, headers: link.headers }, "by link");
  assert.equal(answer.status, 200);
  assert.deepEqual((await door.repositories.of("links").entry("main", "x"))?.metadata, { a: "1" });
  await door.close();
});

test("each request is told in one line of the log, without what is secret", async () => {
  const door = await openDoor();
  await door.repositories.create({ name: "logged", actor: "tests", bucketBranch: "main" });
  await door.ask({ method: "PUT", url: "/logged/a%20b", body: "12345" });
  await door.ask({ url: "/logged/a%20b" });
  await door.ask({ url: "/logged/none", key: { ...door.key, secret: "wrong" } });
  assert.deepEqual(
    door.access.map(({ actor, method, bucket, key, status, bytes }) => [actor, method, bucket, key, status, bytes]),
    [
      ["writer", "PUT", "logged", "a b", 200, 5],
      ["writer", "GET", "logged", "a b", 200, 5],
      [undefined, "GET", undefined, undefined, 403, 0],
    ],
  );
  assert.equal(JSON.stringify(door.access).includes(door.key.secret), false);
  await door.close();
});

test("a connection serves one request after the other, also after refusals of bodies that were not read", async () => {
  const door = await openDoor();
  await door.repositories.create({ name: "kept", actor: "tests", bucketBranch: "main" });
  const { host, hostname, port } = new URL(door.url);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<unknown>();
  const ask = (method: string, url: string, body: string, key = door.key) =>
    new Promise<number>((resolve, reject) => {
      const asked = signed({ method, url, headers: { host }, key, atMs: Date.now(), payload: "UNSIGNED-PAYLOAD" });
      const outgoing = httpRequest({ hostname, port, method, path: url, headers: asked.headers, agent }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode!));
      });
      outgoing.on("socket", (socket) => sockets.add(socket)).on("error", reject);
      outgoing.end(body);
    });
  const big = "x".repeat(1_000_000);
  assert.equal(await ask("PUT", "/kept/x", big, door.reader), 403);
  assert.equal(await ask("PUT", "/missing/x", big), 404);
  assert.equal(await ask("PUT", "/kept/x", big), 200);
  assert.equal(await ask("GET", "/kept/y", ""), 404);
  assert.equal(await ask("GET", "/kept/x", ""), 200);
  assert.equal(sockets.size, 1);
  agent.destroy();
  await door.close();
});

test("stopping lets what is under way finish, and takes nothing more", async () => {
  const door = await openDoor();
  await door.repositories.create({ name: "stopped", actor: "tests", bucketBranch: "main" });
  const { host, hostname, port } = new URL(door.url);
  const body = "x".repeat(1_000_000);
  const { headers } = signed({
    ...{ method: "PUT", url: "/stopped/x", key: door.key, atMs: Date.now(), payload: "UNSIGNED-PAYLOAD" },
    headers: { host, "content-length": String(body.length) },
  });
  const socket = connect(Number(port), hostname);
  let got = "";
  socket.on("data", (chunk) => {
    got += chunk;
  });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`PUT /stopped/x HTTP/1.1\r\n${lines.join("")}\r\n${body.slice(0, 500_000)}`);
  while (door.access.length === 0 && socket.bytesWritten < 500_000) await new Promise((resolve) => setImmediate(resolve));
  const idle = connect(Number(port), hostname);
  await new Promise((resolve) => idle.once("connect", resolve));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const stopped = door.stop();
  socket.write(body.slice(500_000));
  await Promise.all([stopped, closed]);
  assert.match(got, /^HTTP\/1\.1 200 OK/);
  assert.equal((await door.repositories.of("stopped").entry("main", "x"))?.sizeBytes, body.length);
});

test("a port that is taken is told", async () => {
  const door = await openDoor();
  await assert.rejects(openDoor({ port: Number(new URL(door.url).port) }), { code: "server.port-taken" });
  await door.close();
});

test("work that takes long is answered at once with white space, then with the document or the error", async () => {
  const request = { id: "ID" } as S3Request;
  const report = () => new S3Error("InvalidPart", "words");
  const text = async (inner: Promise<string>, silenceMs: number) => {
    const { status, body } = await patiently(request, "Result", inner, { report }, silenceMs);
    let all = "";
    if (typeof body === "string") all = body;
    else for await (const piece of body as AsyncIterable<string>) all += piece;
    return [status, all.replace(/ xmlns="[^"]*"/, "")];
  };
  const late = <T>(give: () => T) => new Promise<void>((resolve) => setTimeout(resolve, 30)).then(give);
  assert.deepEqual(await text(Promise.resolve("<A/>"), 1000), [
    200,
    '<?xml version="1.0" encoding="UTF-8"?>\n<Result><A/></Result>',
  ]);
  const [status, waited] = await text(
    late(() => "<A/>"),
    5,
  );
  assert.equal(status, 200);
  assert.match(String(waited), /^<\?xml version="1.0" encoding="UTF-8"\?>\n +<Result><A\/><\/Result>$/);
  const failed = await text(
    late(() => {
      throw new Error("x");
    }) as Promise<string>,
    5,
  );
  assert.match(
    String(failed[1]),
    / +<Error><Code>InvalidPart<\/Code><Message>words<\/Message><RequestId>ID<\/RequestId><\/Error>$/,
  );
  await assert.rejects(text(Promise.reject(new S3Error("InvalidPart")), 1000), { code: "InvalidPart" });
});
