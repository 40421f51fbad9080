import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import type { Digest, MillError } from "../base/index.ts";
import type { Row } from "../contract/index.ts";
import { createFileObjects } from "../ports/objects/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { createLake, type JournalEffects, type JournalRow, type Lake, type VersionManifest } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-lake-"));
after(() => rmSync(root, { recursive: true, force: true }));
const newFolder = () => mkdtempSync(join(root, "lake-"));
const tables = () => openDuckDb({ threads: 1, memoryMb: 200, tempFolder: join(root, "spill") });

async function openLake(folder = newFolder(), effects?: JournalEffects) {
  const records = await openTestRecords(join(folder, "mill.db"));
  const objects = createFileObjects(join(folder, "objects"));
  const lake = createLake({ records, objects, folder, tables, clock: () => 1000, ...(effects ? { effects } : {}) });
  const putManifest = (manifest: VersionManifest) => objects.put(Buffer.from(JSON.stringify(manifest)));
  const close = async () => {
    await lake.close();
    await records.close();
  };
  return { folder, records, objects, lake, putManifest, close };
}

/** Everything that a reader sees. */
async function allRows(lake: Lake, dataset: string): Promise<JournalRow[]> {
  const { relation, tail } = await lake.read(dataset);
  const engine = tables();
  const sealed: Row[] = relation ? await engine.rows(`SELECT * FROM ${relation}`) : [];
  engine.close();
  return [...(sealed as JournalRow[]), ...tail];
}
const numbers = (rows: readonly JournalRow[]) => rows.map(({ n }) => Number(n)).sort((a, b) => a - b);

test("versions follow one another, and none is added on an older one", async () => {
  const { lake, objects, putManifest, close } = await openLake();
  const part = await objects.put(Buffer.from("part"));
  const manifest = await putManifest({ parts: [{ digest: part, rowCount: 5 }], columns: null });
  const added = { dataset: "d", manifest, rowCount: 5, madeBy: "tester" };
  assert.equal(await lake.head("d"), null);
  assert.equal(await lake.commit({ ...added, parent: null }), 1);
  assert.equal(await lake.commit({ ...added, parent: 1, rowCount: 6 }), 2);
  for (const parent of [null, 1]) await assert.rejects(lake.commit({ ...added, parent }), { code: "lake.moved" });
  const { commit } = await lake.repositories.of("d").resolve("v2");
  assert.deepEqual(await lake.head("d"), {
    dataset: "d",
    version: 2,
    parent: 1,
    manifest,
    rowCount: 6,
    createdAt: 1000,
    madeBy: "tester",
    commit,
  });
  assert.deepEqual((await lake.manifest(await lake.version("d", 1))).parts, [{ digest: part, rowCount: 5 }]);
  assert.deepEqual(
    (await lake.versions("d", { limit: 1 })).map(({ version }) => version),
    [2],
  );
  assert.deepEqual(
    (await lake.versions("d", { limit: 10, before: 2 })).map(({ version }) => version),
    [1],
  );
  await assert.rejects(lake.version("d", 3), (error: MillError) => {
    assert.equal(error.code, "lake.unknown-version");
    assert.equal(error.expected, "a version from 1 to 2");
    return true;
  });
  assert.deepEqual(await lake.names(), ["d"]);
  await close();
});

test("of two that follow the same version at the same time one is added", async () => {
  const { lake, putManifest, close } = await openLake();
  const manifest = await putManifest({ parts: [], columns: null });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 5 }, () => lake.commit({ dataset: "d", manifest, rowCount: 0, parent: null, madeBy: "t" })),
  );
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal((await lake.versions("d", { limit: 10 })).length, 1);
  await close();
});

test("every object of a version is on its commit, for collection walks the commits", async () => {
  const { lake, objects, putManifest, close } = await openLake();
  const [part, quarantine] = await Promise.all(["part", "quarantine"].map((text) => objects.put(Buffer.from(text))));
  const manifest = await putManifest({ parts: [{ digest: part! }], columns: null, quarantine: quarantine! });
  await lake.commit({ dataset: "d", manifest, rowCount: 1, parent: null, madeBy: "t" });
  const later = await putManifest({ parts: [], columns: null });
  await lake.commit({ dataset: "d", manifest: later, rowCount: 0, parent: 1, madeBy: "t" });
  const digestsAt = async (ref: string) => {
    const digests: Digest[] = [];
    for await (const batch of lake.repositories.of("d").scan(ref)) digests.push(...batch.map(({ entry }) => entry.digest));
    return digests;
  };
  assert.deepEqual(await digestsAt("v1"), [manifest, part, quarantine]);
  assert.deepEqual(await digestsAt("main"), [later]);
  await close();
});

