/**
 * Whether rows keep coming. What is usual is learnt from the traffic itself, since nobody states it: of events, how far they lag behind the
 * requests at each hour of the day, from the first whole day on; of requests, their rate, held against the reference's emptiest hours.
 */
import { DAY_MICROS, formatMoment, formatSpan, HOUR_MICROS } from "../base/index.ts";
import { createDataClock } from "../serve/index.ts";
import type { Finding } from "./finding.ts";
import type { Reference } from "./reference.ts";
import { createPageTest, oddsOf } from "./watch-sequential.ts";
import { momentOf, percent } from "./words.ts";

export interface FlowWatch {
  answered(times: readonly number[], nowMs: number, rate: Reference["rate"] | null): void;
  fed(times: readonly (number | null)[]): void;
  /** Rows came, but could not be read: the source lives. */
  refused(door: "predict" | "events", nowMs: number): void;
  /** `outcomes`: columns that only events bring; what reads them suffers when these stop. */
  findings(nowMs: number, outcomes: readonly string[]): Finding[];
}

const EVENTS_MIN = 100;
const SLACK = 1.5;
const LAG_SLACK_MICROS = 30e6;
const RUN_SLACK = 10;
/** So many times the longest run without an event says enough by itself, once events lag more than they ever did. */
const RUN_CERTAIN = 4;
/** A longer time without requests is a pause of the source, or a replay that begins elsewhere. */
const PAUSE_MICROS = 2 * HOUR_MICROS;
const LATE_SLACK_MICROS = 600e6;
const LATE = oddsOf(0.005);

const SILENCE_MIN_MS = 5 * 60_000;
const PACE_MIN_MS = 10 * 60_000;
const PACE_ROWS_MIN = 100;
/** The pace is that of the last three hours. */
const PACE_MARKS = 19;
/** Rows that should have come, at the least: none of so many is no chance, however they bunch. */
const MISSED_MIN = 30;
const SILENCE_MAX_HOURS = 72;

export function createFlowWatch(): FlowWatch {
  const events = createEventFlow();
  const requests = createRequestFlow();
  return {
    answered(times, nowMs, rate) {
      events.answered(times);
      requests.answered(times.length, events.answeredTo(), nowMs, rate);
    },
    fed: events.fed,
    refused: (door, nowMs) => (door === "events" ? events.refused() : requests.refused(nowMs)),
    findings: (nowMs, outcomes) =>
      [requests.silence(nowMs), events.stopped(outcomes), events.late(outcomes)].filter((one) => one !== null),
  };
}

/** Lag and run by hour of the day: the greatest that ended well, of the hour and its neighbours. */
function createGreatest() {
  const byHour = new Float64Array(24);
  const hourOf = (micros: number) => ((Math.floor(micros / HOUR_MICROS) % 24) + 24) % 24;
  return {
    learn(micros: number, value: number) {
      const hour = hourOf(micros);
      byHour[hour] = Math.max(byHour[hour]!, value);
    },
    near(micros: number) {
      const hour = hourOf(micros);
      return Math.max(byHour[(hour + 23) % 24]!, byHour[hour]!, byHour[(hour + 1) % 24]!);
    },
  };
}

