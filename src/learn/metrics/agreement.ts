/** How far decisions agree with the true classes beyond what classes of different size, or chance, give for nothing. */
import type { Confusion } from "./decisions.ts";
import { type Metric, ratio, undefinedMetric } from "./metric.ts";

/** The mean of the recalls of the classes that have rows: what accuracy would be were all classes of one size. */
export function balancedAccuracy(confusion: Confusion): Metric {
  const recalls = confusion.map((row, k) => ratio(row[k]!, sumOf(row), "").value).filter((recall) => recall !== null);
  return ratio(sumOf(recalls), recalls.length, "there are no rows");
}

/**
 * Agreement beyond chance as a share of what is possible (Cohen, 1960 and 1968). `distances`: how much worse a decision is that lies further from the true
 * class, where classes have an order.
 */
export function cohensKappa(confusion: Confusion, distances: "none" | "linear" | "quadratic" = "none"): Metric {
  const rows = confusion.map(sumOf);
  const columns = confusion.map((_, k) => sumOf(confusion.map((row) => row[k]!)));
  const total = sumOf(rows);
  if (total === 0) return undefinedMetric("there are no rows");
  const costOf = COSTS[distances];
  let [observed, expected] = [0, 0];
  confusion.forEach((row, i) => {
    row.forEach((count, j) => {
      observed += costOf(i - j) * count;
      expected += (costOf(i - j) * rows[i]! * columns[j]!) / total;
    });
  });
  const share = ratio(observed, expected, "all rows and all decisions are of one class");
  return share.value === null ? share : { value: 1 - share.value };
}

const COSTS = {
  none: (apart: number) => (apart === 0 ? 0 : 1),
  linear: Math.abs,
  quadratic: (apart: number) => apart ** 2,
};

/** The correlation of decisions and classes, from -1 to 1 (Matthews, 1975; for several classes Gorodkin, 2004). */
export function matthews(confusion: Confusion): Metric {
  const rows = confusion.map(sumOf);
  const columns = confusion.map((_, k) => sumOf(confusion.map((row) => row[k]!)));
  const total = sumOf(rows);
  const right = sumOf(confusion.map((row, k) => row[k]!));
  const products = (a: readonly number[], b: readonly number[]) => sumOf(a.map((value, k) => value * b[k]!));
  const spread = (total ** 2 - products(rows, rows)) * (total ** 2 - products(columns, columns));
  return ratio(right * total - products(rows, columns), Math.sqrt(spread), "all rows or all decisions are of one class");
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
