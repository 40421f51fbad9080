/**
 * Sums that do not depend on the order of their terms: each term is cut into two integers of a fixed quantum, whose sums are exact in a double.
 * About 2 x 30 bits below the largest term are kept; the order of rows and the number of threads cannot change the result.
 */
export function exactSum(length: number, term: (index: number) => number): number {
  let largest = 0;
  for (let index = 0; index < length; index++) largest = Math.max(largest, Math.abs(term(index)));
  if (largest === 0) return 0;
  const bits = 51 - Math.ceil(Math.log2(length + 1));
  const scale = 2 ** Math.min(bits - Math.ceil(Math.log2(largest)) - 1, 1000);
  let high = 0;
  let low = 0;
  for (let index = 0; index < length; index++) {
    const scaled = term(index) * scale;
    const whole = Math.round(scaled);
    high += whole;
    low += Math.round((scaled - whole) * 2 ** bits);
  }
  return (high + low / 2 ** bits) / scale;
}

/** The mean of `values`, weighted where there are weights. */
export function exactMean(values: Float64Array, weights: Float64Array | undefined): number {
  if (weights === undefined) return exactSum(values.length, (row) => values[row]!) / values.length;
  const total = exactSum(values.length, (row) => weights[row]!);
  return exactSum(values.length, (row) => values[row]! * weights[row]!) / total;
}
