import assert from "node:assert/strict";
import { test } from "node:test";
import type { Alert, DayReport } from "../../contract/index.ts";
import { june } from "../fixtures/june.ts";
import { dayAxis, dayOf } from "./day-axis.ts";
import { linearScale, ratioScale } from "./scale.ts";
import { type Monitor, type Timeline, timelineOf } from "./timeline.ts";

const whole = june();
const of = (changes: Partial<Monitor>, closed: readonly Alert[] = []) => timelineOf({ ...whole.monitor, ...changes }, closed)!;
const dayAt = (index: number, changes: Partial<DayReport> = {}): DayReport => ({
  ...whole.monitor.days[20]!,
  day: new Date(Date.UTC(2001, 5, 1 + index)).toISOString().slice(0, 10),
  ...changes,
});
const happening = (asOf: string | null, what = "alert") => ({ at: "2026-11-21T06:00:00.000Z", asOf, what, text: "so" });
const near = (actual: number | null | undefined, expected: number) =>
  assert.ok(Math.abs(actual! - expected) < 1e-9, `${actual} is ${expected}`);

function inBounds({ points, marks, flags, ticks, breaks, lanes }: Timeline): void {
  const places = [
    ...points.flatMap(({ x, width }) => [x, x + width]),
    ...marks.flatMap(({ x }) => (x === null ? [] : [x])),
    ...[...flags, ...ticks].map(({ x }) => x),
    ...breaks,
    ...lanes.flatMap(({ spans }) => spans.flatMap(({ x, width }) => [x, x + width])),
  ];
  for (const x of places) assert.ok(x >= -1e-9 && x <= 1 + 1e-9, `${x} is on the axis`);
}

test("a month has a point a day, and every number that the panels need", () => {
  const timeline = timelineOf(whole.monitor, whole.closed)!;
  inBounds(timeline);
  assert.equal(timeline.points.length, 30);
  assert.equal(timeline.daysPerPoint, 1);
  assert.deepEqual(timeline.rows.versions, [3, 4, 5]);
  assert.equal(timeline.quality?.measure, "auc");
  assert.equal(
    timeline.gain?.total,
    whole.monitor.days.reduce((all, { gain }) => all + gain!.value, 0),
  );
  assert.equal(
    timeline.gain?.estimated,
    whole.monitor.days.filter(({ gain }) => gain!.estimated).reduce((all, { gain }) => all + gain!.value, 0),
  );
  assert.deepEqual(
    timeline.drift?.named.map(({ feature }) => feature),
    ["origin", "recentDelay"],
  );
  assert.deepEqual(
    timeline.lanes.map(({ kind, spans }) => [kind, spans.length]),
    [
      ["feed", 1],
      ["quality", 2],
      ["drift", 2],
    ],
  );
});

test("a day without predictions keeps its place, a long silence is cut out and marked", () => {
  const short = of({ days: [dayAt(0), dayAt(1), dayAt(5)], dataTime: null, happenings: [] });
  assert.equal(short.breaks.length, 0);
  near(short.points[2]!.x, 5 / 6);

  const stray = of({
    days: [dayAt(0), dayAt(1), dayAt(2), dayAt(40_000)],
    dataTime: null,
    happenings: [happening("2050-01-01T00:00:00"), happening("2001-06-01T12:00:00")],
  });
  inBounds(stray);
  assert.equal(stray.breaks.length, 1);
  near(stray.points[0]!.width, 1 / 6);
  near(stray.marks[0]!.x, 0.5 / 6);
  near(stray.marks[1]!.x, 4 / 6);
});

test("one day is a chart of its own", () => {
  const timeline = of({ days: [dayAt(3)], dataTime: "2001-06-04T10:00:00", happenings: [happening("2001-06-04T06:00:00")] });
  inBounds(timeline);
  assert.equal(timeline.points[0]!.width, 1);
  near(timeline.marks[0]!.x, 0.25);
  assert.deepEqual(
    timeline.ticks.map(({ text }) => text),
    ["4 Jun 2001"],
  );
});

test("a day that goes on, and has no report yet, has its place on the axis", () => {
  const timeline = of({
    days: [dayAt(0), dayAt(1)],
    dataTime: "2001-06-03T06:00:00",
    happenings: [happening("2001-06-03T06:00:00")],
  });
  near(timeline.points[1]!.width, 1 / 3);
  near(timeline.marks[0]!.x, 2.25 / 3);
});

test("no day gives no chart, and a day that is no day is left out", () => {
  assert.equal(timelineOf({ ...whole.monitor, days: [] }), null);
  assert.equal(timelineOf({ ...whole.monitor, days: [dayAt(0, { day: "999999-01-01" })] }), null);
  assert.equal(of({ days: [dayAt(0, { day: "yesterday" }), dayAt(1)] }).points.length, 1);
});

