/** Grows an isolation forest: the job of a crew of one, since all samples together are small. */
import { createRandom, type Random } from "../../base/index.ts";
import type { Member } from "../crew/crew.ts";
import { BINS, floatBelow, LAST_EDGE } from "../trees/binning.ts";
import type { TextLevels, TreeColumn } from "../trees/columns.ts";
import { createForestBuilder, type Forest, type ForestBuilder, isInSet, type Question, SET_WORDS } from "../trees/forest.ts";

export interface IsolationOrder {
  readonly rowCount: number;
  readonly columns: readonly TreeColumn[];
  readonly sampleRows: number;
  /** One per tree. */
  readonly seeds: Int32Array;
}

export interface IsolatedForest {
  readonly forest: Forest;
  readonly levels: readonly (TextLevels | null)[];
}

export function isolate({ rowCount, columns, sampleRows, seeds }: IsolationOrder, member: Member): IsolatedForest {
  const levels = columns.map(fillLevels);
  const builder = createForestBuilder();
  const depthMax = Math.ceil(Math.log2(sampleRows));
  seeds.forEach((seed, tree) => {
    const random = createRandom(seed);
    const rows = sampleOf(rowCount, sampleRows, random);
    grow({ columns, builder, depthMax, random }, builder.plant(), rows, 0);
    member.progress(tree + 1, seeds.length);
  });
  return { forest: builder.finish(), levels };
}

/** Questions that a search in vain in a binary tree of `rows` values asks on average: 2 H(n - 1) - 2 (n - 1) / n. */
export function usualDepth(rows: number): number {
  if (rows <= 1) return 0;
  let harmonic = 0;
  for (let term = 1; term < rows; term++) harmonic += 1 / term;
  return 2 * harmonic - (2 * (rows - 1)) / rows;
}

/** Texts in their own order, the most frequent first, as bins; those past the last bin share it. Writes the bins into the column's values. */
function fillLevels({ codes, levelCount, values }: TreeColumn): TextLevels | null {
  if (codes === undefined) return null;
  const counts = new Float64Array(levelCount);
  for (const code of codes) if (code >= 0) counts[code]!++;
  const seen = Int32Array.from([...counts.keys()].filter((code) => counts[code]! > 0)).sort(
    (a, b) => counts[b]! - counts[a]! || a - b,
  );
  const binOf = new Float32Array(levelCount);
  const bins = seen.map((code, rank) => (binOf[code] = Math.min(rank, BINS - 2)));
  for (let row = 0; row < codes.length; row++) values[row] = codes[row]! < 0 ? NaN : binOf[codes[row]!]!;
  return { codes: seen, bins };
}

/** Floyd's way: each subset of rows is equally likely. */
function sampleOf(rowCount: number, count: number, random: Random): number[] {
  const chosen = new Set<number>();
  for (let last = rowCount - count; last < rowCount; last++) {
    const row = random.below(last + 1);
    chosen.add(chosen.has(row) ? last : row);
  }
  return [...chosen];
}

interface Growth {
  readonly columns: readonly TreeColumn[];
  readonly builder: ForestBuilder;
  readonly depthMax: number;
  readonly random: Random;
}

function grow(growth: Growth, node: number, rows: readonly number[], depth: number): void {
  const { columns, builder } = growth;
  builder.setCover(node, rows.length);
  const question = rows.length < 2 || depth >= growth.depthMax ? null : draw(growth, rows);
  if (question === null) {
    builder.setValue(node, -(depth + usualDepth(rows.length)));
    return;
  }
  const { values } = columns[question.column]!;
  const left = rows.filter((row) => goesLeft(question, values[row]!));
  const right = rows.filter((row) => !goesLeft(question, values[row]!));
  const missingLeft = rows.some((row) => Number.isNaN(values[row])) ? question.missingLeft : left.length >= right.length;
  const child = builder.split(node, { ...question, missingLeft, gain: Math.abs(left.length - right.length) });
  grow(growth, child, left, depth + 1);
  grow(growth, child + 1, right, depth + 1);
}

const goesLeft = ({ set, threshold, missingLeft }: Question, value: number) =>
  Number.isNaN(value) ? missingLeft : set === null ? value <= threshold : isInSet(set, 0, value);

/** A question that parts the rows, about a column drawn among those that can; null when all rows are alike. */
function draw({ columns, random }: Growth, rows: readonly number[]): Question | null {
  const order = [...columns.keys()];
  for (let left = order.length; left > 0; left--) {
    const at = random.below(left);
    const column = order[at]!;
    order[at] = order[left - 1]!;
    const { values, codes } = columns[column]!;
    const present = rows.map((row) => values[row]!).filter((value) => !Number.isNaN(value));
    const distinct = new Set(present);
    const hasMissing = present.length < rows.length;
    if (distinct.size + (hasMissing ? 1 : 0) < 2) continue;
    const whole = { column, gain: 0, missingLeft: distinct.size > 1 && random.below(2) === 0 };
    if (codes !== undefined) return { ...whole, threshold: 0, set: drawSet([...distinct], random) };
    return { ...whole, threshold: distinct.size > 1 ? drawCut(present, random) : LAST_EDGE, set: null };
  }
  return null;
}

/** At least the least value, below the greatest. */
function drawCut(values: readonly number[], random: Random): number {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const cut = Math.fround(low + random.next() * (high - low));
  return Math.max(low, cut < high ? cut : floatBelow(high));
}

/** Bins that go left: of those given one at least does, and one does not, where there are two. Those that the sample lacks have their side drawn as well. */
function drawSet(bins: readonly number[], random: Random): Int32Array {
  const set = Int32Array.from({ length: SET_WORDS }, () => random.below(2 ** 32) | 0);
  const sides = bins.map((bin) => isInSet(set, 0, bin));
  const one = bins[random.below(bins.length)]!;
  if (bins.length === 1) set[one >>> 5]! |= 1 << (one & 31);
  else if (sides.every((side) => side === sides[0])) set[one >>> 5]! ^= 1 << (one & 31);
  return set;
}
