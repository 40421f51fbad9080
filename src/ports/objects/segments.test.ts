import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { createRandom, type Digest, digestOf } from "../../base/index.ts";
import { DISK, type FileEffects } from "./disk.ts";
import { createFileObjects, type FileObjectsOptions } from "./files.ts";
import type { Objects } from "./objects.ts";

const root = mkdtempSync(join(tmpdir(), "mill-segments-"));
after(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const newFolder = () => join(root, `${made++}`);

/** Segments of a few records each, that anybody may take over at once: what is rare happens all the time. */
const TINY: FileObjectsOptions = { segmentBytesMax: 4096, abandonedMs: -1000 };

const segmentsIn = (folder: string, ending = ".seg") =>
  readdirSync(join(folder, "segments"))
    .filter((name) => name.endsWith(ending))
    .sort();
const bytesIn = (folder: string) =>
  segmentsIn(folder).reduce((sum, name) => sum + statSync(join(folder, "segments", name)).size, 0);
const contentOf = (number: number) => Buffer.from(`content ${number} `.repeat(1 + (number % 30)));

async function listed(objects: Objects): Promise<Set<Digest>> {
  const digests = new Set<Digest>();
  for await (const { digest } of objects.list()) {
    assert.ok(!digests.has(digest), "listed once");
    digests.add(digest);
  }
  return digests;
}

async function holdsExactly(objects: Objects, contents: Iterable<Buffer>): Promise<void> {
  const wanted = new Map([...contents].map((bytes) => [digestOf(bytes), bytes]));
  assert.deepEqual(await listed(objects), new Set(wanted.keys()));
  for (const [digest, bytes] of wanted) assert.ok(bytes.equals(await objects.get(digest)));
}

async function holdsAtLeast(objects: Objects, contents: Iterable<Buffer>): Promise<void> {
  const found = await listed(objects);
  for (const bytes of contents) {
    assert.ok(found.has(digestOf(bytes)));
    assert.ok(bytes.equals(await objects.get(digestOf(bytes))));
  }
}

test("objects put at once share a write and a sync", async () => {
  const calls = { write: 0, syncData: 0 };
  const counting: FileEffects = {
    ...DISK,
    write: (...asked) => DISK.write(...asked).finally(() => calls.write++),
    syncData: (...asked) => DISK.syncData(...asked).finally(() => calls.syncData++),
  };
  const objects = createFileObjects(newFolder(), { effects: counting });
  await objects.put(contentOf(0));
  Object.assign(calls, { write: 0, syncData: 0 });
  await Promise.all(Array.from({ length: 500 }, (_, number) => objects.put(contentOf(number))));
  assert.deepEqual(calls, { write: 1, syncData: 1 });
  await objects.close();
});

test("a store opened again knows everything, with an index, without one, and with a damaged one", async () => {
  const folder = newFolder();
  const contents = Array.from({ length: 200 }, (_, number) => contentOf(number));
  const objects = createFileObjects(folder, { segmentBytesMax: 20_000 });
  for (const bytes of contents) await objects.put(bytes);
  await objects.close();
  assert.ok(segmentsIn(folder).length > 2);
  assert.equal(segmentsIn(folder, ".idx").length, segmentsIn(folder).length);
  const change = {
    nothing: () => {},
    "one flipped bit": (path: string) => {
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1]! ^= 4;
      writeFileSync(path, bytes);
    },
    "half of it": (path: string) => truncateSync(path, statSync(path).size >> 1),
    "all of it": (path: string) => rmSync(path),
  };
  for (const spoil of Object.values(change)) {
    for (const name of segmentsIn(folder, ".idx")) spoil(join(folder, "segments", name));
    const reopened = createFileObjects(folder, { segments: "read" });
    await holdsExactly(reopened, contents);
    await reopened.close();
  }
});

