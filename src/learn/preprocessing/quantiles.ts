/** Order statistics of a column in which a row counts as often as its weight says; missing values count nowhere. */
export interface Ordered {
  /** Ascending and distinct. */
  readonly values: Float64Array;
  /** Weight of the rows at or below each. */
  readonly upTo: Float64Array;
}

/** Of a column with at least one value; where the rows that have one all weigh 0, each counts once. */
export function orderedValues(values: Float64Array, weights: Float64Array | undefined): Ordered {
  const present: number[] = [];
  for (let row = 0; row < values.length; row++)
    if (!Number.isNaN(values[row]) && (weights === undefined || weights[row]! > 0)) present.push(row);
  if (present.length === 0 && weights !== undefined) return orderedValues(values, undefined);
  const order = Uint32Array.from(present).sort((a, b) => values[a]! - values[b]! || (weights?.[a] ?? 0) - (weights?.[b] ?? 0));
  const distinct: number[] = [];
  const upTo: number[] = [];
  let total = 0;
  for (const row of order) {
    total += weights?.[row] ?? 1;
    if (distinct.length > 0 && distinct.at(-1) === values[row]) upTo[upTo.length - 1] = total;
    else {
      distinct.push(values[row]! + 0); // -0 is 0
      upTo.push(total);
    }
  }
  return { values: Float64Array.from(distinct), upTo: Float64Array.from(upTo) };
}

/** The quantile of a share in [0, 1], linear between neighbours (Hyndman and Fan's seventh, as numpy's), every row repeated by its weight. */
export function quantileOf({ values, upTo }: Ordered, share: number): number {
  const at = Math.max(0, upTo.at(-1)! - 1) * share;
  const low = valueAt(values, upTo, Math.floor(at));
  const high = valueAt(values, upTo, Math.min(Math.floor(at) + 1, upTo.at(-1)! - 1));
  const part = at - Math.floor(at);
  return part === 0 || high === low ? low : low * (1 - part) + high * part;
}

/** The value that stands at a place, from 0, when each is repeated. */
function valueAt(values: Float64Array, upTo: Float64Array, place: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (upTo[middle]! > place) high = middle;
    else low = middle + 1;
  }
  return values[low]!;
}

/** The value of most weight; the least of them where several have as much. */
export function mostFrequent({ values, upTo }: Ordered): number {
  let [best, most] = [values[0]!, 0];
  for (let at = 0; at < values.length; at++) {
    const weight = upTo[at]! - (upTo[at - 1] ?? 0);
    if (weight > most) [best, most] = [values[at]!, weight];
  }
  return best;
}