test("a split is frozen once; the same rule is welcome again, another is refused", async () => {
  const { lake, close } = await openLake();
  const spec = { split: "time", test: 0.15, holdout: 0.15 };
  const boundary = { testFrom: "2001-05-01", holdoutFrom: "2001-05-15" };
  assert.equal(await lake.frozenSplit("d", spec), null);
  const frozen = await lake.freezeSplit({ dataset: "d", generation: 1, spec, boundary, version: 1 });
  assert.deepEqual(frozen, { dataset: "d", generation: 1, spec, boundary, version: 1, stepKey: null, frozenAt: 1000 });
  const again = await lake.freezeSplit({
    dataset: "d",
    generation: 1,
    spec: { holdout: 0.15, test: 0.15, split: "time" },
    boundary: { testFrom: "x" },
    version: 9,
  });
  assert.deepEqual(again, frozen);
  const other = { ...spec, test: 0.2 };
  for (const refused of [
    lake.frozenSplit("d", other),
    lake.freezeSplit({ dataset: "d", generation: 1, spec: other, boundary, version: 1 }),
  ])
    await assert.rejects(refused, (error: MillError) => {
      assert.equal(error.code, "split.frozen");
      assert.match(error.expected!, /"test":0.15/);
      assert.match(error.got!, /"test":0.2/);
      return true;
    });
  assert.deepEqual(await lake.frozenSplit("d"), frozen);
  await close();
});

test("a reader sees every acknowledged row once: before, during and after a seal, and after opening again", async () => {
  const { lake, folder, close } = await openLake();
  await Promise.all(Array.from({ length: 50 }, (_, n) => lake.append("log", [{ n }])));
  assert.deepEqual(
    numbers(await allRows(lake, "log")),
    Array.from({ length: 50 }, (_, n) => n),
  );
  const sealing = lake.seal("log");
  const appending = lake.append("log", [{ n: 50 }]);
  const [during] = await Promise.all([lake.read("log"), sealing, appending]);
  assert.equal(during.paths.length, 1);
  assert.deepEqual(
    numbers(await allRows(lake, "log")),
    Array.from({ length: 51 }, (_, n) => n),
  );
  await close();

  const again = await openLake(folder);
  assert.deepEqual(
    numbers(await allRows(again.lake, "log")),
    Array.from({ length: 51 }, (_, n) => n),
  );
  await again.lake.append("log", [{ n: 51 }]);
  assert.equal((await again.lake.sealAll())[0]!.version, 2);
  assert.equal(await again.lake.seal("log"), null);
  assert.deepEqual(
    numbers(await allRows(again.lake, "log")),
    Array.from({ length: 52 }, (_, n) => n),
  );
  assert.deepEqual((await again.lake.read("log", 1)).tail, []);
  assert.deepEqual(readdirSync(join(folder, "journal", "log")), []);
  await again.close();
});

test("rows keep the order in which they were acknowledged", async () => {
  const { lake, close } = await openLake();
  for (let n = 0; n < 40; n++) {
    await lake.append("log", [{ n }]);
    if (n % 7 === 6) await lake.seal("log");
  }
  assert.deepEqual(
    (await allRows(lake, "log")).map(({ n }) => n),
    Array.from({ length: 40 }, (_, n) => n),
  );
  await close();
});

test("small parts are merged as they are sealed, so that a long log has few", async () => {
  const { lake, close } = await openLake();
  for (let n = 0; n < 10; n++) {
    await lake.append("log", [{ n }]);
    await lake.seal("log");
  }
  const head = await lake.head("log");
  const { parts } = await lake.manifest(head!);
  assert.deepEqual([head!.version, head!.rowCount], [10, 10]);
  assert.deepEqual(
    parts.map(({ rowCount }) => rowCount),
    [8, 2],
  );
  await close();
});