test("a segment whose end is torn anywhere, or followed by rubbish, gives every whole record before it", async () => {
  const folder = newFolder();
  const contents = Array.from({ length: 4 }, (_, number) => contentOf(number));
  const writer = createFileObjects(folder);
  for (const bytes of contents) await writer.put(bytes);
  const name = segmentsIn(folder)[0]!;
  const whole = readFileSync(join(folder, "segments", name));
  const ends = contents.map((bytes) => whole.indexOf(bytes) + bytes.length);
  for (let length = 0; length <= whole.length; length += 37) {
    for (const rubbish of [Buffer.alloc(0), Buffer.alloc(300), randomBytes(300), whole.subarray(40, 110)]) {
      const torn = newFolder();
      createFileObjects(torn);
      writeFileSync(join(torn, "segments", name), Buffer.concat([whole.subarray(0, length), rubbish]));
      const objects = createFileObjects(torn);
      const there = contents.filter((_, number) => ends[number]! <= length);
      const found = await listed(objects);
      for (const bytes of there) {
        assert.ok(found.has(digestOf(bytes)));
        assert.ok(bytes.equals(await objects.get(digestOf(bytes))));
      }
      for (const bytes of contents) assert.ok(bytes.equals(await objects.get(await objects.put(bytes))));
      await objects.close();
    }
  }
  await writer.close();
});

test("a damaged record header hides that object alone; one behind it is found, and bytes that look like a record are not", async () => {
  const folder = newFolder();
  const objects = createFileObjects(folder);
  await objects.put(contentOf(0));
  const name = segmentsIn(folder)[0]!;
  const imitation = readFileSync(join(folder, "segments", name)).subarray(32); // a record, but with the tag of that segment
  await objects.close();
  const other = newFolder();
  const writer = createFileObjects(other);
  for (const bytes of [contentOf(1), imitation, contentOf(2)]) await writer.put(bytes);
  const path = join(other, "segments", segmentsIn(other)[0]!);
  const bytes = readFileSync(path);
  bytes[bytes.indexOf(imitation) - 10]! ^= 1;
  writeFileSync(path, bytes);
  const reader = createFileObjects(other, { segments: "read" });
  assert.deepEqual(await listed(reader), new Set([digestOf(contentOf(1)), digestOf(contentOf(2))]));
  await Promise.all([writer.close(), reader.close()]);
});

test("what one process puts and removes, another one sees when it looks", async () => {
  const folder = newFolder();
  const [a, b] = [createFileObjects(folder), createFileObjects(folder)];
  assert.equal((await listed(b)).size, 0);
  const digest = await a.put(contentOf(1));
  assert.ok(contentOf(1).equals(await b.get(digest)));
  const another = await a.put(contentOf(2));
  assert.equal(await b.sizeOf(another), contentOf(2).length);
  assert.equal(await b.remove(digest), true);
  assert.deepEqual(await listed(a), new Set([another]));
  await a.close();
  await b.close();
});

test("after the folder was quiet for long, what another process does in it is seen at once", async () => {
  const folder = newFolder();
  const one = createFileObjects(folder);
  await one.put(contentOf(0));
  await setTimeout(2600); // from here on the folder's time alone says whether there is anything new
  await one.put(contentOf(1));
  await one.put(contentOf(2));
  const other = createFileObjects(folder, TINY);
  await other.put(contentOf(3));
  assert.ok(contentOf(3).equals(Buffer.from(await one.get(digestOf(contentOf(3))))));
  assert.equal(await other.remove(digestOf(contentOf(0))), true);
  for (let number = 4; number < 40; number++) await other.put(contentOf(number)); // some of it into segments of their own
  await other.close();
  await holdsExactly(
    one,
    [...Array(39).keys()].map((number) => contentOf(number + 1)),
  );
  await one.close();
});

test("an object that another process put again survives a removal that looked before", async () => {
  let clock = Date.now() - 7200_000;
  const folder = newFolder();
  const another = () => createFileObjects(folder, { now: () => clock });
  const [collector, putter] = [another(), another()];
  const digest = await collector.put(contentOf(1));
  await listed(putter);
  clock = Date.now();
  const [removed] = await Promise.all([
    collector.remove(digest, { untouchedSinceMs: clock - 3600_000 }),
    putter.put(contentOf(1)),
  ]);
  for (const objects of [collector, putter, createFileObjects(folder, { segments: "read" })]) {
    assert.ok(contentOf(1).equals(await objects.get(digest)), `removed: ${removed}`);
    assert.deepEqual(await listed(objects), new Set([digest]));
    await objects.close();
  }
});

