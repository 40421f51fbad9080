import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelVersion } from "../registry/index.ts";
import {
  DAY,
  howLate,
  isLate,
  LIVE_FROM,
  labelsOf,
  late,
  lateByCalendar,
  lateByLoad,
  type Order,
  openWithVersion,
  openWorld,
  ordersOf,
  type World,
  whoseOrder,
} from "./fixtures/orders.ts";

const HOUR = 3600e6;
const AT = { name: "orders" };
const dayOf = (number: number) => new Date((LIVE_FROM + number * DAY) / 1000).toISOString().slice(0, 10);
/** The clock when day `number` of the traffic has been over for an hour. */
const over = (number: number) => LIVE_FROM + (number + 1) * DAY + HOUR;
const causes = ({ findings }: { findings: readonly { cause: string }[] }) => findings.map(({ cause }) => cause).toSorted();

/** A day of orders, predicted and labelled. */
async function live(
  world: World,
  version: ModelVersion,
  rows: readonly Order[],
  { label = isLate as (row: Order) => never | boolean } = {},
) {
  const ids = await world.predict("orders", version, rows);
  await world.tell("orders", labelsOf(ids, rows, label));
  return ids;
}

const orders = (day: number, count = 400, seed = 100) => ordersOf(LIVE_FROM + day * DAY, 1, count, seed + day);

test("a week like the reference has reports, and nothing is found", async () => {
  const { world, version } = await openWithVersion(late);
  for (let day = 0; day < 7; day++) await live(world, version, orders(day));
  const { reports, findings } = await world.days.scan(AT, over(6));
  assert.deepEqual(findings, []);
  assert.deepEqual(
    reports.map(({ day, rows, labelled, findings: found }) => [day, rows, labelled, found]),
    [0, 1, 2, 3, 4, 5, 6].map((day) => [dayOf(day), 400, 400, 0]),
  );
  const [report] = reports;
  assert.deepEqual(report!.versions, [{ version: 1, rows: 400 }]);
  assert.deepEqual(Object.keys(report!.drift), ["hour", "shop", "load", "weight", "heavy"]);
  assert.ok(report!.predictionDrift!.psi < report!.predictionDrift!.bound);
  const { auc } = report!.realised!;
  const [low, high] = auc!.interval!;
  assert.ok(low! < auc!.value! && auc!.value! < high!);
  assert.ok(Math.abs(report!.estimated!.auc!.value! - auc!.value!) < 0.08);
  assert.equal(report!.gain!.estimated, false);
  assert.ok(Math.abs(report!.gain!.value - (report!.realised!.gain!.value! * 400) / 1000) < 1e-6);
  assert.deepEqual((await world.days.scan(AT, over(6))).reports, [], "nothing has changed");
  await world.close();
});

test("quality is measured by what was decided, and money added up, as one look at each row does", async () => {
  const { world, version } = await openWithVersion(late);
  const rows = orders(0);
  const ids = await live(world, version, rows);
  const { tail } = await world.lake.read("orders-predictions");
  const decided = tail.map(({ decision }) => decision === true);
  const [report] = (await world.days.scan(AT, over(0))).reports;
  let [right, money] = [0, 0];
  rows.forEach((row, at) => {
    if (decided[at] === isLate(row)) right++;
    if (decided[at]) money += isLate(row) ? 10 : -4;
  });
  assert.equal(ids.length, 400);
  assert.ok(Math.abs(report!.realised!.accuracy!.value! - right / 400) < 1e-12);
  assert.equal(report!.gain!.value, money);
  await world.close();
});

