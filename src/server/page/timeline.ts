/** What monitoring found of an endpoint, on one axis of days: what `monitor-drawing.ts` draws, worked out and nothing drawn. */
import { ALERT_KINDS, type Alert, type DayReport, type OutputOf } from "../../contract/index.ts";
import { type DayAxis, dayAxis, dayOf } from "./day-axis.ts";
import { linearScale, ratioScale, type Scale } from "./scale.ts";

export type Monitor = OutputOf<"getMonitor">;

/** Places on the axis, `x` and `width`, are shares of its width. */
export interface Timeline {
  readonly name: string;
  /** Days that a point stands for: more than one where there are more days than can be told apart. */
  readonly daysPerPoint: number;
  readonly points: readonly Point[];
  readonly ticks: readonly { readonly x: number; readonly text: string }[];
  readonly breaks: readonly number[];
  readonly quality: {
    readonly measure: string;
    readonly band: { readonly low: number; readonly high: number } | null;
    readonly scale: Scale;
  } | null;
  readonly gain: { readonly currency: string; readonly total: number; readonly estimated: number; readonly scale: Scale } | null;
  readonly drift: { readonly scale: Scale; readonly named: readonly DriftName[] } | null;
  readonly rows: { readonly versions: readonly number[]; readonly scale: Scale };
  /** Of alerts, one lane a kind. */
  readonly lanes: readonly { readonly kind: Alert["kind"]; readonly spans: readonly Span[] }[];
  readonly marks: readonly Mark[];
  /** Numbers of marks, those taken together that stand too near to each other. */
  readonly flags: readonly { readonly x: number; readonly row: number; readonly text: string }[];
}

export interface Point {
  /** First and last day. */
  readonly from: number;
  readonly to: number;
  readonly x: number;
  readonly width: number;
  readonly rows: number;
  readonly labelled: number;
  readonly versions: readonly { readonly version: number; readonly rows: number }[];
  readonly realised: Reading | null;
  readonly estimated: Reading | null;
  readonly gain: { readonly value: number; readonly estimated: boolean; readonly interval: Interval | null } | null;
  /** The feature that drifted most, as a multiple of its bound. */
  readonly drift: Drift | null;
  readonly predictionDrift: number | null;
}

type Interval = readonly [low: number, high: number];
export interface Reading {
  readonly value: number;
  readonly interval: Interval | null;
}
export interface Drift {
  readonly feature: string;
  readonly ratio: number;
}
/** A feature that is named where it passed its bound. */
export interface DriftName extends Drift {
  readonly x: number;
}
export interface Span {
  readonly x: number;
  readonly width: number;
  readonly open: boolean;
  readonly sentence: string;
}
export interface Mark {
  readonly number: number;
  /** null: without data time, or of a time that is not shown. */
  readonly x: number | null;
  readonly happening: Monitor["happenings"][number];
}

const POINTS_MAX = 250;
/** A greater multiple of the bound says nothing more, and a bound of 0 has no multiple. */
const RATIO_MAX = 1000;
/** Widths that texts need, as shares of the narrowest axis, 600 pixels. */
const DIGIT_WIDTH = 0.013;
const FLAG_PADDING = 0.02;
const NAME_WIDTH = 0.2;

/** null where no day has been looked at. `closed` are alerts that were open before. */
export function timelineOf(monitor: Monitor, closed: readonly Alert[] = []): Timeline | null {
  const days = monitor.days
    .map((report) => ({ report, day: dayOf(report.day) }))
    .filter((one): one is DatedReport => one.day !== null)
    .sort((a, b) => a.day - b.day);
  if (days.length === 0) return null;
  const newest = monitor.dataTime === null ? null : dayOf(monitor.dataTime);
  const last = days.at(-1)!.day;
  const axis = dayAxis([...days.map(({ day }) => day), ...(newest !== null && newest >= last + 1 ? [Math.floor(newest)] : [])]);
  const daysPerPoint = Math.ceil(axis.slots / POINTS_MAX);
  const measure = monitor.measure?.name ?? null;
  const points = pointsOf(days, axis, daysPerPoint, measure);
  const marks = marksOf(monitor.happenings, (time) => placeOf(time, axis));
  return {
    name: monitor.name,
    daysPerPoint,
    points,
    ticks: axis.ticks.map(({ slot, text }) => ({ x: slot / axis.slots, text })),
    breaks: axis.breaks.map((slot) => slot / axis.slots),
    quality: qualityOf(monitor, points),
    gain: gainOf(monitor, points),
    drift: driftOf(points),
    rows: {
      versions: [...new Set(points.flatMap(({ versions }) => versions.map(({ version }) => version)))].sort((a, b) => a - b),
      scale: linearScale([0, ...points.map(({ rows }) => rows)]),
    },
    lanes: lanesOf([...closed, ...monitor.alerts], axis, days[0]!.day),
    marks,
    flags: flagsOf(marks),
  };
}