test("whatever a text holds, its row is sealed: control characters as they are, half a character as the sign for none", async () => {
  const { lake, close } = await openLake();
  const texts = ["\u0000", "\u2028\n\r\t", "\u{1d4b3}", "\\ud800", '"', "\ufffe", "\ud800<b>", JSON.stringify("\ud800")];
  await lake.append(
    "log",
    texts.map((text, n) => ({ n, text })),
  );
  await lake.seal("log");
  const found = await allRows(lake, "log");
  assert.deepEqual(
    found.toSorted((a, b) => Number(a.n) - Number(b.n)).map(({ text }) => text),
    texts.map((text) => text.toWellFormed()),
  );
  await close();
});

test("columns come and go, and values of another type make a text of the column, without loss", async () => {
  const { lake, close } = await openLake();
  const rows: JournalRow[] = [
    { n: 1, ok: true, at: "2001-01-01T00:00:00", gone: null, "a/b~c": 1 },
    { n: 2.5, ok: null, list: [1, { x: "y" }], at: "yesterday" },
    { n: 1e300, ok: "maybe", late: "new", ünï: '"quoted"' },
    { n: "text", ok: false },
    {},
  ];
  for (const row of rows) {
    await lake.append("log", [row]);
    await lake.seal("log");
  }
  const found = await allRows(lake, "log");
  assert.deepEqual(
    found.map(({ n }) => n ?? null),
    ["1.0", "2.5", "1e+300", "text", null],
  );
  assert.deepEqual(
    found.map(({ ok }) => ok ?? null),
    ["true", null, "maybe", "false", null],
  );
  assert.deepEqual(
    [found[1]!.list, found[0]!.at, found[2]!.ünï, found[0]!["a/b~c"]],
    ['[1,{"x":"y"}]', "2001-01-01T00:00:00", '"quoted"', 1],
  );
  assert.deepEqual((await lake.manifest((await lake.head("log"))!)).columns!.ok, { type: "string", nullable: true });
  await close();
});

test("any rows of one shape come back as they went in", async () => {
  const { lake, close } = await openLake();
  const text = fc.string({ unit: "grapheme" }).map((value) => value.toWellFormed());
  const row = fc.record({ n: fc.double({ noNaN: true, noDefaultInfinity: true }), s: text, b: fc.boolean() });
  const sent: JournalRow[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), fc.boolean(), async (rows, seal) => {
      sent.push(...rows.map(({ n, s, b }) => ({ n: n === 0 ? 0 : n, s, b })));
      await lake.append("log", rows);
      if (seal) await lake.seal("log");
      assert.equal((await lake.read("log")).tail.length === 0, seal);
    }),
    { seed: 3, numRuns: 15 },
  );
  const found = (await allRows(lake, "log")).map(({ n, s, b }) => ({ n: n === 0 ? 0 : n, s, b }));
  assert.deepEqual(found, sent);
  await close();
});

test("a torn end is cut off, the rows before it are kept", async () => {
  for (const tear of ['{"n": 3, "text": "cut', '{"n": 3}', "\0\0\0\0\n\0\0", '{"n": \n']) {
    const { lake, folder, close } = await openLake();
    await lake.append("log", [{ n: 1 }, { n: 2 }]);
    await close();
    const journal = join(folder, "journal", "log");
    appendFileSync(join(journal, readdirSync(journal).at(-1)!), tear);
    const again = await openLake(folder);
    assert.deepEqual(numbers(await allRows(again.lake, "log")), [1, 2], JSON.stringify(tear));
    await again.lake.append("log", [{ n: 4 }]);
    await again.lake.seal("log");
    assert.deepEqual(numbers(await allRows(again.lake, "log")), [1, 2, 4]);
    await again.close();
  }
});

test("a seal that was cut off between its commit and the removal of its segments is finished, not repeated", async () => {
  const { lake, folder, close } = await openLake();
  await lake.append("log", [{ n: 1 }]);
  const journal = join(folder, "journal", "log");
  const segment = readdirSync(journal)[0]!;
  await lake.seal("log");
  await close();
  writeFileSync(join(journal, segment), '{"n":1}\n');
  const again = await openLake(folder);
  assert.deepEqual(numbers(await allRows(again.lake, "log")), [1]);
  assert.equal(await again.lake.seal("log"), null);
  assert.ok(!existsSync(join(journal, segment)));
  await again.lake.append("log", [{ n: 2 }]);
  await again.lake.seal("log");
  assert.deepEqual(numbers(await allRows(again.lake, "log")), [1, 2]);
  await again.close();
});

