import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openTokens } from "../../guard/index.ts";
import { openDoor, send, type TestDoor } from "./fixtures/open-door.ts";

let door: TestDoor;
before(async () => {
  door = await openDoor();
  await door.repositories.create({ name: "many", actor: "tests" });
});
after(() => door.close());

function frame(path: string, content: Uint8Array, more: object = {}): Buffer {
  const md5 = hash("md5", content, "hex");
  const header = Buffer.from(JSON.stringify({ path, sizeBytes: content.byteLength, md5, ...more }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.byteLength);
  return Buffer.concat([length, header, content]);
}

const post = async (body: Uint8Array, bucket = "many.main", key = door.key) => {
  const answer = await door.ask({
    method: "POST",
    url: `/${bucket}?import`,
    body,
    key,
    headers: { "content-length": String(body.byteLength) },
  });
  return { status: answer.status, text: answer.body.toString() };
};
const paths = async () => (await door.repositories.of("many").list("main", { limit: 1000 })).entries.map(({ path }) => path);

test("many objects go in with one request, in any order, as if each were put", async () => {
  const contents = Array.from({ length: 300 }, (_, i) => randomBytes(i));
  const body = Buffer.concat(contents.map((content, i) => frame(`f/${299 - i}`, content, { contentType: "image/png" })));
  assert.match((await post(body)).text, /<Imported>300<\/Imported>/);
  const got = await door.ask({ url: "/many/main/f/12" });
  assert.ok(got.body.equals(contents[287]!));
  assert.deepEqual([got.headers["content-type"], got.headers.etag], ["image/png", `"${hash("md5", contents[287]!, "hex")}"`]);
  assert.match((await post(frame("f/12", Buffer.from("new")))).text, /<Imported>1</);
  assert.equal((await door.ask({ url: "/many/main/f/12" })).body.toString(), "new");
  assert.match((await post(Buffer.alloc(0))).text, /<Imported>0</);
});

test("of a body that is not as it must be nothing goes in", async () => {
  const before = await paths();
  const good = frame("good", Buffer.from("good"));
  const bad: readonly (readonly [Buffer, RegExp])[] = [
    [frame("x", Buffer.from("x"), { md5: "0".repeat(32) }), /BadDigest/],
    [frame("x".repeat(1025), Buffer.from("x")), /KeyTooLongError/],
    [frame("a\0b", Buffer.from("x")), /InvalidArgument/],
    [frame("", Buffer.from("x")), /no path/],
    [frame("good", Buffer.from("twice")), /a path comes twice/],
    [frame("x", Buffer.from("x"), { sizeBytes: -1 }), /no sizeBytes/],
    [frame("x", Buffer.from("x"), { sizeBytes: 2 }), /ends within a frame/],
    [frame("x", Buffer.from("x"), { contentType: 1 }), /contentType/],
    [Buffer.from([1, 0, 0]), /ends within a frame/],
    [Buffer.from([255, 255, 255, 255]), /ends within a frame/],
    [Buffer.from([1, 0, 0, 0, 0x7b]), /not JSON/],
    [Buffer.from([4, 0, 0, 0, ...Buffer.from("null")]), /no path/],
  ];
  for (const [body, why] of bad) {
    const { status, text } = await post(Buffer.concat([good, body]));
    assert.ok(status >= 400 && status < 500, text);
    assert.match(text, why);
  }
  assert.match((await post(Buffer.alloc((16 << 20) + 1))).text, /EntityTooLarge/);
  assert.deepEqual(await paths(), before);
});

test("where nothing can be written it says so", async () => {
  const body = frame("x", Buffer.from("x"));
  const repository = door.repositories.of("many");
  await repository.createTag("v1", "main");
  await repository.createBranch("kept", "main");
  await repository.protect("kept", true);
  assert.match((await post(body, "many")).text, /Name the branch/);
  assert.match((await post(body, "many.v1")).text, /AccessDenied/);
  assert.match((await post(body, "many.kept")).text, /AccessDenied/);
  assert.match((await post(body, "many.none")).text, /NoSuchBucket/);
  assert.match((await post(body, "none.main")).text, /NoSuchBucket/);
  assert.match((await post(body, "many.main", door.reader)).text, /AccessDenied/);
});

test("over HTTP the platform's token does what a key does; a wrong, a renewed or an unexpected one does nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mill-s3-token-"));
  const tokens = await openTokens({ records: door.records, workspace: folder });
  const [taking, other] = [await openDoor({ bearer: tokens.bearer }), await openDoor()];
  for (const { repositories } of [taking, other]) await repositories.create({ name: "many", actor: "tests" });
  const ask = async (token: string, { url } = taking) => {
    const { hostname, port } = new URL(url);
    const headers = { authorization: `Bearer ${token}`, "content-length": 1 };
    return (await send({ hostname, port, method: "PUT", path: "/many.main/by-token", headers }, "x")).status;
  };
  const first = tokens.current();
  assert.deepEqual([await ask(first), await ask(`${first}x`), await ask(first, other)], [200, 403, 400]);
  await tokens.renew();
  assert.deepEqual([await ask(first), await ask(tokens.current())], [403, 200]);
  await taking.close();
  await other.close();
  rmSync(folder, { recursive: true });
});
