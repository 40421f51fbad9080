/**
 * LambdaMART: lists of rows with grades are brought into order. Each pair of a list that stands in the wrong order, or close to it, pushes its rows apart, by as
 * much as swapping the two would change the list's NDCG. A grade g gains 2^g - 1 at its place, divided by log2(place + 1).
 * Sources: Burges 2010; LightGBM's `lambdarank`, whose normalisation and first 30 places these are.
 */
import { share } from "../crew/shared.ts";
import { type Loss, roundRaw } from "./losses.ts";
import type { Memory } from "./memory.ts";

/** A pair counts when one of it is among the first so many. */
const PLACES = 30;
/** Keeps the push of pairs with nearly the same score within bounds. */
const CLOSE = 0.01;
/** Rows of a list that is short. */
const SHORT = 64;

/** Rows of one list are those with one number of `groups`, wherever they stand. */
export function rankingLoss(groups: Int32Array, memory: Memory): Loss {
  const { y, scores, weights, raw, otherKeys } = memory;
  const { listOf, starts, rowsOf } = listsOf(groups);
  const ideals = Float64Array.from(starts.subarray(1), (end, list) => {
    const grades = rowsOf.slice(starts[list]!, end).map((row) => y[row]!);
    return gainInOrder(Array.from(grades).sort((a, b) => b - a));
  });
  const gains = y.map(gainOf);
  const discounts = Float64Array.from({ length: longestOf(starts) }, (_, place) => discountAt(place));
  const inPlace = placesFor(longestOf(starts));
  let known = new Float64Array();

  /** By falling score; the order of equal ones depends on what they hold, never on where they stand. */
  const compare = (a: number, b: number) => scores[b]! - scores[a]! || otherKeys[a]! - otherKeys[b]! || y[a]! - y[b]!;

  /** Rows in order. From round to round it changes little, so that short lists are put in order by insertion. */
  function inOrder(list: number): Int32Array {
    const rows = rowsOf.subarray(starts[list]!, starts[list + 1]!);
    if (rows.length > SHORT) return rows.sort(compare);
    for (let at = 1; at < rows.length; at++) {
      const row = rows[at]!;
      let place = at;
      for (; place > 0 && compare(rows[place - 1]!, row) > 0; place--) rows[place] = rows[place - 1]!;
      rows[place] = row;
    }
    return rows;
  }

  function ndcgOf(list: number): number {
    if (ideals[list] === 0) return 1;
    return gainInOrder(Array.from(inOrder(list), (row) => y[row]!)) / ideals[list]!;
  }

  function push(list: number): void {
    const order = inOrder(list);
    const count = order.length;
    for (let place = 0; place < count; place++) {
      const row = order[place]!;
      inPlace.scores[place] = scores[row]!;
      inPlace.gains[place] = gains[row]!;
      inPlace.gradients[place] = 0;
      inPlace.hessians[place] = 0;
    }
    const total = ideals[list] === 0 ? 0 : pushPairs(inPlace, count, discounts, ideals[list]!);
    const factor = total > 0 ? Math.log2(1 + total) / total : 1;
    for (let place = 0; place < count; place++) {
      const row = order[place]!;
      const weight = factor * (weights.length === 0 ? 1 : weights[row]!);
      raw[row * 2] = inPlace.gradients[place]! * weight;
      raw[row * 2 + 1] = inPlace.hessians[place]! * weight;
    }
  }

  return {
    start: Float64Array.of(0),
    refit: undefined,
    begin: (_kernel, _from, _to, member) => {
      const [from, to] = share(ideals.length, member.index, member.count);
      const bound = { gradient: 0, hessian: 0 };
      for (let list = from; list < to; list++) {
        push(list);
        for (let at = starts[list]!; at < starts[list + 1]!; at++) {
          const pair = rowsOf[at]! * 2;
          bound.gradient = Math.max(bound.gradient, Math.abs(raw[pair]!));
          bound.hessian = Math.max(bound.hessian, raw[pair + 1]!);
        }
      }
      return bound;
    },
    write: (kernel, _, from, to, target, scales) => roundRaw(kernel, raw, from, to, target, scales),
    beforeLosses: () => {
      known = new Float64Array(ideals.length).fill(Number.NaN);
    },
    lossOf: (row) => {
      const list = listOf[row]!;
      if (Number.isNaN(known[list])) known[list] = 1 - ndcgOf(list);
      return known[list]!;
    },
  };
}

/** Of each place of a list. */
interface Places {
  readonly scores: Float64Array;
  readonly gains: Float64Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
}

function placesFor(count: number): Places {
  const numbers = () => new Float64Array(count);
  return { scores: numbers(), gains: numbers(), gradients: numbers(), hessians: numbers() };
}

/** Adds the pushes of all pairs that count of a list's first `count` places; answers the sum of their strengths. */
function pushPairs(
  { scores, gains, gradients, hessians }: Places,
  count: number,
  discounts: Float64Array,
  ideal: number,
): number {
  const differ = scores[0] !== scores[count - 1];
  const firsts = Math.min(count - 1, PLACES);
  let total = 0;
  for (let first = 0; first < firsts; first++) {
    const score = scores[first]!;
    const gain = gains[first]!;
    const discount = discounts[first]!;
    let gradient = gradients[first]!;
    let hessian = hessians[first]!;
    for (let second = first + 1; second < count; second++) {
      const gained = gain - gains[second]!;
      if (gained === 0) continue;
      const sign = gained > 0 ? 1 : -1;
      const apart = sign * (score - scores[second]!);
      const swap = sign * gained * (discount - discounts[second]!);
      const weight = swap / ideal / (differ ? CLOSE + Math.abs(apart) : 1);
      const p = 1 / (1 + Math.exp(apart));
      const push = p * weight;
      const curve = p * (1 - p) * weight;
      gradient -= sign * push;
      hessian += curve;
      gradients[second]! += sign * push;
      hessians[second]! += curve;
      total += 2 * push;
    }
    gradients[first] = gradient;
    hessians[first] = hessian;
  }
  return total;
}

const gainOf = (grade: number) => 2 ** grade - 1;
const discountAt = (place: number) => 1 / Math.log2(place + 2);
const gainInOrder = (grades: readonly number[]) =>
  grades.reduce((sum, grade, place) => sum + gainOf(grade) * discountAt(place), 0);

const longestOf = (starts: Int32Array) =>
  starts.reduce((longest, start, list) => Math.max(longest, start - (starts[list - 1] ?? 0)), 0);

/** The list of each row, and the rows list by list. */
function listsOf(groups: Int32Array): { listOf: Int32Array; starts: Int32Array; rowsOf: Int32Array } {
  const places = new Map<number, number>();
  const listOf = Int32Array.from(groups, (group) => {
    if (!places.has(group)) places.set(group, places.size);
    return places.get(group)!;
  });
  const starts = new Int32Array(places.size + 1);
  for (const list of listOf) starts[list + 1]!++;
  for (let list = 0; list < places.size; list++) starts[list + 1]! += starts[list]!;
  const next = starts.slice();
  const rowsOf = new Int32Array(groups.length);
  listOf.forEach((list, row) => {
    rowsOf[next[list]!++] = row;
  });
  return { listOf, starts, rowsOf };
}
