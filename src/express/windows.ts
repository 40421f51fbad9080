/**
 * Windows kept up to date row by row, for online answers: the same values as `featureQuery`, to the last bit, whatever the order of the rows.
 *
 * For each key two running sums over sorted moments: of what entered, and of what left. A window is what entered before `asOf` less what left
 * before it: two binary searches. Least and greatest walk over the rows in the window. See `passes.ts` for the rules.
 */
import { formatMoment, MillError } from "../base/index.ts";
import type { Row, Value } from "../contract/index.ts";
import { resolve, type TypedWindow } from "./infer.ts";
import type { Node, WindowAggregate, WindowNode } from "./node.ts";
import { FIXED_MAGNITUDE_MAX, FIXED_POINT, passesOf, windowKey } from "./passes.ts";
import { type Evaluate, evaluator } from "./rows.ts";
import { createRunningSum } from "./running-sum.ts";
import type { Shape } from "./shape.ts";
import { MOMENT_MICROS_MAX } from "./value-type.ts";

export interface Window {
  /** A row that happened, with its outcomes; rows come in any order, each once. */
  feed(row: Row): void;
  /** The aggregate as of a moment in microseconds, over the rows with the asking row's keys. Errors: `express.forgotten`. */
  value(asking: Row, asOfMicros: number): Value;
  /** Gives up what only answers before `beforeMicros` need: from now on such are refused. */
  forget(beforeMicros: number): void;
}

export interface OnlineFields {
  feed(row: Row): void;
  /** Every field's value for a request row. Errors: `express.forgotten`. */
  values(row: Row, asOfMicros: number): Record<string, Value>;
  /** As for a window. */
  forget(beforeMicros: number): void;
}

/** Scalar and window fields together, as `featureQuery` gives them. Errors: as `featureQuery`. */
export function onlineFields(fields: Readonly<Record<string, Node>>, shape: Shape): OnlineFields {
  const windows = new Map<string, Window>();
  const answer = (typed: TypedWindow): Evaluate => {
    const key = windowKey(typed);
    const window = windows.get(key) ?? createWindow(typed.node, shape);
    windows.set(key, window);
    return window.value;
  };
  const evaluators = Object.entries(fields).map(
    ([name, node]) => [name, evaluator(resolve(node, shape.columns, shape), answer)] as const,
  );
  return {
    feed(row) {
      for (const window of windows.values()) window.feed(row);
    },
    values: (row, asOfMicros) => Object.fromEntries(evaluators.map(([name, evaluate]) => [name, evaluate(row, asOfMicros)])),
    forget(beforeMicros) {
      for (const window of windows.values()) window.forget(beforeMicros);
    },
  };
}

/** One window over the rows it is fed. Errors: as `featureQuery`. */
export function createWindow(node: WindowNode, shape: Shape): Window {
  const typed = resolve(node, shape.columns, shape) as TypedWindow;
  const [pass] = passesOf([typed], shape);
  const [time, ...known] = [pass!.time, ...pass!.known].map((moment) => evaluator(moment));
  const keys = typed.by.map((key) => evaluator(key));
  const value = typed.value === null ? () => true : evaluator(typed.value);
  const byKey = new Map<string, Aggregate>();
  let horizon = Number.NEGATIVE_INFINITY;

  return {
    feed(row) {
      const happened = time!(row, Number.NaN);
      const moments = [happened, ...known.map((moment) => moment(row, Number.NaN))];
      const key = keyOf(keys, row);
      if (key === null || !moments.every(isReckoned)) return;
      const given = value(row, Number.NaN);
      const [enters, leaves] = [Math.max(...moments), (happened as number) + node.spanMicros];
      if (given === null || enters >= leaves || leaves < horizon) return;
      let aggregate = byKey.get(key);
      if (aggregate === undefined)
        byKey.set(key, (aggregate = createAggregate(node.aggregate, typed.value?.is.integer ?? false)));
      aggregate.add(enters, leaves, given);
    },
    value(asking, asOfMicros) {
      const key = isReckoned(asOfMicros) ? keyOf(keys, asking) : null;
      if (asOfMicros < horizon) throw forgotten(asOfMicros, horizon);
      const aggregate = key === null ? undefined : byKey.get(key);
      return (aggregate ?? EMPTY[node.aggregate]).asOf(asOfMicros);
    },
    forget(beforeMicros) {
      horizon = Math.max(horizon, beforeMicros);
      for (const [key, aggregate] of byKey) if (aggregate.forget(horizon) === 0) byKey.delete(key);
    },
  };
}