interface DatedReport {
  readonly report: DayReport;
  readonly day: number;
}

const placeOf = (time: string | null, axis: DayAxis): number | null => {
  const day = time === null ? null : dayOf(time);
  const slot = day === null ? null : axis.slotOf(day);
  return slot === null ? null : slot / axis.slots;
};

function pointsOf(days: readonly DatedReport[], axis: DayAxis, daysPerPoint: number, measure: string | null): Point[] {
  const groups = Map.groupBy(days, ({ day }) => Math.floor(axis.slotOf(day)! / daysPerPoint));
  return [...groups].map(([index, group]) => {
    const reports = group.map(({ report }) => report);
    const start = index * daysPerPoint;
    return {
      from: group[0]!.day,
      to: group.at(-1)!.day,
      x: start / axis.slots,
      width: Math.min(daysPerPoint, axis.slots - start) / axis.slots,
      rows: sum(reports.map(({ rows }) => rows)),
      labelled: sum(reports.map(({ labelled }) => labelled)),
      versions: versionsOf(reports),
      realised:
        measure === null
          ? null
          : average(reports.map((report) => ({ ...readingOf(report.realised, measure), weight: report.labelled }))),
      estimated:
        measure === null
          ? null
          : average(reports.map((report) => ({ ...readingOf(report.estimated, measure), weight: report.rows }))),
      gain: totalGain(reports),
      drift: worst(reports.flatMap(driftsOf)),
      predictionDrift: worst(reports.flatMap(({ predictionDrift }) => ratios({ prediction: predictionDrift })))?.ratio ?? null,
    };
  });
}

function versionsOf(reports: readonly DayReport[]): Point["versions"] {
  const rows = new Map<number, number>();
  for (const { versions } of reports) for (const one of versions) rows.set(one.version, (rows.get(one.version) ?? 0) + one.rows);
  return [...rows].map(([version, rows]) => ({ version, rows })).sort((a, b) => a.version - b.version);
}

const readingOf = (measures: DayReport["realised"], name: string) => ({
  value: measures?.[name]?.value ?? null,
  interval: pairOf(measures?.[name]?.interval),
});

/** The interval of several days is the average of theirs: wider than it need be. */
function average(readings: readonly { value: number | null; interval: Interval | null; weight: number }[]): Reading | null {
  const known = readings.filter((one): one is Reading & { weight: number } => one.value !== null);
  if (known.length <= 1) return known.length === 0 ? null : { value: known[0]!.value, interval: known[0]!.interval };
  const weightOf = (weight: number) => Math.max(weight, 1);
  const whole = sum(known.map(({ weight }) => weightOf(weight)));
  const mean = (of: (one: Reading) => number) => sum(known.map((one) => of(one) * weightOf(one.weight))) / whole;
  const bounded = known.every(({ interval }) => interval !== null);
  return {
    value: mean(({ value }) => value),
    interval: bounded ? [mean(({ interval }) => interval![0]), mean(({ interval }) => interval![1])] : null,
  };
}

function totalGain(reports: readonly DayReport[]): Point["gain"] {
  const gains = reports.flatMap(({ gain }) => (gain === null ? [] : [gain]));
  if (gains.length === 0) return null;
  return {
    value: sum(gains.map(({ value }) => value)),
    estimated: gains.some(({ estimated }) => estimated),
    interval: gains.length === 1 ? pairOf(gains[0]!.interval) : null,
  };
}

/** Every feature's drift on a day, the greatest first. */
export const driftsOf = ({ drift }: DayReport): Drift[] => ratios(drift).sort((a, b) => b.ratio - a.ratio);

const ratios = (drift: Readonly<Record<string, { psi: number; bound: number } | null>>): Drift[] =>
  Object.entries(drift).flatMap(([feature, one]) =>
    one === null
      ? []
      : [{ feature, ratio: one.bound > 0 ? Math.min(one.psi / one.bound, RATIO_MAX) : one.psi > 0 ? RATIO_MAX : 0 }],
  );

const worst = (drifts: readonly Drift[]): Drift | null =>
  drifts.reduce<Drift | null>((most, one) => (most === null || one.ratio > most.ratio ? one : most), null);

