/**
 * Which rows and columns each tree is grown on, and which rows are held out. A row is chosen by a hash of what it holds, so that the choice does not depend on the
 * order of the rows; rows that hold the same are told apart by how many of them came before. Of lists, all rows go together.
 *
 *   rows:  | in the tree's bag | not in it | held out |
 */
import { createRandom } from "../../base/index.ts";
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import type { TrainingColumn } from "./bins.ts";
import type { Bag } from "./grower.ts";
import { type Memory, SLATE } from "./memory.ts";

export interface SamplingRules {
  /** Share of the rows that each tree is grown on. */
  readonly rowShare: number;
  readonly columnShare: number;
  /** Share of the rows that no tree is grown on. */
  readonly validationShare: number;
  readonly seed: number;
}

export interface Sampling {
  /** What the next tree is grown on; the rows are in place when it returns. */
  bagOf(tree: number): Bag;
  /** Held out are the last so many of `rows`, once there was a bag. */
  readonly heldOut: number;
}

export const samplesRows = ({ rowShare, validationShare }: SamplingRules) => rowShare < 1 || validationShare > 0;

export function createSampling(
  rules: SamplingRules,
  columns: readonly TrainingColumn[],
  memory: Memory,
  rowCount: number,
  member: Member,
): Sampling {
  const all = [...columns.keys()];
  const columnsOf = (tree: number) => (rules.columnShare < 1 ? sampleColumns(all, rules, tree) : all);
  if (!samplesRows(rules)) return { heldOut: 0, bagOf: (tree) => ({ rowCount, isWhole: true, columns: columnsOf(tree) }) };

  const { keys } = memory;
  const isHeldOut = (row: number) => drawOf(keys[row]!, rules.seed ^ 0x5bd1e995) < rules.validationShare;
  const isInBag = (row: number, tree: number) =>
    rules.rowShare >= 1 || drawOf(keys[row]!, rules.seed + tree + 1) < rules.rowShare;

  function bagOf(tree: number): Bag {
    const [bag, rest, heldOut] = arrange((row) => (isHeldOut(row) ? 2 : isInBag(row, tree) ? 0 : 1), memory, rowCount, member);
    sampling.heldOut = bag! + rest! === 0 ? 0 : heldOut!;
    if (bag! + rest! === 0) return { rowCount, isWhole: false, columns: columnsOf(tree) };
    return { rowCount: bag === 0 ? rest! : bag!, isWhole: false, columns: columnsOf(tree) };
  }
  const sampling = { bagOf, heldOut: 0 };
  return sampling;
}

function sampleColumns(all: readonly number[], { columnShare, seed }: SamplingRules, tree: number): number[] {
  const random = createRandom(seed * 31 + tree);
  const left = [...all];
  const count = Math.max(1, Math.round(all.length * columnShare));
  const chosen = Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0]!);
  return chosen.sort((a, b) => a - b);
}

/** Rows by their kind, 0 to 2, each kind in the order of the data; answers how many of each there are. Ends with a barrier. */
function arrange(kindOf: (row: number) => number, { rows, slate }: Memory, rowCount: number, member: Member): number[] {
  const [from, to] = share(rowCount, member.index, member.count);
  const own = [0, 0, 0];
  for (let row = from; row < to; row++) own[kindOf(row)]!++;
  slate.set(own, member.index * SLATE + 4);
  member.barrier();
  const countOf = (index: number, kind: number) => slate[index * SLATE + 4 + kind]!;
  const members = Array.from({ length: member.count }, (_, index) => index);
  const totals = [0, 1, 2].map((kind) => members.reduce((sum, index) => sum + countOf(index, kind), 0));
  const at = [0, 1, 2].map((kind) => {
    const before = totals.slice(0, kind).reduce((a, b) => a + b, 0);
    return members.slice(0, member.index).reduce((sum, index) => sum + countOf(index, kind), before);
  });
  for (let row = from; row < to; row++) rows[at[kindOf(row)]!++] = row;
  member.barrier();
  return totals;
}

/** A number from 0 to 1 for a key and a purpose. */
const drawOf = (key: number, salt: number) => (mix(key ^ Math.imul(salt, 0x9e3779b9)) >>> 0) / 2 ** 32;

/** The finaliser of MurmurHash3. */
function mix(key: number): number {
  let z = key ^ (key >>> 16);
  z = Math.imul(z, 0x85ebca6b);
  z ^= z >>> 13;
  z = Math.imul(z, 0xc2b2ae35);
  return z ^ (z >>> 16);
}

const float = new Float32Array(1);
const floatBits = new Int32Array(float.buffer);
const double = new Float64Array(1);
const doubleBits = new Int32Array(double.buffer);

/** Writes the hash of what a row holds, as two numbers each of which depends on all of it, into `keys` and `otherKeys`. */
function writeContent(columns: readonly TrainingColumn[], memory: Memory, from: number, to: number): void {
  const { keys, otherKeys, y, weights } = memory;
  for (let row = from; row < to; row++) {
    let [a, b] = [1, 2];
    const add = (bits: number) => {
      a = mix(a ^ bits);
      b = mix(b + Math.imul(bits, 0x27d4eb2f));
    };
    for (const { values, codes } of columns) {
      if (codes !== undefined) add(codes[row]!);
      else {
        float[0] = values[row]! === 0 ? 0 : values[row]!;
        add(Number.isNaN(values[row]!) ? 0x7fc00000 : floatBits[0]!);
      }
    }
    for (const value of weights.length === 0 ? [y[row]!] : [y[row]!, weights[row]!]) {
      double[0] = value;
      add(doubleBits[0]!);
      add(doubleBits[1]!);
    }
    keys[row] = a;
    otherKeys[row] = b;
  }
}

/** What rows are chosen by. Ends with a barrier. */
export function writeKeys(
  columns: readonly TrainingColumn[],
  groups: Int32Array | undefined,
  memory: Memory,
  rowCount: number,
  member: Member,
): void {
  writeContent(columns, memory, ...share(rowCount, member.index, member.count));
  member.barrier();
  if (member.index === 0) {
    if (groups === undefined) tellApart(memory, rowCount);
    else joinLists(memory, groups);
  }
  member.barrier();
}

/** Mixes into each key how many rows before it hold the same. */
function tellApart({ keys, otherKeys }: Memory, rowCount: number): void {
  const mask = 2 ** Math.ceil(Math.log2(rowCount * 2 + 1)) - 1;
  const firsts = new Int32Array(mask + 1).fill(-1);
  const counts = new Uint32Array(mask + 1);
  const contents = Uint32Array.from(keys);
  for (let row = 0; row < rowCount; row++) {
    let at = contents[row]! & mask;
    while (firsts[at]! >= 0 && !(contents[firsts[at]!] === contents[row] && otherKeys[firsts[at]!] === otherKeys[row]))
      at = (at + 1) & mask;
    if (firsts[at]! < 0) firsts[at] = row;
    keys[row] = mix(contents[row]! + Math.imul(counts[at]!++, 0x9e3779b9));
  }
}

/** Gives all rows of a list the same key, from all that they hold. */
function joinLists({ keys }: Memory, groups: Int32Array): void {
  const sums = new Map<number, number>();
  groups.forEach((group, row) => {
    sums.set(group, ((sums.get(group) ?? 0) + keys[row]!) | 0);
  });
  groups.forEach((group, row) => {
    keys[row] = mix(sums.get(group)!);
  });
}