test("labels that come late and out of order change the day of their prediction; the last of one id counts, unknown ones wait", async () => {
  const { world, version } = await openWithVersion(late);
  const days = [orders(0), orders(1)];
  const ids = [await world.predict("orders", version, days[0]!), await world.predict("orders", version, days[1]!)];
  const first = (await world.days.scan(AT, over(1))).reports;
  assert.deepEqual(
    first.map(({ labelled, realised, gain }) => [labelled, realised, gain!.estimated]),
    [
      [0, null, true],
      [0, null, true],
    ],
  );

  await world.tell("orders", labelsOf(ids[1]!, days[1]!));
  await world.tell("orders", { nobody: true });
  const second = (await world.days.scan(AT, over(2))).reports;
  assert.deepEqual(
    second.map(({ day, labelled }) => [day, labelled]),
    [[dayOf(1), 400]],
    "only the day that changed",
  );

  const half = ids[0]!.slice(0, 200);
  await world.tell(
    "orders",
    labelsOf(half, days[0]!, (row) => !isLate(row)),
  );
  await world.tell("orders", labelsOf(half, days[0]!));
  await world.tell("orders", labelsOf(half.slice(0, 50), days[0]!));
  const [third] = (await world.days.scan(AT, over(5))).reports;
  assert.deepEqual([third!.day, third!.labelled, third!.gain!.estimated], [dayOf(0), 200, true]);
  assert.ok(third!.realised!.auc!.value! > 0.6, "the correction counts");
  assert.deepEqual(await world.days.feedbackCounts("orders"), {
    ...{ labels: 400 + 1 + 200 + 200 + 50, matched: 600, waiting: 1, corrected: 200, repeated: 50 },
  });
  assert.ok(third!.estimated !== null && third!.realised !== null, "both stand side by side");
  await world.close();
});

test("the order of arrival decides between two labels, whatever the wall clock says", async () => {
  const { world, version } = await openWithVersion(late);
  const rows = orders(0, 300);
  const ids = await world.predict("orders", version, rows);
  const labelled = (at: number, label: (row: Order) => boolean) =>
    ids.map((id, row) => ({ id, at, label: JSON.stringify(label(rows[row]!)), known: null }));
  await world.lake.append(
    "orders-feedback",
    labelled(2000, (row) => !isLate(row)),
  );
  await world.lake.seal("orders-feedback");
  await world.lake.append("orders-feedback", labelled(1000, isLate));
  const [report] = (await world.days.scan(AT, over(0))).reports;
  assert.ok(report!.realised!.auc!.value! > 0.6);
  await world.close();
});

test("what was looked at is known after a restart, and a day under way is looked at again until it is over", async () => {
  const { world, version } = await openWithVersion(late);
  await live(world, version, orders(0, 1000));
  await live(
    world,
    version,
    orders(1, 1000).filter(({ time }) => time < LIVE_FROM + DAY + 14 * HOUR),
  );
  const until = LIVE_FROM + DAY + 14 * HOUR;
  const first = await world.days.scan(AT, until);
  assert.deepEqual(
    first.reports.map(({ day, rows }) => [day, rows]),
    [
      [dayOf(0), 1000],
      [dayOf(1), 584],
    ],
  );
  assert.deepEqual(causes(first), [], "the hours that are still to come are no drift");
  await world.close();

  const again = await openWorld(world.folder);
  assert.deepEqual((await again.days.reports("orders", 10)).length, 2);
  const idle = await again.days.scan(AT, until + 600e6);
  assert.deepEqual(
    idle.reports.map(({ day }) => day),
    [dayOf(1)],
  );
  const closed = await again.days.scan(AT, over(1));
  assert.deepEqual(
    closed.reports.map(({ day, rows }) => [day, rows]),
    [[dayOf(1), 584]],
  );
  assert.deepEqual((await again.days.scan(AT, over(2))).reports, []);
  await again.close();
});

test("a day under way with few rows, a day to come and a day without rows have no report", async () => {
  const { world, version } = await openWithVersion(late);
  assert.deepEqual(await world.days.scan(AT, over(0)), { reports: [], findings: [] });
  assert.deepEqual(await world.days.feedbackCounts("orders"), { labels: 0, matched: 0, waiting: 0, corrected: 0, repeated: 0 });
  await live(world, version, orders(0));
  await live(world, version, orders(2, 100));
  await live(world, version, orders(9));
  const { reports } = await world.days.scan(AT, LIVE_FROM + 2 * DAY + 20 * HOUR);
  assert.deepEqual(
    reports.map(({ day }) => day),
    [dayOf(0)],
  );
  assert.deepEqual(
    (await world.days.scan(AT, over(2))).reports.map(({ day, rows }) => [day, rows]),
    [[dayOf(2), 100]],
  );
  await world.close();
});

