import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import fc from "fast-check";
import { createCollector, createTree, createUploads } from "../../lake/index.ts";
import { createFileObjects, DISK, type FileEffects } from "../../ports/objects/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { artifactPath } from "./artifact-path.ts";
import { type Artifact, createArtifacts } from "./artifacts.ts";

const root = mkdtempSync(join(tmpdir(), "mill-artifacts-"));
const DAY_MS = 24 * 3_600_000;

async function openArtifacts(effects?: FileEffects) {
  const folder = mkdtempSync(join(root, "store-"));
  const clock = { ms: 1_750_000_000_000 };
  const now = () => clock.ms;
  const objects = createFileObjects(join(folder, "objects"), { now, ...(effects && { effects }) });
  const records = await openTestRecords(join(folder, "mill.db"));
  const uploads = createUploads({ records, objects, clock: now });
  const collector = createCollector({ records, objects, tree: createTree(objects), uploads, clock: now });
  after(async () => {
    await objects.close();
    await records.close();
  });
  const artifacts = createArtifacts({ records, objects, uploads, now });
  return {
    artifacts,
    objects,
    records,
    put: (path: string, text: string) => artifacts.put(path, chunks(text)),
    text: async (artifact: Artifact, range?: { start: number; end: number }) =>
      Buffer.concat(await Readable.from(artifacts.read(artifact, range)).toArray()).toString(),
    collect: () => {
      clock.ms += 3 * DAY_MS;
      return collector.collect({ remove: true });
    },
  };
}
after(() => rmSync(root, { recursive: true, force: true }));

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

const shared = await openArtifacts();

test("a file is read back whole and in ranges, and a folder shows what lies directly in it", async () => {
  const { artifacts, put, text } = shared;
  await put("1/r/artifacts/model/MLmodel", "flavors: {}");
  await put("1/r/artifacts/model/data/weights.bin", "0123456789");
  await put("1/r/artifacts/notes.txt", "");
  await put("1/r/artifacts/model.txt", "a name that sorts before the folder's end");
  const weights = await artifacts.find("1/r/artifacts/model/data/weights.bin");
  assert.equal(await text(weights), "0123456789");
  assert.equal(await text(weights, { start: 2, end: 5 }), "234");
  assert.deepEqual(await artifacts.list("1/r/artifacts"), [
    { name: "model.txt", sizeBytes: 41 },
    { name: "model", sizeBytes: null },
    { name: "notes.txt", sizeBytes: 0 },
  ]);
  assert.deepEqual(await artifacts.list("1/r/artifacts/model/"), [
    { name: "MLmodel", sizeBytes: 11 },
    { name: "data", sizeBytes: null },
  ]);
  assert.deepEqual(await artifacts.list("1/r/artifacts/notes.txt"), []);
  await assert.rejects(artifacts.find("1/r/artifacts/model"), { code: "artifact.missing" });
  await assert.rejects(put("1/r/artifacts/model", "x"), { code: "artifact.folder" });
  await assert.rejects(put("1/r/artifacts/notes.txt/below", "x"), { code: "artifact.folder" });
});

test("a path that leads astray is refused in every decoding", () => {
  const astray = ["../a", "a/../b", "a/./b", "/a", "a//b", "a\\b", "a\0b", "a#b", "C:/a", "file:///etc/passwd", "a\nb", "\ud800"];
  for (const path of astray) {
    let encoded = path;
    for (let times = 0; times < 4; times++) {
      assert.throws(() => artifactPath(encoded), { code: "artifact.path", message: "Invalid path" }, encoded);
      if (!encoded.isWellFormed()) break;
      encoded = [...encoded]
        .map((one) => (/[\w%]/.test(one) ? one : `%${one.charCodeAt(0).toString(16).padStart(2, "0")}`))
        .join("");
      encoded = times === 0 ? encoded.replaceAll(".", "%2e") : encodeURIComponent(encoded);
    }
  }
  for (const path of ["a/b", "100%.txt", "a b", "ünïcode/☃.txt", "a..b", "...", ".hidden", "x%20y", "a'b"])
    assert.equal(artifactPath(path), path);
  assert.throws(() => artifactPath("x".repeat(1025)), { code: "artifact.path" });
});

