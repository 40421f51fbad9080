import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createRandom, type Digest, digestOfFile, formatMoment, newId } from "../base/index.ts";
import { byHash, dataset, features, files, type ModelDefinition, model } from "../define/index.ts";
import { ingest } from "../ingest/index.ts";
import type { JournalRow, Lake } from "../lake/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { deliveries, deliveryRows } from "../serve/fixtures/deliveries.ts";
import { openServed } from "../serve/fixtures/served.ts";
import { createServing, eventsOf, predictionsOf } from "../serve/index.ts";
import { stepContext } from "../steps/fixtures/step-context.ts";
import {
  delays,
  delaysAnew,
  eventOf,
  lateness,
  type Parcel,
  parcelRows,
  parcels,
  requestOf,
  START,
  train,
} from "./fixtures/parcels.ts";
import { createParity } from "./parity.ts";

const SEED = 20240330;
const HOUR = 3600e6;
const ALWAYS = { from: START, to: START + 30 * 24 * HOUR, sample: 100_000 };
const root = mkdtempSync(join(tmpdir(), "mill-parity-"));
after(() => rmSync(root, { recursive: true, force: true }));

interface WorldOptions {
  readonly folder?: string;
  /** What becomes of rows on their way from the endpoint to its logs. */
  readonly onLog?: (dataset: string, rows: readonly JournalRow[]) => readonly JournalRow[];
  /** How much the clock goes on with each look at it. */
  readonly stepMs?: number;
  readonly startMs?: number;
}

/** A workspace that serves parcels. */
async function openWorld({
  folder = mkdtempSync(join(root, "workspace-")),
  onLog = (_, rows) => rows,
  stepMs = 5000,
  startMs = Date.UTC(2024, 3, 1),
}: WorldOptions = {}) {
  const { serving: deploying, ...served } = await openServed(folder);
  const { lake, objects, registry } = served;
  let nowMs = startMs;
  const now = () => (nowMs += stepMs);
  const tables = () => openDuckDb({ threads: 2, memoryMb: 300, tempFolder: join(root, "spill") });
  const logging: Lake = { ...lake, append: (dataset, rows) => lake.append(dataset, onLog(dataset, rows)) };
  const serving = createServing({ ...served, lake: logging, tables, now });
  const parity = createParity({ lake, registry, tables });
  return {
    ...{ ...served, serving, parity, tables, now },
    /** Reads files, and with `journal` the events so far, into the next version of the data set, as a run does. */
    async ingest(rows: readonly Parcel[], { journal = false } = {}): Promise<Digest> {
      const scratch = mkdtempSync(join(root, "scratch-"));
      const path = join(scratch, "parcels.ndjson");
      writeFileSync(path, rows.map((row) => `${JSON.stringify(eventOf(row))}\n`).join(""));
      const { name: dataset, columns, checks } = parcels;
      const input = {
        ...{ dataset, columns, time: "at", where: null, checks: checks.map((check) => check as never) },
        sources: [{ path, name: "parcels.ndjson", format: "ndjson" as const, digest: await digestOfFile(path) }],
        ...(journal ? { journals: [await allEvents()] } : {}),
      };
      const context = stepContext(objects, scratch, { threads: 1 });
      const { objects: parts, facts } = await ingest.run(input, context);
      const part = parts["part-0"]!;
      const manifest = await objects.put(Buffer.from(JSON.stringify({ parts: [{ digest: part }], columns, facts })));
      const parent = (await lake.head(dataset))?.version ?? null;
      await lake.commit({ dataset, manifest, rowCount: Number(facts.rowCount), parent, madeBy: "test" });
      return part;
    },
    async deploy(model: ModelDefinition, part: Digest) {
      await served.deploy("delays", model, part);
      await serving.refresh();
    },
    async ask(rows: readonly Parcel[]) {
      const columns = Object.keys((await serving.state("delays")).request);
      const asked = (row: Parcel) =>
        Object.fromEntries(Object.entries(requestOf(row)).filter(([column]) => columns.includes(column)));
      return serving.predict("delays", rows.map(asked));
    },
    tell: (rows: readonly Parcel[]) => serving.events("delays", rows.map(eventOf)),
    replay: (span = {}) => parity.replay({ name: "delays" }, { ...ALWAYS, ...span }),
  };

  async function allEvents() {
    await lake.seal(eventsOf("delays"));
    const head = (await lake.head(eventsOf("delays")))!;
    const parts = (await lake.manifest(head)).parts.map(({ digest }) => digest);
    return { dataset: eventsOf("delays"), version: head.version, parts, rowCount: head.rowCount };
  }
}