const isReckoned = (moment: Value): moment is number => typeof moment === "number" && Math.abs(moment) <= MOMENT_MICROS_MAX;

/** One text for the values of a row's keys; null when one is missing. */
function keyOf(keys: readonly Evaluate[], row: Row): string | null {
  const texts: string[] = [];
  for (const key of keys) {
    const value = key(row, Number.NaN);
    if (value === null) return null;
    texts.push(String(value));
  }
  return texts.length === 1 ? texts[0]! : JSON.stringify(texts);
}

/** The values of one key. */
interface Aggregate {
  /** `value` is there: what is missing never enters. */
  add(enters: number, leaves: number, value: Exclude<Value, null>): void;
  asOf(moment: number): Value;
  /** Gives up what moments before `horizon` need; how much is left. */
  forget(horizon: number): number;
}

const createAggregate = (aggregate: WindowAggregate, integer: boolean): Aggregate =>
  aggregate === "min" || aggregate === "max" ? extreme(aggregate) : summed(aggregate, integer);

const empty = (value: Value): Pick<Aggregate, "asOf"> => ({ asOf: () => value });
const EMPTY: Readonly<Record<WindowAggregate, Pick<Aggregate, "asOf">>> = {
  count: empty(0),
  mean: empty(null),
  sum: empty(null),
  share: empty(null),
  min: empty(null),
  max: empty(null),
};

function summed(aggregate: WindowAggregate, integer: boolean): Aggregate {
  const sum = createRunningSum();
  const beyond = createRunningSum();
  const exact = exactly(aggregate, integer);
  const scale = integer || aggregate === "share" ? 1 : FIXED_POINT;
  return {
    add(enters, leaves, value) {
      const fits = aggregate === "count" || integer || Math.abs(Number(value)) < FIXED_MAGNITUDE_MAX;
      sum.add(enters, leaves, fits ? exact(value) : 0n);
      if (!fits) beyond.add(enters, leaves, 0n);
    },
    asOf(moment) {
      const { count, total } = sum.asOf(moment);
      if (aggregate === "count") return count;
      if (count === 0 || beyond.asOf(moment).count > 0) return null;
      return aggregate === "sum" ? Number(total) / scale : Number(total) / scale / count;
    },
    forget: (horizon) => sum.forget(horizon) + beyond.forget(horizon),
  };
}

/** What a value adds to the sum, exactly. */
function exactly(aggregate: WindowAggregate, integer: boolean): (value: Exclude<Value, null>) => bigint {
  if (aggregate === "count") return () => 0n;
  if (integer || aggregate === "share") return (value) => BigInt(value);
  return (value) => BigInt(Math.floor(Number(value) * FIXED_POINT + 0.5));
}

function extreme(aggregate: "min" | "max"): Aggregate {
  const better = aggregate === "min" ? (a: Value, b: Value) => a! < b! : (a: Value, b: Value) => a! > b!;
  let entries: { enters: number; leaves: number; value: Exclude<Value, null> }[] = [];
  return {
    add(enters, leaves, value) {
      let at = entries.length;
      while (at > 0 && entries[at - 1]!.leaves > leaves) at--;
      entries.splice(at, 0, { enters, leaves, value });
    },
    asOf(moment) {
      let best: Value = null;
      for (let at = entries.length - 1; at >= 0 && entries[at]!.leaves >= moment; at--) {
        const { enters, value } = entries[at]!;
        if (enters < moment && (best === null || better(value, best))) best = value;
      }
      return best;
    },
    forget(horizon) {
      entries = entries.filter(({ leaves }) => leaves >= horizon);
      return entries.length;
    },
  };
}

const forgotten = (asOfMicros: number, horizon: number) =>
  new MillError("express.forgotten", "The windows no longer hold the rows of the moment that was asked about.", {
    expected: `a moment not before ${formatMoment(horizon)}`,
    got: formatMoment(asOfMicros),
    fix: "Ask as of a later moment; older ones are answered by a training set.",
  });