test("an upload that breaks off leaves the file as it was, and of two at once the later one stays whole", async () => {
  const { artifacts, put, text } = shared;
  await put("2/r/artifacts/a", "before");
  async function* broken() {
    yield Buffer.alloc(3_000_000, 1);
    throw new Error("the client is gone");
  }
  await assert.rejects(artifacts.put("2/r/artifacts/a", broken()), /the client is gone/);
  await assert.rejects(artifacts.put("2/r/artifacts/b", broken()), /the client is gone/);
  assert.equal(await text(await artifacts.find("2/r/artifacts/a")), "before");
  assert.deepEqual(await artifacts.list("2/r/artifacts"), [{ name: "a", sizeBytes: 6 }]);
  const written = await Promise.all(Array.from({ length: 16 }, (_, index) => put("2/r/artifacts/a", `writer ${index}`)));
  const kept = await artifacts.find("2/r/artifacts/a");
  assert.ok(written.some(({ digest }) => digest === kept.digest));
  assert.match(await text(kept), /^writer \d+$/);
});

test("a disk that is full is told, and leaves the file as it was, small or large", async () => {
  let isFull = false;
  const full = () => Promise.reject(Object.assign(new Error("no space left on device"), { code: "ENOSPC" }));
  const write: FileEffects["write"] = (...args) => (isFull ? full() : DISK.write(...args));
  const { artifacts, put, text } = await openArtifacts({ ...DISK, write });
  await put("1/r/artifacts/a", "before");
  isFull = true;
  for (const size of [10, 3_000_000])
    await assert.rejects(put("1/r/artifacts/a", "x".repeat(size)), { code: "object.disk-full" });
  isFull = false;
  assert.equal(await text(await artifacts.find("1/r/artifacts/a")), "before");
  await put("1/r/artifacts/a", "after");
  assert.equal(await text(await artifacts.find("1/r/artifacts/a")), "after");
});

test("an object is kept as long as one path names it, and goes with the next collection after that", async () => {
  const { artifacts, objects, put, collect } = await openArtifacts();
  const { digest: shared } = await put("1/r/artifacts/a", "the same");
  await put("1/s/artifacts/a", "the same");
  const { digest: replaced } = await put("1/s/artifacts/b", "first");
  await put("1/s/artifacts/b", "second");
  assert.equal(await artifacts.remove("1/r"), 1);
  await collect();
  assert.equal(await objects.sizeOf(replaced), null);
  assert.notEqual(await objects.sizeOf(shared), null);
  assert.equal(await artifacts.remove("1/s/artifacts"), 2);
  assert.equal(await artifacts.remove("1/s/artifacts"), 0);
  await collect();
  assert.deepEqual(
    (await Readable.from(objects.list()).toArray()).map(({ sizeBytes }) => sizeBytes === 8),
    [false, false],
  ); // the proofs of collections
  await assert.rejects(artifacts.remove(""), { code: "artifact.path" });
});

test("parts become the file when the upload is completed, in their order, and once", async () => {
  const { artifacts, text } = shared;
  const path = "3/r/artifacts/big";
  const upload = await artifacts.beginUpload(path, "tests");
  const etags = await Promise.all([2, 1, 3].map((number) => artifacts.putPart(upload, number, chunks(`part ${number};`))));
  const parts = [1, 2, 3].map((number) => ({ number, etag: etags[[2, 1, 3].indexOf(number)]! }));
  await assert.rejects(artifacts.completeUpload(upload, path, [parts[1]!, parts[0]!]), { code: "artifact.upload" });
  await assert.rejects(artifacts.completeUpload(upload, path, [{ number: 1, etag: "other" }]), { code: "artifact.upload" });
  await assert.rejects(artifacts.completeUpload(upload, "3/r/artifacts/other", parts), { code: "artifact.upload" });
  await assert.rejects(artifacts.find(path), { code: "artifact.missing" });
  const made = await artifacts.completeUpload(upload, path, parts);
  assert.equal(await text(made), "part 1;part 2;part 3;");
  assert.deepEqual(await artifacts.completeUpload(upload, path, parts), made);

  const aborted = await artifacts.beginUpload("3/r/artifacts/none", "tests");
  await artifacts.putPart(aborted, 1, chunks("x"));
  await artifacts.abortUpload(aborted, "3/r/artifacts/none");
  await assert.rejects(artifacts.putPart(aborted, 2, chunks("x")), { code: "artifact.upload" });
  await assert.rejects(artifacts.putPart("nothing", 1, chunks("x")), { code: "artifact.upload" });
});