function qualityOf({ measure }: Monitor, points: readonly Point[]): Timeline["quality"] {
  const readings = points.flatMap(({ realised, estimated }) => [realised, estimated].filter((one) => one !== null));
  if (measure === null || readings.length === 0) return null;
  const band = measure.low === null || measure.high === null ? null : { low: measure.low, high: measure.high };
  const values = [...readings.map(({ value }) => value), ...(band ? [band.low, band.high] : [])];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = most - least;
  const ends = readings
    .flatMap(({ interval }) => interval ?? [])
    .map((end) => Math.min(Math.max(end, least - room), most + room));
  return { measure: measure.name, band, scale: linearScale([...values, ...ends]) };
}

function gainOf({ currency }: Monitor, points: readonly Point[]): Timeline["gain"] {
  const gains = points.flatMap(({ gain }) => (gain === null ? [] : [gain]));
  if (gains.length === 0) return null;
  return {
    currency: currency ?? "",
    total: sum(gains.map(({ value }) => value)),
    estimated: sum(gains.filter(({ estimated }) => estimated).map(({ value }) => value)),
    scale: linearScale([0, ...gains.map(({ value }) => value)]),
  };
}

function driftOf(points: readonly Point[]): Timeline["drift"] {
  const drifts = points
    .flatMap(({ drift, predictionDrift }) => [drift?.ratio ?? null, predictionDrift])
    .filter((one) => one !== null);
  return drifts.length === 0 ? null : { scale: ratioScale(drifts), named: namesOf(points) };
}

/** The greatest first; a name that would stand on another one is left out. */
function namesOf(points: readonly Point[]): DriftName[] {
  const passed = points
    .flatMap(({ drift, x, width }) => (drift !== null && drift.ratio > 1 ? [{ ...drift, x: x + width / 2 }] : []))
    .sort((a, b) => b.ratio - a.ratio);
  const named: DriftName[] = [];
  for (const one of passed) if (named.every(({ x }) => Math.abs(x - one.x) >= NAME_WIDTH)) named.push(one);
  return named.sort((a, b) => a.x - b.x);
}

/** An alert that began before the axis does begins with it; an open one reaches its end. */
function lanesOf(alerts: readonly Alert[], axis: DayAxis, first: number): Timeline["lanes"] {
  const xOf = (time: string) => ((dayOf(time) ?? first) < first ? 0 : placeOf(time, axis));
  const spans = alerts.flatMap(({ kind, sentence, openedAsOf, closedAt, closedAsOf }) => {
    const open = closedAt === null;
    const from = openedAsOf === null ? null : xOf(openedAsOf);
    const to = open ? 1 : closedAsOf === null ? from : placeOf(closedAsOf, axis);
    return from === null || to === null ? [] : [{ kind, span: { x: from, width: Math.max(0, to - from), open, sentence } }];
  });
  const lanes = Map.groupBy(spans, ({ kind }) => kind);
  return ALERT_KINDS.filter((kind) => lanes.has(kind)).map((kind) => ({
    kind,
    spans: lanes.get(kind)!.map(({ span }) => span),
  }));
}

/** In the order of data time; what came before there was any comes first. Without an axis none has a place. */
export function marksOf(happenings: Monitor["happenings"], place: (time: string | null) => number | null = () => null): Mark[] {
  const time = ({ asOf }: Monitor["happenings"][number]) => (asOf === null ? null : dayOf(asOf)) ?? Number.NEGATIVE_INFINITY;
  return happenings
    .toSorted((a, b) => (time(a) === time(b) ? 0 : time(a) - time(b)))
    .map((happening, index) => ({ number: index + 1, x: place(happening.asOf), happening }));
}

/** Numbers in two rows; marks that find no place in either share a flag with the one before, as in `3-5`. */
function flagsOf(marks: readonly Mark[]): Timeline["flags"] {
  const groups = marks.filter(({ x }) => x !== null).map((mark) => ({ first: mark, last: mark }));
  for (;;) {
    const ends = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const flags: { x: number; row: number; text: string }[] = [];
    for (const { first, last } of groups) {
      const text = first === last ? String(first.number) : `${first.number}-${last.number}`;
      const x = (first.x! + last.x!) / 2;
      const half = (text.length * DIGIT_WIDTH + FLAG_PADDING) / 2;
      const row = ends.findIndex((end) => end <= x - half);
      if (row < 0) break;
      ends[row] = x + half;
      flags.push({ x, row, text });
    }
    if (flags.length === groups.length) return flags;
    groups.splice(flags.length - 1, 2, { first: groups[flags.length - 1]!.first, last: groups[flags.length]!.last });
  }
}

const pairOf = (pair: readonly number[] | undefined): Interval | null => (pair === undefined ? null : [pair[0]!, pair[1]!]);
const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