type World = Awaited<ReturnType<typeof openWorld>>;

test("what was served is what the lake says, for every kind of column and window, with events out of order", async () => {
  const world = await openWorld();
  const rows = parcelRows(1200, START, SEED);
  await world.deploy(delays, await world.ingest(rows.slice(0, 300)));
  const asked = await traffic(world, rows.slice(300), SEED);
  const report = await world.replay();
  assert.deepEqual(report, {
    from: ALWAYS.from,
    to: ALWAYS.to,
    replayed: asked,
    late: 0,
    mismatches: {},
    examples: [],
    reads: {},
  });
  assert.deepEqual(world.parity.findingsOf(report), []);
  await world.close();
});

test("restarts, other versions of the model and a data set that has grown by its events change nothing: each event counts once", async () => {
  const rows = parcelRows(600, START, SEED + 1);
  const files = rows.slice(0, 200);
  let world = await openWorld();
  await world.deploy(delays, await world.ingest(files));
  let asked = await traffic(world, rows.slice(200, 300), 1);
  await world.close({ seal: false });

  world = await openWorld({ folder: world.folder, startMs: world.now() });
  await world.serving.refresh();
  asked += await traffic(world, rows.slice(300, 400), 2);
  await world.deploy(delaysAnew, await world.ingest(files, { journal: true }));
  asked += await traffic(world, rows.slice(400, 500), 3);
  await world.close();

  world = await openWorld({ folder: world.folder, startMs: world.now() });
  await world.serving.rollback("delays", "tester");
  asked += await traffic(world, rows.slice(500), 4);
  const { replayed, late, mismatches } = await world.replay();
  assert.deepEqual({ replayed, late, mismatches }, { replayed: asked, late: 0, mismatches: {} });
  await world.close();
});

test("rows that a file brings later explain answers only from when the endpoint was loaded with them", async () => {
  const rows = parcelRows(300, START, SEED + 2);
  const corrected = rows.slice(0, 200).map((row) => ({ ...row, delay: Number(row.delay) + 40 }));
  let world = await openWorld();
  await world.deploy(delays, await world.ingest(rows.slice(0, 200)));
  await world.ask(rows.slice(200, 230));
  await world.ingest(corrected);
  await world.ask(rows.slice(230, 260));
  await world.close();
  world = await openWorld({ folder: world.folder, startMs: world.now() });
  await world.ask(rows.slice(260));
  const { replayed, mismatches } = await world.replay();
  assert.deepEqual({ replayed, mismatches }, { replayed: 100, mismatches: {} });
  await world.close();
});