test("removed objects give their room back, and what stays is there for this process, one that looks on, and the next", async () => {
  const folder = newFolder();
  const contents = Array.from({ length: 400 }, (_, number) => contentOf(number));
  const objects = createFileObjects(folder, { segmentBytesMax: 20_000 });
  const onlooker = createFileObjects(folder, { segments: "read" });
  for (const bytes of contents) await objects.put(bytes);
  assert.equal((await listed(onlooker)).size, 400);
  const before = bytesIn(folder);
  const stay = contents.filter((_, number) => number % 10 === 0);
  await Promise.all(contents.filter((bytes) => !stay.includes(bytes)).map((bytes) => objects.remove(digestOf(bytes))));
  await holdsExactly(objects, stay);
  await objects.close();
  for (const store of [onlooker, createFileObjects(folder, { segmentBytesMax: 20_000 })]) {
    await holdsExactly(store, stay);
    await store.close();
  }
  assert.ok(bytesIn(folder) < before / 1.7, `${bytesIn(folder)} of ${before} bytes`);
  assert.deepEqual(segmentsIn(folder, ".old"), []);
});

test("many short processes leave few segments", async () => {
  const folder = newFolder();
  const contents = Array.from({ length: 60 }, (_, number) => contentOf(number));
  for (const bytes of contents) {
    const objects = createFileObjects(folder);
    await objects.put(bytes);
    await objects.close();
  }
  assert.ok(segmentsIn(folder).length <= 10, `${segmentsIn(folder).length} segments`);
  const objects = createFileObjects(folder, { segments: "read" });
  await holdsExactly(objects, contents);
  await objects.close();
});

test("processes that put, remove and rewrite each other's segments at once lose nothing that was acknowledged", async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = createRandom(seed);
    const folder = newFolder();
    const open = () => createFileObjects(folder, { segmentBytesMax: 4096, abandonedMs: 20 });
    const stores = [open(), open(), open()];
    const left: Objects[] = []; // as if their processes hung: they hold what they knew
    const there = new Set<number>();
    const anyStore = () => stores[random.below(3)]!;
    const work = async (first: number) => {
      for (let step = 0; step < 50; step++) {
        const number = first + 10 * random.below(8);
        const digest = digestOf(contentOf(number));
        const what = random.below(10);
        if (what < 5) {
          await anyStore().put(contentOf(number));
          there.add(number);
        } else if (what < 8) {
          assert.equal(await anyStore().remove(digest), there.delete(number), `seed ${seed}, ${number}`);
        } else if (there.has(number)) {
          assert.ok(contentOf(number).equals(await anyStore().get(digest)), `seed ${seed}, ${number}`);
          assert.equal(await anyStore().remove(digest, { untouchedSinceMs: Date.now() - 60_000 }), false);
        }
        if (random.below(50) === 0) left.push(stores.splice(random.below(3), 1, open())[0]!);
      }
    };
    await Promise.all(Array.from({ length: 10 }, (_, first) => work(first)));
    const all = [...left, ...stores, open()];
    for (const store of all) await holdsAtLeast(store, [...there].map(contentOf));
    for (const store of all) await store.close();
    const next = createFileObjects(folder, { segments: "read" });
    await holdsAtLeast(next, [...there].map(contentOf));
    await next.close();
  }
});