function createEventFlow() {
  const answeredClock = createDataClock(null);
  const fedClock = createDataClock(null);
  const lags = createGreatest();
  const runs = createGreatest();
  const lateness = createPageTest();
  let greatestLateness = 0;
  let learningSince: number | null = null;
  let eventCount = 0;
  let runRows = 0;
  /** Data time at which requests went on after a pause: events cannot be newer than that at once. */
  let resumedAt = Number.NEGATIVE_INFINITY;

  const lagNow = () => {
    const [answered, fed] = [answeredClock.time(), fedClock.time()];
    return answered === null || fed === null ? null : answered - Math.max(fed, resumedAt);
  };
  const learnt = () => learningSince !== null && eventCount >= EVENTS_MIN && answeredClock.time()! - learningSince >= DAY_MICROS;

  const learnGap = (asOf: number) => {
    learningSince ??= asOf;
    lags.learn(asOf, Math.max(0, lagNow() ?? 0));
    runs.learn(asOf, runRows);
  };

  const judgeLateness = (time: number, asOf: number) => {
    const late = asOf - time;
    if (!learnt()) greatestLateness = Math.max(greatestLateness, late);
    else lateness.add(LATE, 1, late > greatestLateness * SLACK + LATE_SLACK_MICROS ? 1 : 0, asOf);
  };

  const stopped = () => {
    const asOf = answeredClock.time();
    const lag = lagNow();
    if (asOf === null || lag === null || !learnt()) return null;
    const usualLag = lags.near(asOf);
    const usualRun = runs.near(asOf);
    const both = lag > usualLag * SLACK + LAG_SLACK_MICROS && runRows >= usualRun * SLACK + RUN_SLACK;
    const certain = lag > usualLag && runRows >= (usualRun + RUN_SLACK) * RUN_CERTAIN;
    return both || certain ? { lag, usualLag } : null;
  };

  return {
    answeredTo: () => answeredClock.time(),
    answered(times: readonly number[]) {
      const before = answeredClock.time();
      for (const time of times) answeredClock.saw(time);
      runRows += times.length;
      if (before === null || answeredClock.time()! - before < PAUSE_MICROS) return;
      resumedAt = answeredClock.time()!;
      runRows = 0;
    },
    fed(times: readonly (number | null)[]) {
      const asOf = answeredClock.time();
      if (asOf !== null && stopped() === null) learnGap(asOf);
      for (const time of times) {
        if (time === null) continue;
        if (asOf !== null) judgeLateness(time, asOf);
        fedClock.saw(time);
        eventCount++;
      }
      runRows = 0;
    },
    refused: () => {
      runRows = 0;
    },
    stopped(outcomes: readonly string[]): Finding | null {
      const found = stopped();
      if (found === null) return null;
      const lag = formatSpan(found.lag / 1000);
      return {
        ...feed("feed/events/stopped", outcomes),
        severity: 0.9,
        sentence: `no event came with the last ${runRows} predictions: the newest is ${lag} of data time behind them, where ${formatSpan(found.usualLag / 1000)} is the most at this hour`,
        detail: { since: formatMoment(fedClock.time()!), predictions: runRows, lagMicros: found.lag, expected: found.usualLag },
      };
    },
    late(outcomes: readonly string[]): Finding | null {
      const { found } = lateness;
      if (found === null) return null;
      return {
        ...feed("feed/events/late", outcomes),
        severity: (0.5 * found.bad) / found.trials,
        sentence: `${found.bad} of ${found.trials} events came later than ${formatSpan((greatestLateness * SLACK + LATE_SLACK_MICROS) / 1000)} of data time, where ${percent(LATE.expected)} may`,
        detail: { since: momentOf(found.since), trials: found.trials, bad: found.bad },
      };
    },
  };
}

interface Mark {
  readonly ms: number;
  readonly micros: number;
  readonly rows: number;
}

/**
 * Silence is only judged where data time runs as the wall clock does: the pauses of a replay mean nothing.
 */
function createRequestFlow() {
  let rows = 0;
  let last: { ms: number; micros: number } | null = null;
  let marks: Mark[] = []; // one every PACE_MIN_MS
  let rate: Reference["rate"] | null = null;

  return {
    answered(count: number, micros: number | null, nowMs: number, by: Reference["rate"] | null) {
      rows += count;
      rate = by ?? rate;
      if (micros === null) return;
      last = { ms: nowMs, micros };
      const newest = marks.at(-1);
      if (newest === undefined || nowMs - newest.ms >= PACE_MIN_MS)
        marks = [...marks, { ms: nowMs, micros, rows }].slice(-PACE_MARKS);
    },
    refused(nowMs: number) {
      if (last !== null) last = { ...last, ms: nowMs };
    },
    silence(nowMs: number): Finding | null {
      const from = marks[0];
      if (last === null || from === undefined || rate === null || rate.length !== 24) return null;
      const silentMs = nowMs - last.ms;
      const pace = { ms: last.ms - from.ms, micros: last.micros - from.micros, rows: rows - from.rows };
      if (silentMs < SILENCE_MIN_MS || pace.ms < PACE_MIN_MS || pace.rows < PACE_ROWS_MIN) return null;
      const speed = pace.micros / 1000 / pace.ms;
      if (speed < 0.5 || speed > 2) return null;
      const usual = rowsIn(rate, from.micros, pace.micros, "mean");
      const part = usual === 0 ? 0 : Math.min(1, pace.rows / usual);
      const missed = part * rowsIn(rate, last.micros, silentMs * 1000, "low");
      if (missed < MISSED_MIN) return null;
      return {
        ...feed("feed/silence", []),
        severity: 1,
        sentence: `no request came for ${formatSpan(silentMs)}; at least ${Math.floor(missed)} rows are usual in that time`,
        detail: { since: formatMoment(last.micros), silentMs, expected: Math.floor(missed) },
      };
    },
  };
}

/** Rows of the reference that fall into a span of data time. */
function rowsIn(rate: Reference["rate"], from: number, spanMicros: number, which: "mean" | "low"): number {
  const to = from + Math.min(spanMicros, SILENCE_MAX_HOURS * HOUR_MICROS);
  let sum = 0;
  for (let at = from; at < to; ) {
    const hour = Math.floor(at / HOUR_MICROS);
    const end = Math.min(to, (hour + 1) * HOUR_MICROS);
    sum += (rate[((hour % 24) + 24) % 24]![which] * (end - at)) / HOUR_MICROS;
    at = end;
  }
  return sum;
}

const feed = (cause: string, columns: readonly string[]) => ({ cause, kind: "feed" as const, columns });
