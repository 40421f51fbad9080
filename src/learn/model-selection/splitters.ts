/**
 * Ways to cut rows into parts to train on and parts to test on. Without a seed the rows keep their order and the folds are scikit-learn's; with one they are
 * shuffled first.
 *
 *   k-fold       | test |  train  |      time series   train | test |
 *                | train | test | train |                   train      | test |
 */
import { createRandom, MillError } from "../../base/index.ts";
import type { TrainingData } from "../estimator.ts";
import { shuffle } from "./rows.ts";

/** Row numbers, rising. */
export interface Fold {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/** Errors: `learn.bad-split`. */
export interface Splitter {
  readonly about: string;
  readonly folds: number;
  split(data: Labelled): readonly Fold[];
}

type Labelled = Pick<TrainingData, "y" | "groups"> & { readonly X: { readonly rowCount: number } };

export interface FoldOptions {
  /** At least 2; default 5. */
  readonly folds?: number;
  /** Shuffles the rows; without it they keep their order. */
  readonly seed?: number;
}

/** Parts of equal size, as in scikit-learn's KFold: where it does not come out even the first have one row more. */
export function kFold({ folds = 5, seed }: FoldOptions = {}): Splitter {
  return {
    about: `${folds} folds${shuffled(seed)}`,
    folds,
    split({ X: { rowCount } }) {
      checkCounts(folds, rowCount, "rows");
      const order = orderOf(rowCount, seed);
      const foldOf = new Int32Array(rowCount);
      order.forEach((row, place) => {
        foldOf[row] = consecutive(place, rowCount, folds);
      });
      return foldsOf(foldOf, folds);
    },
  };
}

/**
 * Every fold has each class in its share, within a row, as in scikit-learn's StratifiedKFold. Classes with fewer rows than folds are missing in some test
 * parts; `learn.bad-split` when all classes are so small. For classification.
 */
export function stratifiedKFold({ folds = 5, seed }: FoldOptions = {}): Splitter {
  return {
    about: `${folds} folds with each class in its share${shuffled(seed)}`,
    folds,
    split({ X: { rowCount }, y }) {
      checkCounts(folds, rowCount, "rows");
      const byClass = [
        ...Map.groupBy(
          Array.from({ length: rowCount }, (_, row) => row),
          (row) => y[row]!,
        ).values(),
      ];
      checkCounts(folds, Math.max(...byClass.map((rows) => rows.length)), "rows of a class");
      const random = seed === undefined ? undefined : createRandom(seed);
      const allocation = allocate(
        byClass.map((rows) => rows.length),
        folds,
      );
      const foldOf = new Int32Array(rowCount);
      byClass.forEach((rows, index) => {
        const places = allocation[index]!.flatMap((count, fold) => Array<number>(count).fill(fold));
        if (random !== undefined) shuffle(places, random);
        rows.forEach((row, at) => {
          foldOf[row] = places[at]!;
        });
      });
      return foldsOf(foldOf, folds);
    },
  };
}

/** How many rows of each class a fold tests on: the classes laid in a row after each other are dealt to the folds in turn. */
function allocate(counts: readonly number[], folds: number): readonly (readonly number[])[] {
  let start = 0;
  return counts.map((count) => {
    const [from, to] = [start, (start += count)];
    const upTo = (end: number, fold: number) => Math.max(0, Math.ceil((end - fold) / folds));
    return Array.from({ length: folds }, (_, fold) => upTo(to, fold) - upTo(from, fold));
  });
}

/**
 * The rows of a group, such as one customer's or one list's, are never on both sides. Groups go one by one, the largest first, to the fold with the fewest
 * rows, as in scikit-learn's GroupKFold; with a seed equal ones in random order. Needs `data.groups`.
 */
export function groupKFold({ folds = 5, seed }: FoldOptions = {}): Splitter {
  return {
    about: `${folds} folds of whole groups${shuffled(seed)}`,
    folds,
    split({ X: { rowCount }, groups }) {
      if (groups?.length !== rowCount)
        throw badSplit("Folds of whole groups need the group of each row.", "groups", "Give `groups`.");
      const byGroup = [
        ...Map.groupBy(
          Array.from({ length: rowCount }, (_, row) => row),
          (row) => groups[row]!,
        ).entries(),
      ];
      checkCounts(folds, byGroup.length, "groups");
      byGroup.sort(([a], [b]) => b - a);
      if (seed !== undefined) shuffle(byGroup, createRandom(seed));
      const foldOf = new Int32Array(rowCount);
      const sizes = new Float64Array(folds);
      for (const [, rows] of byGroup.sort(([, a], [, b]) => b.length - a.length)) {
        const fold = sizes.indexOf(Math.min(...sizes));
        sizes[fold]! += rows.length;
        for (const row of rows) foldOf[row] = fold;
      }
      return foldsOf(foldOf, folds);
    },
  };
}

export interface TimeSeriesOptions {
  /** Default 5. */
  readonly folds?: number;
  /** When each row was, in any unit; without it the rows stand in the order of time. */
  readonly times?: Float64Array;
  /** So many rows are left out before each test part, as their outcomes were not yet known; default 0. */
  readonly gap?: number;
  /** Default: as many as make folds + 1 equal parts. */
  readonly testRows?: number;
  /** The latest so many rows train; default all before the test part. */
  readonly trainRowsMax?: number;
}

/** Trains on the past and tests on what follows, further on in each fold, as scikit-learn's TimeSeriesSplit. */
export function timeSeriesSplit({
  folds = 5,
  times,
  gap = 0,
  testRows,
  trainRowsMax = Infinity,
}: TimeSeriesOptions = {}): Splitter {
  return {
    about: `${folds} folds that test on what follows in time`,
    folds,
    split({ X: { rowCount } }) {
      if (times !== undefined && (times.length !== rowCount || times.some(Number.isNaN)))
        throw badSplit(
          "Not every row has a time.",
          `${rowCount} times`,
          "Give each row its time, or leave rows without one out.",
        );
      const size = testRows ?? Math.floor(rowCount / (folds + 1));
      const first = rowCount - folds * size;
      if (!Number.isInteger(folds) || folds < 1 || size < 1 || first - gap < 1)
        throw badSplit(
          `${rowCount} rows have no ${folds} test parts of ${size} with rows before the first.`,
          `more than ${folds * Math.max(1, size) + gap} rows`,
          "Take fewer folds, smaller test parts or a smaller gap.",
        );
      const order = Int32Array.from({ length: rowCount }, (_, row) => row);
      if (times !== undefined) order.sort((a, b) => times[a]! - times[b]! || a - b);
      return Array.from({ length: folds }, (_, fold): Fold => {
        const [from, end] = [first + fold * size, first + fold * size - gap];
        return { train: order.slice(Math.max(0, end - trainRowsMax), end).sort(), test: order.slice(from, from + size).sort() };
      });
    },
  };
}

function foldsOf(foldOf: Int32Array, folds: number): Fold[] {
  const rows = Int32Array.from(foldOf.keys());
  return Array.from({ length: folds }, (_, fold) => ({
    train: rows.filter((row) => foldOf[row] !== fold),
    test: rows.filter((row) => foldOf[row] === fold),
  }));
}

/** The part of `place`, of equal parts whose first have one more. */
function consecutive(place: number, count: number, parts: number): number {
  const [size, larger] = [Math.floor(count / parts), count % parts];
  const inLarger = larger * (size + 1);
  return place < inLarger ? Math.floor(place / (size + 1)) : larger + Math.floor((place - inLarger) / size);
}

function orderOf(rowCount: number, seed: number | undefined): number[] {
  const order = Array.from({ length: rowCount }, (_, row) => row);
  if (seed !== undefined) shuffle(order, createRandom(seed));
  return order;
}

const shuffled = (seed: number | undefined) => (seed === undefined ? "" : `, shuffled with seed ${seed}`);

function checkCounts(folds: number, count: number, of: string): void {
  if (Number.isInteger(folds) && folds >= 2 && count >= folds) return;
  throw badSplit(
    `${count} ${of} cannot be cut into ${folds} folds.`,
    `2 folds or more, and as many ${of}`,
    count < 2 ? "Give more rows." : "Take fewer folds.",
  );
}

export const badSplit = (message: string, expected: string, fix: string) =>
  new MillError("learn.bad-split", message, { expected, fix });