test("a full disk refuses the rows that do not fit, tells it, and goes on when there is room", async () => {
  let room = 200;
  const limited: JournalEffects = {
    async write(file, bytes, position) {
      const fits = Math.min(bytes.length, room - position);
      await file.write(bytes, 0, Math.max(fits, 0), position);
      if (fits < bytes.length) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    },
    sync: (file) => file.datasync(),
  };
  const { lake, folder, close } = await openLake(newFolder(), limited);
  await lake.append("log", [{ n: 1 }]);
  await assert.rejects(lake.append("log", [{ n: 2, text: "x".repeat(500) }]), (error: MillError) => {
    assert.equal(error.code, "lake.disk-full");
    assert.match(error.message, /earlier rows are intact/);
    return true;
  });
  await lake.append("log", [{ n: 3 }]);
  room = 1e6;
  await lake.append("log", [{ n: 4, text: "x".repeat(500) }]);
  assert.deepEqual(numbers(await allRows(lake, "log")), [1, 3, 4]);
  await close();
  const again = await openLake(folder);
  await again.lake.seal("log");
  assert.deepEqual(numbers(await allRows(again.lake, "log")), [1, 3, 4]);
  await again.close();
});

test("rows whose sync fails are refused and gone", async () => {
  let broken = false;
  const effects: JournalEffects = {
    async write(file, bytes, position) {
      await file.write(bytes, 0, bytes.length, position);
    },
    async sync(file) {
      if (broken) throw Object.assign(new Error("i/o error"), { code: "EIO" });
      await file.datasync();
    },
  };
  const { lake, close } = await openLake(newFolder(), effects);
  await lake.append("log", [{ n: 1 }]);
  broken = true;
  await assert.rejects(lake.append("log", [{ n: 2 }]), { code: "lake.journal" });
  broken = false;
  await lake.append("log", [{ n: 3 }]);
  assert.deepEqual(numbers(await allRows(lake, "log")), [1, 3]);
  await close();
});

test("rows that arrive together share one sync", async () => {
  let syncs = 0;
  const effects: JournalEffects = {
    async write(file, bytes, position) {
      await file.write(bytes, 0, bytes.length, position);
    },
    async sync(file) {
      syncs++;
      await file.datasync();
    },
  };
  const { lake, close } = await openLake(newFolder(), effects);
  await Promise.all(Array.from({ length: 1000 }, (_, n) => lake.append("log", [{ n }])));
  assert.ok(syncs <= 3, String(syncs));
  await close();
});

test("a name that would be another folder is refused", async () => {
  const { lake, close } = await openLake();
  for (const name of ["../up", "a/b", "", "A"]) await assert.rejects(lake.append(name, [{ n: 1 }]), { code: "lake.bad-name" });
  await close();
});

test("a folder of the journal that cannot be made is told", async () => {
  const folder = newFolder();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "journal"), "a file");
  const { lake, close } = await openLake(folder);
  await assert.rejects(lake.append("log", [{ n: 1 }]), { code: "lake.journal" });
  await close();
});

test("killed at any moment, again and again: every acknowledged row is there, and none twice", async () => {
  const folder = newFolder();
  const acknowledged = new Set<number>();
  for (let round = 0; round < 3; round++) {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "fixtures/crashing-appender.ts"), folder, String(round * 1_000_000)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let text = "";
    const enough = 150 + round * 333;
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (bytes: Buffer) => {
        text += bytes.toString("utf8");
        if (text.length > enough * 2) resolve();
      });
    });
    child.kill("SIGKILL");
    await once(child, "close");
    for (const line of text.slice(0, text.lastIndexOf("\n")).split("\n")) acknowledged.add(Number(line));
  }
  const { lake, close } = await openLake(folder);
  const before = numbers(await allRows(lake, "log"));
  await lake.seal("log");
  const found = numbers(await allRows(lake, "log"));
  assert.deepEqual(found, before);
  const seen = new Set(found);
  assert.equal(seen.size, found.length);
  assert.deepEqual(
    [...acknowledged].filter((n) => !seen.has(n)),
    [],
  );
  assert.ok(acknowledged.size > 100, String(acknowledged.size));
  await close();
});