test("planted shifts are named: another unit, nulls, a value never seen; and they are gone when a day is sound again", async () => {
  const { world, version } = await openWithVersion(late);
  const plant = async (day: number, change: (row: Order) => Order) => {
    await world.predict("orders", version, orders(day, 600).map(change));
    return causes(await world.days.scan(AT, over(day)));
  };
  assert.deepEqual(await plant(0, (row) => row), []);
  assert.deepEqual(await plant(1, (row) => ({ ...row, weight: row.weight! * 2.2 + 1 })), ["drift/weight"]);
  assert.deepEqual(await plant(2, (row) => ({ ...row, shop: "z" })), ["drift/shop"]);
  const nulls = await plant(3, (row) => ({ ...row, load: null }));
  assert.ok(nulls.includes("drift/load") && nulls.includes("drift/predictions"), String(nulls));
  assert.deepEqual(await plant(4, (row) => row), []);
  const [found] = (await world.days.reports("orders", 10)).slice(3);
  assert.equal(found!.findings, nulls.length);
  await world.close();
});

test("a finding says what shifted and how much, and which columns it is about", async () => {
  const { world, version } = await openWithVersion(late);
  await world.predict(
    "orders",
    version,
    orders(0).map((row) => ({ ...row, load: null })),
  );
  const { findings } = await world.days.scan(AT, over(0));
  const heavy = findings.find(({ cause }) => cause === "drift/heavy")!;
  assert.deepEqual([heavy.kind, heavy.columns], ["drift", ["load"]]);
  assert.match(
    heavy.sentence,
    /^heavy drifted on 2024-01-31: PSI \d.*\(null in 100 % of the rows, 5(\.\d)? % of the reference\)$/,
  );
  assert.ok(heavy.severity >= 0 && heavy.severity <= 1);
  await world.close();
});

test("a model whose world has changed is found when its labels come, by measure and by group", async () => {
  const { world, version } = await openWithVersion(late);
  const upsideDown = (row: Order) => !isLate(row);
  await live(world, version, orders(0, 600), { label: upsideDown });
  const found = causes(await world.days.scan(AT, over(0)));
  assert.ok(found.includes("quality/auc") && found.includes("quality/calibrationError"), String(found));
  assert.ok(
    !found.some((cause) => cause.startsWith("drift/") || cause.startsWith("quality/estimated")),
    "nothing of it is in the features",
  );
  const [report] = await world.days.reports("orders", 1);
  assert.ok(report!.estimated!.auc!.value! > 0.7 && report!.realised!.auc!.value! < 0.4);
  await world.close();
});

test("one group that turns out otherwise is named: at once when it is far off, else on the second day", async () => {
  const { world, version } = await openWithVersion(late);
  const always = (row: Order) => row.shop === "c" || isLate(row);
  await live(world, version, orders(0, 600), { label: always });
  const first = await world.days.scan(AT, over(0));
  const group = first.findings.find(({ cause }) => cause === "quality/group/shop=c");
  assert.ok(group, String(causes(first)));
  assert.match(group.sentence, /^Rows with shop "c" were true 100 % of the time on 2024-01-31, predicted \d+ %/);
  assert.equal(causes(first).filter((cause) => cause.startsWith("quality/group/")).length, 1);

  const reference = (await world.references.of(version))!.groups.shop!;
  let turn = 0;
  const shift = 1.2 * reference.worst + 0.04;
  const oftener = (row: Order) => isLate(row) || (row.shop === "a" && ++turn % Math.round(1 / (shift * 2)) === 0);
  await live(world, version, orders(1, 4000), { label: isLate });
  assert.deepEqual(causes(await world.days.scan(AT, over(1))), []);
  await live(world, version, orders(2, 4000), { label: oftener });
  assert.deepEqual(causes(await world.days.scan(AT, over(2))), []);
  await live(world, version, orders(3, 4000), { label: oftener });
  const second = await world.days.scan(AT, over(3));
  assert.ok(causes(second).includes("quality/group/shop=a"), String(causes(second)));
  assert.match(second.findings.find(({ cause }) => cause === "quality/group/shop=a")!.sentence, /and off the day before too/);
  await world.close();
});