test("skew is found in the features that it touches, and told with an example", async (t) => {
  const rows = parcelRows(240, START, SEED + 3);
  const [before, told, asked] = [rows.slice(0, 150), rows.slice(150, 200), rows.slice(200)];
  const first = (dataset: string, change: (row: JournalRow) => JournalRow[]) => {
    let done = false;
    return (name: string, logged: readonly JournalRow[]) => {
      if (done || name !== dataset) return logged;
      done = true;
      return [...logged.slice(0, -1), ...change(logged.at(-1)!)];
    };
  };
  const events = eventsOf("delays");
  const withRow = (row: JournalRow, change: object) => ({
    ...row,
    row: JSON.stringify({ ...JSON.parse(String(row.row)), ...change }),
  });
  const skews: Record<string, { onLog: NonNullable<WorldOptions["onLog"]>; features: string[] }> = {
    "an event that never reached the log": { onLog: first(events, () => []), features: ["sent"] },
    "an event that the log has twice": {
      onLog: first(events, (row) => [row, { ...row, id: `${row.id} again` }]),
      features: ["sent"],
    },
    "a row that is another one in the log": {
      onLog: first(events, (row) => [withRow(row, { weight: 1e6 })]),
      features: ["heavy"],
    },
    "an event that came for another depot": { onLog: first(events, (row) => [withRow(row, { depot: "z" })]), features: ["sent"] },
  };
  for (const [name, { onLog, features }] of Object.entries(skews)) {
    await t.test(name, async () => {
      const world = await openWorld({ onLog });
      await world.deploy(delays, await world.ingest(before));
      await world.tell(told);
      const { id } = await world.ask(asked);
      const report = await world.replay();
      assert.deepEqual([report.replayed, report.late], [40, 0]);
      for (const feature of features) assert.ok(report.mismatches[feature]! > 0, `${feature} of ${JSON.stringify(report)}`);
      for (const feature of Object.keys(report.mismatches)) assert.ok(WINDOWED.includes(feature), feature);
      assert.ok(report.examples.length <= 5 && report.examples.every((one) => one.id.startsWith(id) && one.served !== one.meant));
      const [finding] = world.parity.findingsOf(report);
      assert.ok(finding!.severity > 0 && finding!.severity <= 1);
      assert.match(finding!.sentence, /was not what the lake says in \d+ of 40 requests .*was served .* should have got/);
      await world.close();
    });
  }
  await t.test("features that were computed by other code", async () => {
    const wrong = (name: string, logged: readonly JournalRow[]) =>
      name.endsWith("-events")
        ? logged
        : logged.map((row) => ({
            ...row,
            features: JSON.stringify({ ...JSON.parse(String(row.features)), hour: 25, depot: null }),
          }));
    const world = await openWorld({ onLog: wrong });
    await world.deploy(delays, await world.ingest(before));
    await world.ask(asked);
    const report = await world.replay();
    const withDepot = asked.filter(({ depot }) => depot !== null).length;
    assert.deepEqual(report.mismatches, { depot: withDepot, hour: 40 });
    assert.deepEqual(report.reads, { depot: ["depot"], hour: ["at"] });
    const findings = world.parity.findingsOf(report);
    assert.deepEqual(
      findings.map(({ cause, kind, severity, columns }) => ({ cause, kind, severity, columns })),
      [
        { cause: "parity/depot", kind: "parity", severity: withDepot / 40, columns: ["depot"] },
        { cause: "parity/hour", kind: "parity", severity: 1, columns: ["at"] },
      ],
    );
    await world.close();
  });
});

const WINDOWED = ["recent", "late", "worst", "earned", "least", "sent", "heavy"];

test("a request that a row of its windows came too late for is late, and no other", async () => {
  const world = await openWorld();
  const rows = parcelRows(200, START, SEED + 4);
  await world.deploy(delays, await world.ingest(rows));
  const last = rows.at(-1)!;
  const at = (minutes: number) => new Date(last.micros / 1000 + minutes * 60_000).toISOString();
  const parcel = {
    ...last,
    at: at(0),
    depot: "z",
    lane: 9,
    sender: "nobody",
    due: "2030-01-01",
    weight: null,
    lead: 30,
    paid: null,
    price: null,
  };
  const ask = (change: object) =>
    world.serving.predict("delays", [{ ...requestOf(parcel), depot: "y", due: "2030-01-02", ...change }]);
  const tooEarly = [
    { at: at(20), depot: "z" }, // `sent` should know the row, which needs no outcome
    { at: at(31) }, // `worst` goes by lane, and the delay is known by now
  ];
  const others = [
    { at: at(0), depot: "z" }, // nothing is known of a moment at that moment
    { at: at(30) },
    { at: at(31), lane: 8 },
    { at: at(24 * 60 + 1), depot: "z" }, // every window is over
  ];
  for (const change of [...tooEarly, ...others]) await ask(change);
  await world.tell([parcel]);
  await ask({ at: at(20), depot: "z" });
  const report = await world.replay();
  assert.deepEqual([report.replayed, report.late, report.mismatches], [7, tooEarly.length, {}]);
  await world.close();
});

