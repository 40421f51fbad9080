/** A forest in the form that its kernel reads; `kernels/assembly/trees.ts` draws it. */
import type { Arena } from "../kernels/arena.ts";
import type { Forest } from "./forest.ts";

/** Rows whose values of a column lie side by side. */
export const GROUP_ROWS = 16;

/** So few leaves have a bit each in a word. */
const SMALL_TREE_LEAVES = 32;
const COLUMN_BYTES = 4 * GROUP_ROWS;
const TREE_WORDS = 5;
const NODE_WORDS = 4;

/** Trees that are walked at once for one row. */
const TREES_AT_ONCE = 8;

/** Lays the forest out, its small trees to ask all their questions unless `walksAll`; answers the address of its trees. */
export function layForest(forest: Forest, arena: Arena, walksAll = false): number {
  const { roots, columns, thresholds, lefts, missingLeft, setAts, setWords, covers, vectors } = forest;
  const treeCount = Math.ceil(roots.length / TREES_AT_ONCE) * TREES_AT_ONCE;
  const trees = arena.uint32(treeCount * TREE_WORDS);
  const words = arena.uint32(columns.length * NODE_WORDS);
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  const sets = arena.int32(setWords.length);
  sets.set(setWords);
  const results = vectors === null ? forest.values : vectors.ats;
  const leaves = vectors === null ? arena.float64(columns.length) : arena.int32(columns.length);
  const setOf = (node: number) => (setAts[node]! < 0 ? 0 : sets.byteOffset + setAts[node]! * 4);
  let word = 0;
  let leaf = 0;

  const addressOf = (at: number) => words.byteOffset + at * 4;
  roots.forEach((root, tree) => {
    const from = [addressOf(word), leaves.byteOffset + leaf * leaves.BYTES_PER_ELEMENT];
    const ends = !walksAll && isSmall(forest, root) ? laySmall(root) : layNodes(root);
    trees.set([...from, ...ends], tree * TREE_WORDS);
  });
  const end = roots.length * TREE_WORDS;
  for (let at = end; at < trees.length; at++) trees[at] = trees[at - TREE_WORDS]!;
  return trees.byteOffset;

  /** Questions about numbers that send missing values left, those that send them right, then sets. */
  function laySmall(root: number): number[] {
    const questions: { node: number; under: number; kind: number }[] = [];
    let bit = 1;
    const visit = (node: number): number => {
      if (columns[node]! < 0) {
        leaves[leaf++] = results[node]!;
        const own = bit;
        bit <<= 1;
        return own;
      }
      const under = visit(lefts[node]!);
      questions.push({ node, under, kind: setAts[node]! >= 0 ? 2 : 1 - missingLeft[node]! });
      return under | visit(lefts[node]! + 1);
    };
    visit(root);
    return [0, 1, 2].map((wanted) => {
      for (const { node, under, kind } of questions) {
        if (kind !== wanted) continue;
        if (kind === 2) words[word++] = setOf(node);
        else floats[word++] = thresholds[node]!;
        words[word++] = columns[node]! * COLUMN_BYTES;
        words[word++] = under;
        if (kind === 2) words[word++] = missingLeft[node]! - 1;
      }
      return addressOf(word);
    });
  }

  /** Depth first, the likelier child's children next: most rows read on. */
  function layNodes(root: number): number[] {
    const first = word;
    const firstLeaf = leaf;
    let count = 1;
    let asksSets = false;
    let depthMax = 0;
    let depthSum = 0;
    let mass = 0;
    const waiting = [root, 0, 0];
    while (waiting.length > 0) {
      const depth = waiting.pop()!;
      const place = waiting.pop()!;
      const node = waiting.pop()!;
      const isLeaf = columns[node]! < 0;
      const at = first + place * NODE_WORDS;
      floats[at] = isLeaf ? Infinity : thresholds[node]!;
      words[at + 1] = isLeaf ? 0 : columns[node]! * COLUMN_BYTES;
      words[at + 2] = addressOf(first + (isLeaf ? place : count) * NODE_WORDS);
      words[at + 3] = isLeaf ? 0 : setOf(node) | (1 - missingLeft[node]!);
      if (isLeaf) {
        leaves[firstLeaf + place] = results[node]!;
        const rows = covers === null ? 1 : covers[node]!;
        depthMax = Math.max(depthMax, depth);
        depthSum += depth * rows;
        mass += rows;
        continue;
      }
      if (setAts[node]! >= 0) asksSets = true;
      const left = lefts[node]!;
      const isLeftLikelier = covers === null || covers[left]! >= covers[left + 1]!;
      if (isLeftLikelier) waiting.push(left + 1, count + 1, depth + 1, left, count, depth + 1);
      else waiting.push(left, count, depth + 1, left + 1, count + 1, depth + 1);
      count += 2;
    }
    word += count * NODE_WORDS;
    leaf += count;
    const depthMean = Math.ceil(depthSum / mass);
    const isEven = depthMax <= depthMean + 2;
    if (isEven && !asksSets) return [0, depthMax, 2];
    return [0, Math.min(depthMean, depthMax), asksSets ? 1 : 0];
  }
}

function isSmall({ columns, lefts }: Forest, root: number): boolean {
  const waiting = [root];
  let leaves = 0;
  while (waiting.length > 0 && leaves + waiting.length <= SMALL_TREE_LEAVES) {
    const node = waiting.pop()!;
    if (columns[node]! < 0) leaves++;
    else waiting.push(lefts[node]!, lefts[node]! + 1);
  }
  return waiting.length === 0;
}