test("two versions on one day: probabilities are calibrated by their own; drift is not told by the rows of one with other features", async () => {
  const { world, version } = await openWithVersion(late);
  const other = await world.makeVersion(lateByLoad);
  assert.equal(other.version, 2);
  const rows = orders(0, 1000);
  const few = rows.filter((_, at) => at % 4 === 0);
  await live(
    world,
    version,
    rows.filter((_, at) => at % 4 !== 0),
  );
  await live(world, other, few);
  const [report] = (await world.days.scan(AT, over(0))).reports;
  assert.deepEqual(report!.versions, [
    { version: 1, rows: 750 },
    { version: 2, rows: 250 },
  ]);
  assert.deepEqual([report!.rows, report!.labelled, report!.drift, report!.findings], [1000, 1000, {}, 0]);
  await live(world, other, orders(1, 800));
  const [next] = (await world.days.scan(AT, over(1))).reports;
  assert.deepEqual([Object.keys(next!.drift), next!.findings], [["load"], 0]);
  await world.close();
});

test("what the calendar says of a day is no drift: its weekday, a month that no row of the reference has; its hours may be", async () => {
  const { world, version } = await openWithVersion(lateByCalendar);
  for (let day = 0; day < 4; day++) await live(world, version, orders(day, 600));
  const { reports, findings } = await world.days.scan(AT, over(3));
  assert.deepEqual([dayOf(0), dayOf(1)], ["2024-01-31", "2024-02-01"]);
  assert.deepEqual(findings, []);
  assert.deepEqual(
    reports.map(({ drift }) => Object.keys(drift)),
    [0, 1, 2, 3].map(() => ["load", "hour"]),
  );
  const noons = orders(4, 600).map((row, at) => ({
    ...row,
    time: LIVE_FROM + 4 * DAY + 9 * HOUR + Math.floor((at / 600) * 6 * HOUR),
  }));
  await live(world, version, noons);
  assert.ok(causes(await world.days.scan(AT, over(4))).includes("drift/hour"));
  await world.close();
});

test("a rollout at noon is no drift: versions whose features mean the same tell of the day together", async () => {
  const { world, version } = await openWithVersion(late);
  const other = await world.makeVersion({ ...late, seed: 2 });
  const rows = orders(0, 1000);
  await live(world, version, rows.slice(0, 450));
  await live(world, other, rows.slice(450));
  const [report] = (await world.days.scan(AT, over(0))).reports;
  assert.deepEqual(
    [report!.versions.length, Object.keys(report!.drift), report!.findings],
    [2, ["hour", "shop", "load", "weight", "heavy"], 0],
  );
  await world.close();
});

test("a version without a reference is measured by its labels, and nothing is estimated or found", async () => {
  const world = await openWorld();
  const version = await world.makeVersion(late, { withReference: false });
  await live(
    world,
    version,
    orders(0).map((row) => ({ ...row, load: null })),
  );
  const { reports, findings } = await world.days.scan(AT, over(0));
  const [{ drift, predictionDrift, estimated, realised, gain }] = reports as [(typeof reports)[number]];
  assert.deepEqual(
    { drift, predictionDrift, estimated, gain, findings },
    { drift: {}, predictionDrift: null, estimated: null, gain: null, findings: [] },
  );
  assert.equal(typeof realised!.accuracy!.value, "number");
  await world.close();
});