test("where rows come so late that most requests cannot be compared, one finding says what to do", async () => {
  const world = await openWorld();
  const rows = parcelRows(500, START, SEED + 6);
  await world.deploy(delays, await world.ingest(rows.slice(0, 100)));
  const [few, many] = [rows.slice(100, 190), rows.slice(190)];
  await world.ask(few);
  await world.tell(few);
  const early = await world.replay();
  assert.ok(early.late > early.replayed / 2, `${early.late} of ${early.replayed}`);
  assert.deepEqual(world.parity.findingsOf(early), [], "too few to tell");
  await world.ask(many);
  await world.tell(many);
  const report = await world.replay();
  const [finding, ...others] = world.parity.findingsOf(report);
  assert.deepEqual([finding!.cause, finding!.kind, others], ["parity/requests/late", "parity", []]);
  assert.match(
    finding!.sentence,
    new RegExp(`^${report.late} of ${report.replayed} requests .*: feed rows when they happen, or declare`),
  );
  const half = { ...report, replayed: 200, late: 100, mismatches: { late: 1 } };
  assert.deepEqual(
    world.parity.findingsOf(half).map(({ cause }) => cause),
    ["parity/late"],
    "half are not most, and a feature may be called late",
  );
  await world.close();
});

test("where nothing was asked nothing is replayed, and no log is made", async () => {
  const world = await openWorld();
  const report = await world.replay();
  assert.deepEqual([report.replayed, report.late, world.parity.findingsOf(report)], [0, 0, []]);
  assert.deepEqual(await world.lake.names(), []);
  await world.close();
});

test("the sample is even, the same each time, and of the span alone", async () => {
  const world = await openWorld();
  const rows = parcelRows(400, START, SEED + 5);
  await world.deploy(delays, await world.ingest(rows.slice(0, 100)));
  const asked = rows.slice(100);
  await world.ask(asked);
  const [from, to] = [asked[100]!.micros, asked[250]!.micros];
  const inside = asked.filter(({ micros }) => micros >= from && micros < to).length;
  assert.equal((await world.replay({ from, to })).replayed, inside);
  const { replayed, ...first } = await world.replay({ from, to, sample: 40 });
  assert.equal(replayed, 40);
  assert.deepEqual(await world.replay({ from, to, sample: 40 }), { replayed, ...first });
  await world.close();
});

test("an event that was being written when a request came excuses a difference, and nothing else does", async () => {
  const world = await openWorld({ stepMs: 100 });
  const rows = parcelRows(150, START, SEED + 6);
  await world.deploy(delays, await world.ingest(rows));
  const parcel = { ...rows.at(-1)!, depot: "z", lead: 1 };
  const later = { ...parcel, at: formatMoment(parcel.micros + HOUR) };
  const unfed = (at: number) =>
    world.lake.append(eventsOf("delays"), [{ id: newId(at), at, time: parcel.micros, row: JSON.stringify(eventOf(parcel)) }]);
  await unfed(world.now() - 1700);
  await world.ask([{ ...later, at: `${later.at}Z` }]);
  await world.ask([{ ...later, at: `${later.at}Z`, depot: "y", lane: 7, due: "2030-01-05" }]);
  const { replayed, late, mismatches } = await world.replay();
  assert.deepEqual({ replayed, late, mismatches }, { replayed: 2, late: 1, mismatches: {} });
  await unfed(world.now() - 2900);
  await world.ask([{ ...later, at: `${later.at}Z` }]);
  const wrong = await world.replay();
  assert.deepEqual([wrong.replayed, wrong.late, wrong.mismatches.sent], [3, 1, 1]);
  await world.close();
});

test("events on record that the version cannot read, or that fail its checks, feed nothing", async () => {
  let world = await openWorld();
  const rows = parcelRows(200, START, SEED + 7);
  await world.deploy(delays, await world.ingest(rows.slice(0, 150)));
  const good = eventOf(rows[150]!);
  const { depot: _, ...incomplete } = good;
  const bad = [
    incomplete,
    { ...good, extra: 1 },
    { ...good, lane: "1" },
    { ...good, lane: 256 },
    { ...good, lane: 1.5 },
    { ...good, delay: 601 },
    { ...good, delay: null },
    { ...good, at: "2024-03-30T10:00:00" },
    { ...good, fragile: 0 },
    { ...good, due: "2024-02-30" },
    7,
    [],
    null,
  ];
  const log = bad.map((row) => JSON.stringify(row)).concat("{", "");
  await world.tell([rows[150]!]);
  await world.lake.append(eventsOf("delays"), [...log.map((row) => ({ at: world.now(), row })), { at: world.now() }]);
  await world.close();
  world = await openWorld({ folder: world.folder, startMs: world.now() });
  assert.equal((await world.serving.state("delays")).eventsSkipped, bad.length + 3);
  await world.ask(rows.slice(151));
  const { replayed, late, mismatches } = await world.replay();
  assert.deepEqual({ replayed, late, mismatches }, { replayed: 49, late: 0, mismatches: {} });
  await world.close();
});