test("a thousand days share points: gains and rows add up, quality is averaged by its labels, the worst drift stays", () => {
  const days = Array.from({ length: 1000 }, (_, index) =>
    dayAt(index, {
      rows: 100,
      labelled: index % 4 === 0 ? 300 : 100,
      versions: [{ version: index < 500 ? 1 : 2, rows: 100 }],
      realised: { auc: { value: index % 4 === 0 ? 0.8 : 0.6, interval: [0.5, 0.9] } },
      gain: { value: 10, estimated: index > 996 },
      drift: { hour: { psi: index === 402 ? 0.5 : 0.01, bound: 0.1 } },
    }),
  );
  const timeline = of({ days, dataTime: null });
  inBounds(timeline);
  assert.equal(timeline.daysPerPoint, 4);
  assert.equal(timeline.points.length, 250);
  assert.ok(timeline.points.every(({ rows, gain }) => rows === 400 && gain?.value === 40));
  near(timeline.points[0]!.realised?.value, (0.8 * 300 + 0.6 * 300) / 600);
  near(timeline.points[100]!.drift?.ratio, 5);
  assert.equal(timeline.gain?.total, 10_000);
  assert.equal(timeline.points.at(-1)!.gain?.estimated, true);
  assert.ok(timeline.ticks.length <= 9 && timeline.ticks.length > 2);
});

test("without any label quality is what was estimated, and without that there is none", () => {
  const unlabelled = { realised: null, labelled: 0 };
  assert.ok(of({ days: [dayAt(0, unlabelled), dayAt(1, unlabelled)] }).quality);
  const unknown = of({ days: [dayAt(0, { ...unlabelled, estimated: null })] });
  assert.equal(unknown.quality, null);
  assert.equal(unknown.points[0]!.realised, null);
  assert.equal(of({ measure: null }).quality, null);
  assert.equal(of({ measure: { name: "logLoss", low: null, high: null } }).quality, null, "a measure that no day has");
});

test("a regression has no gain, and a value that is not defined is none", () => {
  const timeline = of({
    measure: { name: "rmse", low: null, high: null },
    days: [
      dayAt(0, { gain: null, realised: { rmse: { value: 12.5 } } }),
      dayAt(1, { gain: null, realised: { rmse: { value: null } } }),
    ],
  });
  assert.equal(timeline.gain, null);
  assert.equal(timeline.quality?.band, null);
  assert.deepEqual(timeline.points[0]!.realised, { value: 12.5, interval: null });
  assert.equal(timeline.points[1]!.realised, null);
});

test("a loss lies below zero, which the scale always holds", () => {
  const { gain } = of({ days: [dayAt(0, { gain: { value: -500, estimated: false } })] });
  assert.equal(gain?.total, -500);
  near(gain?.scale.heightOf(0), 1);
  assert.ok(gain!.scale.heightOf(-500) >= 0);
});

test("an interval of few labels does not flatten the days", () => {
  const days = [
    dayAt(0, { realised: { auc: { value: 0.7, interval: [0.05, 1] } } }),
    dayAt(1, { realised: { auc: { value: 0.69, interval: [0.68, 0.7] } } }),
  ];
  const scale = of({ days }).quality!.scale;
  assert.ok(scale.heightOf(0.706) - scale.heightOf(0.684) > 0.2);
});

test("a bound of zero, and no drift at all, have a place", () => {
  const timeline = of({
    days: [
      dayAt(0, { drift: { hour: { psi: 0.1, bound: 0 }, origin: { psi: 0, bound: 0 } }, predictionDrift: null }),
      dayAt(1, { drift: {}, predictionDrift: null }),
    ],
  });
  assert.deepEqual(timeline.points[0]!.drift, { feature: "hour", ratio: 1000 });
  assert.equal(timeline.points[1]!.drift, null);
  for (const ratio of [0, 1, 1000]) {
    const height = timeline.drift!.scale.heightOf(ratio);
    assert.ok(height >= 0 && height <= 1);
  }
  assert.equal(of({ days: [dayAt(1, { drift: {}, predictionDrift: null })] }).drift, null);
});

