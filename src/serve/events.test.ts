import assert from "node:assert/strict";
import type { FileHandle } from "node:fs/promises";
import { test } from "node:test";
import { type Digest, formatMoment, type Json, type MillError, parseMoment } from "../base/index.ts";
import type { JournalEffects } from "../lake/index.ts";
import { deliveries, deliveryRows, late, lateTrees } from "./fixtures/deliveries.ts";
import { type JsonRow, loggedFeatures, offlineFeatures, openServed, readAll, type Served } from "./fixtures/served.ts";

const ROWS = deliveryRows(400);
const [KNOWN, LATER] = [ROWS.slice(0, 320), ROWS.slice(320)];
const request = ({ at, shop, load }: JsonRow): JsonRow => ({ at: at!, shop: shop!, load: load! });
const micros = (row: JsonRow) => parseMoment(String(row.at))!.micros;
const HOUR = 3600e6;

async function serveLate(rows: readonly JsonRow[] = KNOWN, options: Parameters<typeof openServed> = []) {
  const served = await openServed(...options);
  const part = await served.ingest(deliveries, rows);
  await served.deploy("late", late, part);
  return { ...served, part };
}

async function onlineFeatures({ serving, lake }: Served, rows: readonly JsonRow[]): Promise<Record<string, Json>[]> {
  const before = (await loggedFeatures(lake, "late")).length;
  await serving.predict("late", rows.map(request));
  return (await loggedFeatures(lake, "late")).slice(before);
}

/** The workspace again, as after a restart. */
async function reopened(served: Served, { seal }: { seal: boolean }): Promise<Served> {
  await served.close({ seal });
  const again = await openServed(served.folder);
  await again.serving.refresh();
  return again;
}

test("a row whose id was taken is counted and not fed again: in one batch, in a later one, after a restart", async () => {
  let served: Served = await serveLate();
  const row = { at: "2024-01-12T11:00:00", shop: "a", load: 1, delay: 5 };
  const sent = async () => (await onlineFeatures(served, [{ at: "2024-01-12T12:00:00", shop: "a", load: 1 }]))[0]!.sent;
  assert.deepEqual(await served.serving.events("late", [row, row, row], ["x", "x", "y"]), {
    accepted: 2,
    refused: [],
    repeated: 1,
  });
  assert.deepEqual(await served.serving.events("late", [row], ["y"]), { accepted: 0, refused: [], repeated: 1 });
  for (const seal of [false, true]) {
    served = await reopened(served, { seal });
    assert.deepEqual(await served.serving.events("late", [row, row], ["x", "y"]), { accepted: 0, refused: [], repeated: 2 });
    assert.equal(await sent(), 2);
  }
  assert.deepEqual(
    (await readAll(served.lake, "late-events")).map(({ id, time }) => [id, time]),
    [
      ["x", micros(row)],
      ["y", micros(row)],
    ],
  );
  await served.close();
});

