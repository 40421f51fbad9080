import { formatMoment, formatSpan } from "../../base/index.ts";
import { cell, table } from "../table.ts";
import type { Lane } from "./lane.ts";
import { count, msText } from "./progress.ts";
import type { Alert, Happening } from "./watch.ts";

export interface Summary {
  readonly state: "done" | "interrupted";
  /** Data times of the first and the last step; null: nothing was sent. */
  readonly from: string | null;
  readonly to: string | null;
  readonly wallMs: number;
  readonly endpoints: readonly EndpointSummary[];
  /** Opened meanwhile, oldest first. */
  readonly alerts: readonly Alert[];
  /** What happened to the endpoints meanwhile, retrainings among it. */
  readonly happenings: readonly Happening[];
}

interface EndpointSummary {
  readonly name: string;
  readonly predictions: number;
  readonly byVersion: readonly { readonly version: number; readonly predictions: number }[];
  readonly unlogged: number;
  readonly askedAgain: number;
  readonly labels: number;
  readonly events: number;
  readonly eventsRepeated: number;
  readonly refused: readonly { readonly reason: string; readonly count: number }[];
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Sent extends Pick<Summary, "state" | "wallMs" | "alerts" | "happenings"> {
  readonly lanes: readonly Lane[];
  /** Data times of the first and the last step in microseconds. */
  readonly first: number | null;
  readonly last: number | null;
}

export const summarise = ({ lanes, first, last, ...rest }: Sent): Summary => ({
  ...rest,
  from: first === null ? null : formatMoment(first),
  to: last === null ? null : formatMoment(last),
  endpoints: lanes.map(({ name, tally }) => ({
    name,
    predictions: tally.predictions,
    byVersion: [...tally.byVersion]
      .map(([version, predictions]) => ({ version, predictions }))
      .sort((a, b) => a.version - b.version),
    unlogged: tally.unlogged,
    askedAgain: tally.askedAgain,
    labels: tally.labels,
    events: tally.events,
    eventsRepeated: tally.eventsRepeated,
    refused: [...tally.refused].map(([reason, times]) => ({ reason, count: times })).sort((a, b) => b.count - a.count),
    p50Ms: rounded(tally.latencies.quantile(0.5)),
    p99Ms: rounded(tally.latencies.quantile(0.99)),
  })),
});

export function summaryText({ state, from, to, wallMs, endpoints, alerts, happenings }: Summary): string {
  const span = from === null ? "nothing was sent" : `${from} to ${to} in ${formatSpan(wallMs)}`;
  const next = state === "interrupted" && to !== null ? `; go on with --from ${to}` : "";
  return [
    `${state}: ${span}${next}\n\n`,
    table(
      ["endpoint", "predictions", "by version", "labels", "events", "refused", "p50", "p99"],
      endpoints.map((one) => [
        one.name,
        count(one.predictions),
        one.byVersion.map(({ version, predictions }) => `v${version} ${count(predictions)}`).join(", ") || "-",
        count(one.labels),
        count(one.events) + (one.eventsRepeated > 0 ? ` (${count(one.eventsRepeated)} repeated)` : ""),
        count(one.refused.reduce((sum, { count: times }) => sum + times, 0)),
        one.p50Ms === null ? "-" : msText(one.p50Ms),
        one.p99Ms === null ? "-" : msText(one.p99Ms),
      ]),
    ),
    ...endpoints.flatMap((one) => [
      ...one.refused.map(({ reason, count: times }) => `refused   ${count(times)} times ${cell(reason)}\n`),
      ...(one.unlogged > 0 ? [`unlogged  ${count(one.unlogged)} answers of ${one.name} could not be written down\n`] : []),
      ...(one.askedAgain > 0 ? [`repeated  ${count(one.askedAgain)} requests to ${one.name}: the server was away\n`] : []),
    ]),
    ...alerts.map(({ sentence, closedAt }) => `alert     ${cell(sentence)}${closedAt === null ? "" : " (closed)"}\n`),
    ...happenings
      .filter(({ what }) => what !== "alert")
      .map(({ asOf, what, text }) => `${asOf ?? "-"}  ${cell(what)}: ${cell(text)}\n`),
  ].join("");
}

const rounded = (ms: number | null) => (ms === null ? null : Number(ms.toPrecision(4)));