test("an event that comes again under its id is one row", async () => {
  const world = await openWorld();
  const rows = parcelRows(200, START, SEED + 8);
  await world.deploy(delays, await world.ingest(rows.slice(0, 150)));
  const send = () =>
    world.serving.events(
      "delays",
      rows.slice(150, 170).map(eventOf),
      rows.slice(150, 170).map((_, index) => `client-${index}`),
    );
  assert.deepEqual([(await send()).accepted, (await send()).repeated], [20, 20]);
  await world.ask(rows.slice(170));
  const { replayed, mismatches } = await world.replay();
  assert.deepEqual({ replayed, mismatches }, { replayed: 30, mismatches: {} });
  await world.close();
});

test("a request without a time is asked as of the clock, and rows without any time are replayed by the server's", async () => {
  const rows = deliveryRows(300);
  const nowMs = Date.parse(`${rows.at(-1)!.at}Z`) + 1_800_000;
  let ticks = 0;
  const { serving, lake, registry, ...served } = await openServed(undefined, undefined, { now: () => nowMs + 7000 * ticks++ });
  const parity = createParity({
    lake,
    registry,
    tables: () => openDuckDb({ threads: 1, memoryMb: 200, tempFolder: join(root, "spill") }),
  });
  const windows = features("windows", deliveries, (f) => ({
    load: f.load,
    sent: f.delay.count().by(f.shop).last("5h"),
    late: f.delay.gt(5).share().last("3h"),
  }));
  const timeless = dataset("timeless", {
    from: files("none.csv"),
    columns: { shop: "string", load: "int32?", delay: "int32" },
    outcomes: {},
    split: byHash({ test: 0.3, holdout: 0.1 }),
  });
  const plain = features("plain", timeless, (f) => ({ shop: f.shop.lower(), load: f.load.log(), none: f.load.isNull() }));
  const models = [
    model("windowed", { solves: lateness, from: windows, label: (f) => f.delay, train }),
    model("plain", { solves: lateness, from: plain, label: (f) => f.delay, train }),
  ];
  for (const one of models) await served.deploy(one.name, one, await served.ingest(one.from.from, rows));
  for (const { shop, load, delay } of rows.slice(0, 40)) {
    const at = formatMoment((nowMs + 7000 * ticks) * 1000);
    await serving.events("windowed", [{ at, shop, load, delay }]);
    ticks += 400;
    await serving.predict("windowed", [
      { shop, load },
      { at, shop, load },
    ]);
    await serving.predict("plain", [{ shop, load }]);
  }
  const span = { from: nowMs * 1000, to: (nowMs + 7000 * (ticks + 1)) * 1000 };
  const counts = { late: 0, mismatches: {}, examples: [], reads: {} };
  assert.deepEqual(await parity.replay({ name: "windowed" }, span), { ...span, replayed: 80, ...counts });
  assert.deepEqual(await parity.replay({ name: "plain" }, span), { ...span, replayed: 40, ...counts });
  const { tail } = await lake.read(predictionsOf("windowed"));
  assert.equal(tail.length, 0);
  await served.close();
});

/** Asks about each parcel, some in batches, and tells of it once and in time: before anything is asked as of a later moment, some even before it happens. */
async function traffic(world: World, live: readonly Parcel[], seed: number): Promise<number> {
  const random = createRandom(seed);
  const waiting = [...live];
  let asked = 0;
  for (const [index, parcel] of live.entries()) {
    const due = waiting.filter(({ micros }) => micros < parcel.micros || random.below(90) === 0);
    due.sort(() => random.below(3) - 1);
    if (due.length > 0) await world.tell(due);
    for (const told of due) waiting.splice(waiting.indexOf(told), 1);
    const batch = live.slice(index, index + 1 + random.below(3)).filter(({ micros }) => micros === parcel.micros);
    await world.ask(batch);
    asked += batch.length;
  }
  return asked;
}
