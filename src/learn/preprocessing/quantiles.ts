/** Order statistics of a column in which a row counts as often as its weight says; missing values count nowhere. */
export interface Ordered {
  /** Ascending and distinct. */
  readonly values: Float64Array;
  /** Weight of the rows at or below each. */
  readonly upTo: Float64Array;
}

/** Those that are not missing and have a weight above 0; where the rows that have a value all weigh 0, each counts once. */
export function presentValues(
  values: Float64Array,
  weights: Float64Array | undefined,
): { readonly values: Float64Array; readonly weights: Float64Array | undefined } {
  const counts = usableWeights(values, weights);
  const isPresent = (row: number) => !Number.isNaN(values[row]!) && (counts === undefined || counts[row]! > 0);
  return { values: values.filter((_, row) => isPresent(row)), weights: counts?.filter((_, row) => isPresent(row)) };
}

const usableWeights = (values: Float64Array, weights: Float64Array | undefined) =>
  weights?.some((weight, row) => weight > 0 && !Number.isNaN(values[row]!)) ? weights : undefined;

/** Of a column with at least one value. */
export function orderedValues(values: Float64Array, weights: Float64Array | undefined): Ordered {
  const counts = usableWeights(values, weights);
  const order = counts && rowsInOrder(values, counts);
  const ascending = order === undefined ? values.toSorted() : Float64Array.from(order, (row) => values[row]!);
  const distinct = new Float64Array(ascending.length);
  const upTo = new Float64Array(ascending.length);
  let [length, total] = [0, 0];
  for (let at = 0; at < ascending.length && !Number.isNaN(ascending[at]); at++) {
    total += order === undefined ? 1 : counts![order[at]!]!;
    const value = ascending[at]! + 0; // -0 is 0
    if (length === 0 || distinct[length - 1] !== value) distinct[length++] = value;
    upTo[length - 1] = total;
  }
  return { values: distinct.slice(0, length), upTo: upTo.slice(0, length) };
}

/** Of rows with a value and a weight; equal values by weight, so that sums of weights do not depend on the order of rows. */
function rowsInOrder(values: Float64Array, weights: Float64Array): Uint32Array {
  const present = new Uint32Array(values.length);
  let length = 0;
  for (let row = 0; row < values.length; row++) if (weights[row]! > 0 && !Number.isNaN(values[row])) present[length++] = row;
  return present.slice(0, length).sort((a, b) => values[a]! - values[b]! || weights[a]! - weights[b]!);
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
