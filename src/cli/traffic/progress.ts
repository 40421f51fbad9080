/** Traffic as it is sent, on standard error: on a terminal one line that is drawn over; elsewhere a plain line for each day of data time. */
import { formatDay, formatMoment } from "../../base/index.ts";
import type { Effects } from "../app.ts";
import { cell } from "../table.ts";
import type { Lane } from "./lane.ts";
import { refusedCount } from "./tally.ts";

export interface TrafficProgress {
  reached(at: number): void;
  /** A line that stays. */
  say(text: string): void;
  close(): void;
}

interface Shown {
  readonly lanes: readonly Lane[];
  openAlerts(): number;
}

export const createTrafficProgress = (effects: Effects, shown: Shown, now = () => performance.now()): TrafficProgress =>
  effects.isTTY ? onTerminal(effects, shown, now) : inLines(effects, shown);

const DRAW_EVERY_MS = 200;
const RATE_OVER_MS = 2000;
const BAR = 16;

function onTerminal({ stderr, columns }: Effects, { lanes, openAlerts }: Shown, now: () => number): TrafficProgress {
  const oldest = Math.min(...lanes.map((lane) => lane.oldest));
  const newest = Math.max(...lanes.map((lane) => lane.newest));
  let at = oldest;
  const marks: Mark[] = [markOf(lanes, now())];
  const draw = () => {
    const mark = markOf(lanes, now());
    marks.push(mark);
    while (marks.length > 2 && mark.ms - marks[1]!.ms >= RATE_OVER_MS) marks.shift();
    const share = newest > oldest ? Math.min(1, Math.max(0, (at - oldest) / (newest - oldest))) : 1;
    const full = Math.round(share * BAR);
    const parts = [
      `${formatMoment(at).slice(0, "2001-06-01T10:31".length)} ${"█".repeat(full)}${"░".repeat(BAR - full)} ${Math.floor(share * 100)} %`,
      ...sinceText(marks[0]!, mark),
      timesText(lanes),
      `labels ${count(sum(lanes, ({ tally }) => tally.labels))}`,
      `refused ${count(sum(lanes, ({ tally }) => refusedCount(tally)))}`,
      `alerts ${openAlerts()}`,
    ];
    stderr(`\r\u001b[K${clip(parts.filter((part) => part !== "").join("  "), columns)}`);
  };
  const timer = setInterval(draw, DRAW_EVERY_MS).unref();
  return {
    reached(moment) {
      at = moment;
    },
    say(text) {
      stderr(`\r\u001b[K${cell(text)}\n`);
      draw();
    },
    close() {
      clearInterval(timer);
      draw();
      stderr("\n");
    },
  };
}

/** Counts at a moment, to tell what came since. */
interface Mark {
  readonly ms: number;
  readonly predictions: number;
  readonly byVersion: ReadonlyMap<string, number>;
}

function markOf(lanes: readonly Lane[], ms: number): Mark {
  const named = lanes.length > 1;
  const byVersion = lanes.flatMap(({ name, tally }) =>
    [...tally.byVersion].map(([version, answered]) => [`${named ? `${name} ` : ""}v${version}`, answered] as const),
  );
  return { ms, predictions: sum(lanes, ({ tally }) => tally.predictions), byVersion: new Map(byVersion) };
}

/** Predictions a second, and which versions gave them. */
function sinceText(before: Mark, { ms, predictions, byVersion }: Mark): string[] {
  const came = predictions - before.predictions;
  const rate = ms > before.ms ? `${count(Math.round((came / (ms - before.ms)) * 1000))}/s` : "";
  const since = [...byVersion].map(([version, all]) => [version, all - (before.byVersion.get(version) ?? 0)] as const);
  const answering = since.filter(([, answered]) => answered > 0);
  const versions = answering.map(([version, answered]) =>
    answering.length === 1 ? version : `${version} ${Math.round((answered / came) * 100)} %`,
  );
  return [rate, versions.join(" ")];
}

function inLines({ stderr }: Effects, { lanes }: Shown): TrafficProgress {
  let day: string | null = null;
  let before = countsOf(lanes);
  const tellDay = () => {
    const { predictions, labels, events, refused } = countsOf(lanes);
    const versions = [...new Set(lanes.flatMap(({ tally }) => [...tally.byVersion.keys()]))].map((version) => `v${version}`);
    stderr(
      `${day}  ${count(predictions - before.predictions)} predictions (${versions.join(" ") || "none"}), ${count(labels - before.labels)} labels, ${count(events - before.events)} events, ${count(refused - before.refused)} refused  ${timesText(lanes)}\n`,
    );
    before = { predictions, labels, events, refused };
  };
  return {
    reached(at) {
      if (day !== null && formatDay(at) !== day) tellDay();
      day = formatDay(at);
    },
    say: (text) => stderr(`${cell(text)}\n`),
    close() {
      if (day !== null) tellDay();
    },
  };
}

const countsOf = (lanes: readonly Lane[]) => ({
  predictions: sum(lanes, ({ tally }) => tally.predictions),
  labels: sum(lanes, ({ tally }) => tally.labels),
  events: sum(lanes, ({ tally }) => tally.events),
  refused: sum(lanes, ({ tally }) => refusedCount(tally)),
});

/** Of the endpoint that answers slowest. */
function timesText(lanes: readonly Lane[]): string {
  const slowest = (share: number) => Math.max(...lanes.map(({ tally }) => tally.latencies.quantile(share) ?? 0));
  return slowest(0.5) === 0 ? "" : `p50 ${msText(slowest(0.5))}  p99 ${msText(slowest(0.99))}`;
}

export const msText = (ms: number) => `${ms >= 100 ? Math.round(ms) : Number(ms.toPrecision(2))} ms`;
export const count = (value: number) => value.toLocaleString("en");
const sum = (lanes: readonly Lane[], of: (lane: Lane) => number) => lanes.reduce((total, lane) => total + of(lane), 0);

/** A line that wraps could not be drawn over. */
const clip = (text: string, columns: number) =>
  [...text].length < columns ? text : `${[...text].slice(0, Math.max(0, columns - 2)).join("")}…`;