test("an open alert reaches the end, one from before the axis begins with it, one without data time has no place", () => {
  const [first] = whole.monitor.alerts as [Alert];
  const lanes = of({
    alerts: [
      { ...first, openedAsOf: "2001-05-01T00:00:00" },
      { ...first, kind: "drift", openedAsOf: "2001-06-16T00:00:00" },
      { ...first, kind: "loss", openedAsOf: null },
    ],
  }).lanes;
  assert.deepEqual(
    lanes.map(({ kind, spans }) => [kind, spans[0]!.x, spans[0]!.x + spans[0]!.width, spans[0]!.open]),
    [
      ["quality", 0, 1, true],
      ["drift", 0.5, 1, true],
    ],
  );
  const gone: Alert = {
    ...first,
    openedAsOf: "2001-04-01T00:00:00",
    closedAt: first.openedAt,
    closedAsOf: "2001-05-01T00:00:00",
  };
  assert.deepEqual(of({ alerts: [] }, [gone]).lanes, [], "over before the axis begins");
});

test("marks are numbered in the order of data time; many at one place share a flag", () => {
  const happenings = [
    ...Array.from({ length: 150 }, () => happening("2001-06-10T10:00:00")),
    happening("2001-06-20T00:00:00"),
    happening(null),
    happening("2001-06-02T00:00:00"),
    happening("1999-01-01T00:00:00"),
  ];
  const timeline = of({ happenings });
  inBounds(timeline);
  assert.deepEqual(
    timeline.marks.slice(0, 3).map(({ number, x, happening }) => [number, x === null, happening.asOf]),
    [
      [1, true, null],
      [2, true, "1999-01-01T00:00:00"],
      [3, false, "2001-06-02T00:00:00"],
    ],
  );
  assert.equal(timeline.flags.length, 4, "one flag in each of two rows where the many are");
  const told = timeline.flags.flatMap(({ text }) => {
    const [from, to = from] = text.split("-").map(Number) as [number, number?];
    return Array.from({ length: to! - from + 1 }, (_, index) => from + index);
  });
  assert.deepEqual(
    told,
    timeline.marks.filter(({ x }) => x !== null).map(({ number }) => number),
    "every number once, in order",
  );
});

test("marks on every day of a month never stand on each other", () => {
  const happenings = Array.from({ length: 120 }, (_, index) =>
    happening(`2001-06-${String(1 + Math.floor(index / 4)).padStart(2, "0")}T0${index % 4}:00:00`),
  );
  const { flags } = of({ happenings });
  for (const row of [0, 1]) {
    const inRow = flags.filter((flag) => flag.row === row);
    for (const [index, { x }] of inRow.entries()) if (index > 0) assert.ok(x - inRow[index - 1]!.x > 0.03);
  }
});

test("ticks are few, at round steps, and tell the year where it changes", () => {
  const from = (day: string, length: number) =>
    dayAxis(Array.from({ length }, (_, index) => dayOf(day)! + index)).ticks.map(({ text }) => text);
  assert.deepEqual(from("2001-12-30", 4), ["30 Dec 2001", "31 Dec", "1 Jan 2002", "2 Jan"]);
  assert.deepEqual(from("2001-06-01", 60).slice(0, 2), ["1 Jun 2001", "8 Jun"]);
  assert.deepEqual(from("2001-01-01", 365).slice(0, 3), ["1 Jan 2001", "1 Mar", "1 May"]);
  for (const length of [1, 9, 10, 126, 127, 365, 1000, 5000]) assert.ok(from("2001-01-15", length).length <= 9, `${length} days`);
});

test("days and data times are read, other texts are not", () => {
  assert.equal(dayOf("1970-01-02"), 1);
  assert.equal(dayOf("1970-01-01T12:00:00"), 0.5);
  assert.equal(dayOf("1970-01-01T12:00:00.500000"), 0.5 + 0.5 / 86_400);
  for (const text of ["", "now", "2001-06", "2001-02-30", "999999-12-31"]) assert.equal(dayOf(text), null, text);
});

test("scales are round, and hold what does not vary", () => {
  assert.deepEqual(
    linearScale([0, 19_500]).ticks.map(({ text }) => text),
    ["0", "5K", "10K", "15K", "20K"],
  );
  assert.deepEqual(
    linearScale([0.641, 0.702]).ticks.map(({ text }) => text),
    ["0.64", "0.66", "0.68", "0.70", "0.72"],
  );
  for (const values of [[], [0], [5], [-3], [1e-9], [0.7, 0.7]]) {
    const scale = linearScale(values);
    assert.ok(scale.ticks.length >= 2 && scale.ticks.length < 12, `${values}`);
    for (const value of values) assert.ok(scale.heightOf(value) >= -1e-9 && scale.heightOf(value) <= 1 + 1e-9);
  }
  assert.deepEqual(
    ratioScale([0.2, 18]).ticks.map(({ text }) => text),
    ["0.1×", "1×", "10×"],
  );
});
