import { Cursor, rangeOf } from "./cursor.ts";
import { comparePaths, type Node } from "./node.ts";
import type { Nodes } from "./nodes.ts";
import type { Difference, ScanOptions } from "./tree.ts";

const BATCH = 256;
const AHEAD = 32;

/**
 * Walks two trees side by side and steps over nodes that both stand before. The higher of two different nodes is opened, of two of one level both: from
 * the end of a change on both stand before the same nodes again, so work is as the differences and the depth.
 */
export async function* diffTrees(
  nodes: Nodes,
  before: Node,
  after: Node,
  options: ScanOptions,
): AsyncIterable<readonly Difference[]> {
  const range = rangeOf(options);
  const [a, b] = [new Cursor(nodes, range, before), new Cursor(nodes, range, after)];
  const found: Difference[] = [];
  while (!a.done || !b.done) {
    const [levelA, levelB] = [a.done ? -1 : a.level, b.done ? -1 : b.level];
    if (levelA > 0 && levelA === levelB && a.node.sameChild(a.index, b.node, b.index)) {
      a.skip();
      b.skip();
    } else if (Math.max(levelA, levelB) > 0) {
      await Promise.all([levelA >= levelB && a.open(), levelB >= levelA && b.open()]);
      if (!a.done && !b.done && a.level > 0 && a.level === b.level) prefetchDifferent(nodes, a, b);
    } else {
      found.push(...differences(a, b));
      if (found.length >= BATCH) yield found.splice(0);
    }
  }
  if (found.length > 0) yield found;
}

/** Begins to load the next children of two nodes that only one of them has. */
function prefetchDifferent(nodes: Nodes, a: Cursor, b: Cursor): void {
  const [nodeA, nodeB] = [a.node, b.node];
  let [i, j] = [a.index, b.index];
  for (let asked = 0; i < a.end && j < b.end && asked < AHEAD; ) {
    const order = comparePaths(nodeA, i, nodeB, j);
    const same = order === 0 && nodeA.sameChild(i, nodeB, j);
    if (order <= 0 && !same) nodes.prefetch(nodeA.child(i));
    if (order >= 0 && !same) nodes.prefetch(nodeB.child(j));
    if (!same) asked++;
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
}

/** Goes on through the items of two leaves, or of one when the other tree is done, until one leaf ends. */
function* differences(a: Cursor, b: Cursor): Iterable<Difference> {
  const [nodeA, nodeB] = [a.done ? null : a.node, b.done ? null : b.node];
  const [endA, endB] = [nodeA ? a.end : 0, nodeB ? b.end : 0];
  let [i, j] = [nodeA ? a.index : 0, nodeB ? b.index : 0];
  while ((i < endA && j < endB) || (i < endA && !nodeB) || (j < endB && !nodeA)) {
    const order = !nodeB ? -1 : !nodeA ? 1 : comparePaths(nodeA, i, nodeB, j);
    if (order < 0) yield { path: nodeA!.path(i), before: nodeA!.value(i), after: null };
    else if (order > 0) yield { path: nodeB!.path(j), before: null, after: nodeB!.value(j) };
    else if (!nodeA!.sameValue(i, nodeB!, j)) yield { path: nodeA!.path(i), before: nodeA!.value(i), after: nodeB!.value(j) };
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  if (nodeA) a.moveTo(i);
  if (nodeB) b.moveTo(j);
}