test("any sequence of puts and removals leaves what a map of paths would hold, seen from every folder", async () => {
  const { artifacts } = await openArtifacts();
  const name = fc.constantFrom("a", "b", "a.txt", "a0", "a-", "ä", "💧");
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
  const act = fc.record({ put: fc.boolean(), path });
  const isBelow = (one: string, folder: string) => folder === "" || one.startsWith(`${folder}/`);
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
      for (const { name } of await artifacts.list("")) await artifacts.remove(name);
      const model = new Set<string>();
      for (const { put, path } of acts) {
        const clashes = [...model].some((one) => isBelow(one, path) || isBelow(path, one));
        if (!put) {
          const gone = [...model].filter((one) => one === path || isBelow(one, path));
          assert.equal(await artifacts.remove(path), gone.length);
          for (const one of gone) model.delete(one);
        } else if (clashes) await assert.rejects(artifacts.put(path, chunks(path)), { code: "artifact.folder" });
        else {
          await artifacts.put(path, chunks(path));
          model.add(path);
        }
      }
      for (const folder of ["", "a", "a/b", "ä", "a.txt"]) {
        const below = [...model]
          .filter((one) => isBelow(one, folder))
          .map((one) => one.slice(folder === "" ? 0 : folder.length + 1));
        const expected = new Set(below.map((one) => (one.includes("/") ? `${one.split("/")[0]}/` : one)));
        const listed = await artifacts.list(folder);
        assert.deepEqual(new Set(listed.map(({ name, sizeBytes }) => (sizeBytes === null ? `${name}/` : name))), expected);
        assert.equal(listed.length, expected.size);
        assert.deepEqual(
          new Set((await Readable.from(artifacts.under(folder)).toArray()).map(({ path }) => path)),
          new Set([...model].filter((one) => isBelow(one, folder))),
        );
      }
    }),
    { numRuns: 30 },
  );
});

test("a folder of more files than a page holds is listed whole", async () => {
  const { artifacts, records } = await openArtifacts();
  const insert = (path: string) => ({
    sql: "INSERT INTO artifacts (path, digest, size_bytes, modified_at) VALUES (?, 'sha256:0', 1, 0)",
    params: [path],
  });
  const deep = Array.from({ length: 2500 }, (_, index) => `1/deep/${index}`);
  const flat = Array.from({ length: 2500 }, (_, index) => `1/f${String(index).padStart(4, "0")}`);
  await records.commit([...deep, ...flat, "1/deep0"].map(insert));
  const listed = await artifacts.list("1");
  assert.deepEqual(
    listed.map(({ name }) => name),
    ["deep", "deep0", ...flat.map((path) => path.slice(2))],
  );
  assert.equal((await artifacts.list("1/deep")).length, 2500);
  const paged: string[] = [];
  for (let after = ""; ; ) {
    const page = await artifacts.list("1", { after, limit: 700 });
    paged.push(...page.map(({ name }) => name));
    if (page.length < 700) break;
    after = `${page.at(-1)!.name}${page.at(-1)!.sizeBytes === null ? "/" : ""}`;
  }
  assert.deepEqual(paged, ["deep", "deep0", ...flat.map((path) => path.slice(2))]);
});