test("several classes are judged by the one that was answered; a label that is none of them was never right", async () => {
  const { world, version } = await openWithVersion(whoseOrder);
  const rows = orders(0);
  const ids = await world.predict("orders", version, rows);
  await world.tell(
    "orders",
    labelsOf(ids, rows, (row) => row.shop),
  );
  const { reports, findings } = await world.days.scan(AT, over(0));
  assert.deepEqual(findings, []);
  const before = reports[0]!.realised!.accuracy!.value!;
  assert.ok(Math.abs(before - reports[0]!.estimated!.accuracy!.value!) < 0.08);
  assert.equal(reports[0]!.gain, null);
  await world.tell(
    "orders",
    labelsOf(ids, rows, () => "somewhere else"),
  );
  const [after] = (await world.days.scan(AT, over(0))).reports;
  assert.deepEqual([after!.realised!.accuracy!.value, after!.labelled], [0, 400]);
  await world.close();
});

test("numbers are judged by their errors, and nothing is estimated", async () => {
  const { world, version } = await openWithVersion(howLate);
  const rows = orders(0);
  const ids = await world.predict("orders", version, rows);
  await world.tell(
    "orders",
    labelsOf(ids, rows, (row) => row.delay + 60),
  );
  const result = await world.days.scan(AT, over(0));
  assert.deepEqual(
    causes(result).filter((cause) => !cause.includes("group")),
    ["quality/mae", "quality/rmse"],
  );
  assert.equal(result.reports[0]!.estimated, null);
  assert.ok(result.reports[0]!.realised!.mae!.value! > 40);
  await world.close();
});

test("labels and features that cannot be read count as not there, and keep no day from its report", async () => {
  const { world, version } = await openWithVersion(late);
  const rows = orders(0);
  const ids = await live(world, version, rows);
  await world.lake.append("orders-feedback", [
    { id: ids[0]!, at: 1, label: '"maybe"', known: null },
    { id: ids[1]!, at: 1, label: "not json", known: null },
    { id: ids[2]!, at: 1, label: null, known: null },
  ]);
  const base = { at: 1, model: "late", version: 1, request: "{}", probability: 0.5, decision: true, threshold: 0.3 };
  await world.lake.append("orders-predictions", [
    { ...base, id: "odd-1", time: LIVE_FROM + HOUR, features: "{}" },
    { ...base, id: "odd-2", time: LIVE_FROM + HOUR, features: '{"load":"heavy","unheard":1}' },
    { ...base, id: "odd-3", time: LIVE_FROM + HOUR, features: "{}", probability: null },
  ]);
  const [report] = (await world.days.scan(AT, over(0))).reports;
  assert.deepEqual([report!.rows, report!.labelled], [403, 398]);
  await world.close();
});

test("a first day that begins at noon is not held against whole days", async () => {
  const { world, version } = await openWithVersion(late);
  await world.predict(
    "orders",
    version,
    orders(0, 1000).filter(({ time }) => time >= LIVE_FROM + 12 * HOUR),
  );
  const { reports, findings } = await world.days.scan(AT, over(0));
  assert.deepEqual([reports[0]!.drift, reports[0]!.predictionDrift, findings], [{}, null, []]);
  await world.close();
});

test("what a replay found is put into a day's report and outlives the next look at it", async () => {
  const { world, version } = await openWithVersion(late);
  const rows = orders(0);
  const ids = await world.predict("orders", version, rows);
  assert.equal(await world.days.setParity("orders", dayOf(0), null), false);
  await world.days.scan(AT, over(0));
  const parity = { replayed: 10, late: 0, mismatches: { load: 1 } };
  assert.equal(await world.days.setParity("orders", dayOf(0), parity), true);
  await world.tell("orders", labelsOf(ids, rows));
  const [report] = (await world.days.scan(AT, over(0))).reports;
  assert.deepEqual([report!.parity, report!.labelled], [parity, 400]);
  await world.close();
});