test("whichever write, sync or rename fails while segments are rewritten, nothing is lost and nothing removed comes back", async () => {
  const contents = Array.from({ length: 20 }, (_, number) => contentOf(number));
  const stay = contents.filter((_, number) => number % 4 === 0);
  let failed = 0;
  for (let failAt = 0; failAt < 40; failAt++) {
    const folder = newFolder();
    const objects = createFileObjects(folder, { segmentBytesMax: 1500 });
    for (const bytes of contents) await objects.put(bytes);
    await objects.close();
    let count = 0;
    const refuse = () => {
      if (count++ !== failAt) return;
      failed++;
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    };
    const effects: FileEffects = {
      write: async (...asked) => {
        refuse();
        await DISK.write(...asked);
      },
      sync: async (...asked) => {
        refuse();
        await DISK.sync(...asked);
      },
      syncData: async (...asked) => {
        refuse();
        await DISK.syncData(...asked);
      },
      rename: async (...asked) => {
        refuse();
        await DISK.rename(...asked);
      },
    };
    const removing = createFileObjects(folder, { ...TINY, effects });
    const outcomes = await Promise.allSettled(
      contents.filter((bytes) => !stay.includes(bytes)).map((bytes) => removing.remove(digestOf(bytes))),
    );
    await removing.close();
    const refused = outcomes.some(({ status }) => status === "rejected");
    for (let look = 0; look < 2; look++) {
      const reopened = createFileObjects(folder, TINY);
      if (refused) for (const bytes of stay) assert.ok(bytes.equals(await reopened.get(digestOf(bytes))));
      else await holdsExactly(reopened, stay);
      await reopened.close();
    }
    assert.deepEqual(readdirSync(join(folder, "tmp")), []);
  }
  assert.ok(failed > 10, `${failed} places to fail`);
});

test("the rewriting of a process that died halfway is done by the next", async () => {
  const folder = newFolder();
  const contents = Array.from({ length: 30 }, (_, number) => contentOf(number));
  const objects = createFileObjects(folder, { segmentBytesMax: 3000 });
  for (const bytes of contents) await objects.put(bytes);
  await objects.close();
  const claimed = segmentsIn(folder).slice(0, 3);
  for (const name of claimed) renameSync(join(folder, "segments", name), join(folder, "segments", name.replace(".seg", ".old")));
  for (const _ of claimed) {
    const next = createFileObjects(folder, TINY);
    await holdsExactly(next, contents);
    await next.close();
  }
  assert.deepEqual(segmentsIn(folder, ".old"), []);
  const last = createFileObjects(folder, { segments: "read" });
  await holdsExactly(last, contents);
  await last.close();
});

test("when a group is refused, everyone in it is told, and all of it can be put again", async () => {
  const folder = newFolder();
  let full = false;
  const effects: FileEffects = {
    ...DISK,
    write: async (file, chunks, position) => {
      if (!full) return DISK.write(file, chunks, position);
      await file.write(chunks[0]!, 0, 300, position);
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    },
  };
  const objects = createFileObjects(folder, { effects });
  const before = await objects.put(contentOf(1000));
  full = true;
  const contents = Array.from({ length: 50 }, (_, number) => contentOf(number));
  const outcomes = await Promise.allSettled(contents.map((bytes) => objects.put(bytes)));
  assert.deepEqual(
    new Set(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.code)),
    new Set(["object.disk-full"]),
  );
  for (const store of [objects, createFileObjects(folder, { segments: "read" })])
    assert.deepEqual(await listed(store), new Set([before]));
  full = false;
  await Promise.all(contents.map((bytes) => objects.put(bytes)));
  await holdsExactly(objects, [...contents, contentOf(1000)]);
  await objects.close();
});

test("a writer killed at any moment loses nothing that it acknowledged", async () => {
  const folder = newFolder();
  createFileObjects(folder);
  const child = join(import.meta.dirname, "fixtures", "endless-writer.ts");
  const acknowledged: string[] = [];
  for (const moment of [1, 40, 300, 800]) {
    const process_ = spawn(process.execPath, [child, folder, `${moment}`], { stdio: ["ignore", "pipe", "inherit"] });
    let seen = 0;
    for await (const line of createInterface({ input: process_.stdout })) {
      acknowledged.push(line);
      if (++seen === moment) process_.kill("SIGKILL");
    }
  }
  appendFileSync(join(folder, "segments", segmentsIn(folder)[0]!), randomBytes(100));
  const objects = createFileObjects(folder, TINY);
  for (let look = 0; look < 2; look++) {
    const found = await listed(objects);
    for (const line of acknowledged) {
      const [digest, text] = line.split(" ") as [Digest, string];
      assert.ok(found.has(digest));
      assert.equal(Buffer.from(await objects.get(digest)).toString(), text.repeat(100));
    }
  }
  await objects.close();
});
