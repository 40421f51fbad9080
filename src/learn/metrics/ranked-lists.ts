/**
 * Measures of ranking within lists, such as the answers to each of many searches: the mean over the lists that have a row worth finding. Rows of one list
 * have one group number and stand together; grades are whole numbers of at least 0; a higher score stands higher. Rows with equal scores share their places,
 * so that no measure depends on the order of the rows.
 */
import { type Metric, undefinedMetric } from "./metric.ts";

export interface RankedLists {
  readonly scores: Float64Array;
  readonly grades: Float64Array;
  readonly groups: Int32Array;
  /** Of a list: the mean weight of its rows. */
  readonly weights?: Float64Array;
}

/**
 * Normalised discounted cumulative gain of the first `k` places (Jarvelin and Kekalainen, 2002). A grade g gains 2^g - 1, or g itself when `linear`; the
 * place p counts 1 / log2(p + 1).
 */
export function ndcg(lists: RankedLists, k = Infinity, gains: "exponential" | "linear" = "exponential"): Metric {
  const gainOf = gains === "linear" ? (grade: number) => grade : (grade: number) => 2 ** grade - 1;
  return meanOverLists(lists, (rows) => {
    const best = rows.map(({ grade }) => gainOf(grade)).sort((a, b) => b - a);
    const ideal = best.reduce((sum, gain, place) => sum + gain * discount(place, k), 0);
    let [gained, place] = [0, 0];
    for (const tied of ties(rows)) {
      const gain = tied.reduce((sum, { grade }) => sum + gainOf(grade), 0) / tied.length;
      for (const end = place + tied.length; place < end; place++) gained += gain * discount(place, k);
    }
    return ideal === 0 ? null : gained / ideal;
  });
}

/** Mean average precision: of each list the mean, over its rows of a grade above 0, of the share of such rows down to there. */
export const meanAveragePrecision = (lists: RankedLists): Metric =>
  meanOverLists(lists, (rows) => {
    const relevant = rows.filter(({ grade }) => grade > 0).length;
    let [sum, found, seen] = [0, 0, 0];
    for (const tied of ties(rows)) {
      const here = tied.filter(({ grade }) => grade > 0).length;
      found += here;
      seen += tied.length;
      sum += (here * found) / seen;
    }
    return relevant === 0 ? null : sum / relevant;
  });

/** Mean reciprocal rank: of each list 1 / the place of the first row of a grade above 0; among rows with equal scores it is taken to be the last. */
export const meanReciprocalRank = (lists: RankedLists): Metric =>
  meanOverLists(lists, (rows) => {
    let seen = 0;
    for (const tied of ties(rows)) {
      seen += tied.length;
      if (tied.some(({ grade }) => grade > 0)) return 1 / seen;
    }
    return null;
  });

interface Row {
  readonly score: number;
  readonly grade: number;
}

function meanOverLists({ scores, grades, groups, weights }: RankedLists, of: (rows: readonly Row[]) => number | null): Metric {
  let [sum, total] = [0, 0];
  for (let from = 0, to = 0; from < groups.length; from = to) {
    while (to < groups.length && groups[to] === groups[from]) to++;
    const rows = Array.from({ length: to - from }, (_, at): Row => ({ score: scores[from + at]!, grade: grades[from + at]! }));
    const value = of(rows.sort((a, b) => b.score - a.score));
    if (value === null) continue;
    const weight = weights === undefined ? 1 : weights.subarray(from, to).reduce((a, b) => a + b, 0) / (to - from);
    sum += weight * value;
    total += weight;
  }
  return total === 0 ? undefinedMetric("no list has a row of a grade above 0") : { value: sum / total };
}

const discount = (place: number, k: number) => (place < k ? 1 / Math.log2(place + 2) : 0);

/** Runs of equal scores. */
function* ties(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let from = 0, to = 0; from < rows.length; from = to) {
    while (to < rows.length && rows[to]!.score === rows[from]!.score) to++;
    yield rows.slice(from, to);
  }
}