test("an id is not taken by a row that was refused; without ids every row is fed, under an id of ours", async () => {
  const served = await serveLate();
  const row = { at: "2024-01-12T11:00:00", shop: "a", load: 1, delay: 5 };
  const bad = await served.serving.events("late", [{ ...row, delay: 9999 }], ["x"]);
  assert.deepEqual([bad.accepted, bad.refused.length, bad.repeated], [0, 1, 0]);
  assert.equal((await served.serving.events("late", [row], ["x"])).accepted, 1);
  assert.equal((await served.serving.events("late", [row, row])).accepted, 2);
  const [, ...ours] = await readAll(served.lake, "late-events");
  for (const { id } of ours) assert.match(String(id), /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  await assert.rejects(served.serving.events("late", [row, row], ["z"]), (error: MillError) => {
    assert.deepEqual([error.code, error.at], ["request.invalid", "/ids"]);
    return true;
  });
  await served.close();
});

test("a row that somebody else is writing is acknowledged only when it is written; when that fails, so do both, and the id is free", async () => {
  const disk = failingDisk();
  const served = await serveLate(KNOWN, [undefined, undefined, { effects: disk }]);
  const row = { at: "2024-01-12T11:00:00", shop: "a", load: 1, delay: 5 };
  disk.full = true;
  const both = await Promise.allSettled([
    served.serving.events("late", [row], ["x"]),
    served.serving.events("late", [row], ["x"]),
  ]);
  assert.deepEqual(
    both.map((one) => one.status === "rejected" && one.reason.code),
    ["lake.disk-full", "lake.disk-full"],
  );
  disk.full = false;
  const [first, second] = await Promise.all([
    served.serving.events("late", [row], ["x"]),
    served.serving.events("late", [row], ["x"]),
  ]);
  assert.deepEqual([first.accepted, second.accepted, second.repeated], [1, 0, 1]);
  assert.equal((await readAll(served.lake, "late-events")).length, 1);
  await served.close();
});

/** A disk that a test fills. */
function failingDisk(): JournalEffects & { full: boolean } {
  return {
    full: false,
    async write(file: FileHandle, bytes: Buffer, position: number) {
      if (this.full) throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
      await file.write(bytes, 0, bytes.length, position);
    },
    async sync(file: FileHandle) {
      await file.datasync();
    },
  };
}

test("rows from the future are kept, wait for their time, and do not move the data clock", async () => {
  const served = await serveLate();
  const { serving } = served;
  const clock = serving.dataTime("late")!;
  const future = formatMoment(clock + 100 * HOUR);
  assert.equal((await serving.events("late", [{ at: future, shop: "a", load: 1, delay: 300 }])).accepted, 1);
  assert.equal(serving.dataTime("late"), clock);
  const worst = async (at: number) => (await onlineFeatures(served, [{ at: formatMoment(at), shop: "a", load: 1 }]))[0]!.worst;
  assert.notEqual(await worst(clock), 300);
  assert.equal(await worst(clock + 101 * HOUR), 300);
  assert.equal(serving.dataTime("late"), clock, "nor does a request from the future");
  await served.close();
});

test("the data clock is where ten rows are, asked or fed, and stands there again after a restart", async () => {
  let served: Served = await serveLate();
  const start = served.serving.dataTime("late")!;
  assert.equal(start, KNOWN.map(micros).sort((a, b) => b - a)[9]);
  const sorted = LATER.map(micros).sort((a, b) => b - a);
  for (const row of LATER.slice(0, 40)) await served.serving.events("late", [row]);
  for (const row of LATER.slice(40)) await served.serving.predict("late", [request(row)]);
  assert.equal(served.serving.dataTime("late"), sorted[9]);
  await served.serving.events("late", KNOWN.slice(-30));
  for (const seal of [false, true]) {
    served = await reopened(served, { seal });
    assert.equal(served.serving.dataTime("late"), sorted[9]);
  }
  assert.equal(served.serving.dataTime("nobody"), null);
  await served.close();
});

test("a row of the data set that is dated 2101 neither moves the clock nor empties the windows", async () => {
  const served = await serveLate([...KNOWN, { ...KNOWN[0]!, at: "2101-01-01T00:00:00" }]);
  const offline = (await offlineFeatures(served.objects, late, served.part)).slice(290, 320);
  assert.ok(offline.some(({ sent }) => Number(sent) > 1));
  assert.deepEqual(await onlineFeatures(served, KNOWN.slice(290)), offline);
  assert.ok(formatMoment(served.serving.dataTime("late")!).startsWith("2024-01-0"));
  await served.close();
});

test("windows forget what is more than two spans before the data clock, and answer what is not as before, also after a restart", async () => {
  let served: Served = await serveLate();
  const offline = (await offlineFeatures(served.objects, late, await served.ingest(deliveries, ROWS))).slice(320);
  await served.serving.events("late", LATER);
  const newest = served.serving.dataTime("late")!;
  const spans = (row: JsonRow) => (newest - micros(row)) / (6 * HOUR);
  const answered = LATER.findIndex((row) => spans(row) <= 2);
  const far = Array.from({ length: 10 }, () => ({ at: formatMoment(newest + 1), shop: "a", load: 1 }));
  await served.serving.predict("late", far);
  for (const seal of [false, true]) {
    assert.deepEqual(await onlineFeatures(served, LATER.slice(answered)), offline.slice(answered));
    await served.close({ seal });
    served = await openServed(served.folder);
    await served.ingest(deliveries, KNOWN);
  }
  const forgotten = KNOWN.findLast((row) => spans(row) > 2.2)!;
  await assert.rejects(served.serving.predict("late", [request(forgotten)]), { code: "express.forgotten" });
  const month = Array.from({ length: 20 }, (_, n) => ({
    at: formatMoment(newest + (700 + n) * HOUR),
    shop: "a",
    load: 1,
    delay: 5,
  }));
  await served.serving.events("late", month);
  await assert.rejects(served.serving.predict("late", [request(LATER.at(-1)!)]), { code: "express.forgotten" });
  await served.close();
});

for (const [what, until] of [
  ["all", null],
  ["those up to a moment", LATER[20]!.at as string],
] as const)
  test(`events that have become rows of the data set count once, in a version loaded since and after a restart: ${what}`, async () => {
    let served: Served = await serveLate();
    await served.serving.events("late", LATER.slice(0, 60));
    const log = await served.lake.seal("late-events");
    await served.serving.events("late", LATER.slice(60));
    const journals = [{ dataset: "late-events", version: log!.version, rowCount: log!.rowCount }];
    const grown = [...KNOWN, ...LATER.slice(0, 60).filter(({ at }) => until === null || String(at) <= until)];
    const part: Digest = await served.ingest(deliveries, grown, { journals, until });
    await served.deploy("late", lateTrees, part);
    assert.equal((await served.serving.state("late")).version, 2);
    const all = await served.ingest(deliveries, ROWS);
    const offline = (await offlineFeatures(served.objects, late, all)).slice(340);
    assert.deepEqual(await onlineFeatures(served, ROWS.slice(340)), offline);
    for (const seal of [false, true]) {
      await served.close({ seal });
      served = await openServed(served.folder);
      await served.ingest(deliveries, grown, { journals, until });
      assert.deepEqual(await onlineFeatures(served, ROWS.slice(340)), offline);
    }
    await served.close();
  });

test("a wall clock that jumps back and forth changes no id, no data time and no window", async () => {
  let now = Date.UTC(2024, 5, 1);
  const served = await serveLate(KNOWN, [undefined, undefined, { now: () => now }]);
  const offline = (await offlineFeatures(served.objects, late, await served.ingest(deliveries, ROWS))).slice(320);
  const times: number[] = [];
  for (const [index, row] of LATER.entries()) {
    now += (index % 2 === 0 ? -1 : 1.001) * 40 * 86_400_000;
    await served.serving.events("late", [row]);
    times.push(served.serving.dataTime("late")!);
  }
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  const answered = LATER.findIndex((row) => times.at(-1)! - micros(row) <= 12 * HOUR);
  assert.deepEqual(await onlineFeatures(served, LATER.slice(answered)), offline.slice(answered));
  const ids = (await readAll(served.lake, "late-predictions")).map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  await served.close();
});
