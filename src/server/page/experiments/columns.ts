/** Which parameters and metrics tell runs apart: those are columns, the others are said once. */
import type { OutputOf } from "../../../contract/index.ts";
import { number } from "../table.ts";

export type Run = OutputOf<"searchTrackedRuns">["items"][number];
export type Value = Run["metrics"][number]["value"];

export interface Columns {
  readonly params: readonly string[];
  readonly metrics: readonly string[];
  /** Of parameters that are the same in every run. */
  readonly same: readonly (readonly [key: string, value: string])[];
  /** Columns that there was no room for. */
  readonly more: number;
}

const PARAMS_MAX = 8;
const METRICS_MAX = 6;

/** Those that `wanted` names, by whatever it says of them, come first; then what most runs have. Measures of the machine are no columns by themselves. */
export function columnsOf(runs: readonly Run[], wanted = ""): Columns {
  const params = tally(runs.map(({ params }) => Object.entries(params)));
  const metrics = tally(runs.map(({ metrics }) => metrics.map(({ key, value }) => [key, String(value)])));
  const varies = ([, { values, runs: having }]: Counted) => runs.length === 1 || values.size > 1 || having < runs.length;
  const chosen = (all: readonly Counted[], max: number) => {
    const fit = all.filter((one) => varies(one) || wanted.includes(one[0])).sort(byUse(wanted));
    return { keys: fit.slice(0, max).map(([key]) => key), more: Math.max(0, fit.length - max) };
  };
  const [left, right] = [
    chosen(params, PARAMS_MAX),
    chosen(
      metrics.filter(([key]) => !isOfMachine(key) || wanted.includes(key)),
      METRICS_MAX,
    ),
  ];
  return {
    params: left.keys,
    metrics: right.keys,
    same: params.filter((one) => !varies(one)).map(([key, { values }]) => [key, [...values][0]!]),
    more: left.more + right.more,
  };
}

/** What a client logs of processors, memory and disks. */
export const isOfMachine = (key: string): boolean => key.startsWith("system/");

/** By its own name: one may be called as every object's `constructor`. */
export const paramOf = ({ params }: Run, key: string): string | undefined =>
  Object.hasOwn(params, key) ? params[key] : undefined;

export const metricOf = ({ metrics }: Run, key: string): Value | undefined => metrics.find((one) => one.key === key)?.value;

export const valueText = (value: Value | undefined): string =>
  value === undefined ? "" : typeof value === "number" ? number(value) : value;

type Counted = readonly [key: string, { runs: number; readonly values: Set<string> }];

function tally(entries: readonly (readonly (readonly [string, string])[])[]): Counted[] {
  const found = new Map<string, Counted[1]>();
  for (const [key, value] of entries.flat()) {
    const counted = found.get(key) ?? { runs: 0, values: new Set() };
    counted.runs++;
    counted.values.add(value);
    found.set(key, counted);
  }
  return [...found];
}

const byUse =
  (wanted: string) =>
  ([a, ofA]: Counted, [b, ofB]: Counted): number =>
    Number(wanted.includes(b)) - Number(wanted.includes(a)) || ofB.runs - ofA.runs || (a < b ? -1 : 1);
