/**
 * What windows have in common, for both compilers: which rows they look at, and exact numbers for their sums.
 *
 * A row is in the window of `asOf` when `asOf - span <= time`, `time < asOf` and `known < asOf`. So it enters at `max(time, known)` and leaves at
 * `time + span`: it counts while `enters < asOf <= leaves`, and never if it enters no sooner than it leaves. A row without a time, whose known-at
 * is missing, or with a missing key is in no window, and a row asks in vain without a time or a key. Moments count from 1684 to 2255.
 *
 * Sums do not depend on the order of rows: integers are summed as they are; other numbers in fixed point, as floor(v * 2^40 + 1/2). That resolves
 * 1e-12, and holds magnitudes below 2^53: while a greater one is in the window, sum and mean are missing.
 */
import { MillError } from "../base/index.ts";
import { resolve, type Typed, type TypedWindow } from "./infer.ts";
import { outcomesRead, type Shape } from "./shape.ts";
import { typeInWords } from "./value-type.ts";
import { inWords } from "./words.ts";

/** Windows over the same rows: same keys, span and outcomes. */
export interface Pass {
  readonly spanMicros: number;
  readonly by: readonly Typed[];
  /** When the row happened. */
  readonly time: Typed;
  /** When each outcome that the values rest on is known. */
  readonly known: readonly Typed[];
  readonly windows: readonly TypedWindow[];
}

export const FIXED_POINT = 2 ** 40;
/** Below this a double has a fixed point. */
export const FIXED_MAGNITUDE_MAX = 2 ** 53;

/** The windows inside expressions, each once, gathered by the rows they look at. Errors: `express.known-at`. */
export function passesOf(expressions: readonly Typed[], shape: Shape): Pass[] {
  const windows = new Map<string, TypedWindow>();
  for (const window of expressions.flatMap(windowsIn)) windows.set(windowKey(window), window);
  const gathered = Map.groupBy(windows.values(), (window) =>
    JSON.stringify([window.node.by, window.node.spanMicros, outcomesRead(window.node.value, shape)]),
  );
  return [...gathered.values()].map((together) => {
    const [{ node, by }] = together as [TypedWindow];
    const time = resolve({ op: "column", name: shape.time! }, shape.columns);
    const known = outcomesRead(node.value, shape).map((outcome) => knownAt(outcome, shape, time));
    return { spanMicros: node.spanMicros, by, time, known, windows: together };
  });
}

/** Equal for windows that are the same. */
export const windowKey = ({ node }: TypedWindow): string => JSON.stringify(node);

function windowsIn(typed: Typed): TypedWindow[] {
  if (typed.op === "window") return [typed];
  return typed.op === "operation" ? typed.args.flatMap(windowsIn) : [];
}

function knownAt(outcome: string, shape: Shape, time: Typed): Typed {
  const node = shape.outcomes[outcome]!;
  const known = resolve(node, shape.columns);
  const kinds = time.is.type === "instant" ? ["instant"] : ["date", "timestamp"];
  if (kinds.includes(known.is.type)) return known;
  throw new MillError("express.known-at", `The moment at which "${outcome}" is known must be like the time of the rows.`, {
    at: `outcome "${outcome}"`,
    expected: kinds.map((type) => `a ${type}`.replace("a i", "an i")).join(" or "),
    got: `${typeInWords(known.is)}: ${inWords(node)}`,
    fix: "Reckon it from the time of the row, as in r.date.plusMinutes(90).",
  });
}
