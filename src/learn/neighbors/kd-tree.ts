/**
 * A k-d tree: each node halves its points at the median of the dimension in which they spread most; children follow their parent, the left one at once.
 *
 *   nodes   | right child, or 0 in a leaf | first | end | 0 |     places in `order`
 *   boxes   | least coordinates | greatest coordinates |          of the points below the node
 */
const LEAF = 16;

export interface Tree {
  readonly nodes: Int32Array;
  /** Two points of `width` for each node. */
  readonly boxes: Float64Array;
  /** The rows as the leaves hold them. */
  readonly order: Int32Array;
}

/** `points` are row-major, at least one. Depends on them alone. */
export function buildTree(points: Float64Array, width: number): Tree {
  const rowCount = points.length / width;
  const order = Int32Array.from({ length: rowCount }, (_, row) => row);
  const nodes: number[] = [];
  const boxes: number[] = [];
  const split = (first: number, end: number): void => {
    const at = nodes.length;
    nodes.push(0, first, end, 0);
    const box = boxOf(points, width, order, first, end);
    boxes.push(...box);
    const dimension = widest(box, width);
    if (end - first <= LEAF || box[dimension] === box[width + dimension]) return;
    const middle = (first + end) >> 1;
    select(order, first, end - 1, middle, (row) => points[row * width + dimension]!);
    split(first, middle);
    nodes[at] = nodes.length / 4;
    split(middle, end);
  };
  split(0, rowCount);
  return { nodes: Int32Array.from(nodes), boxes: Float64Array.from(boxes), order };
}

function boxOf(points: Float64Array, width: number, order: Int32Array, first: number, end: number): number[] {
  const box = [...Array<number>(width).fill(Infinity), ...Array<number>(width).fill(-Infinity)];
  for (let place = first; place < end; place++)
    for (let at = 0; at < width; at++) {
      const value = points[order[place]! * width + at]!;
      if (value < box[at]!) box[at] = value;
      if (value > box[width + at]!) box[width + at] = value;
    }
  return box;
}

function widest(box: readonly number[], width: number): number {
  let found = 0;
  for (let at = 1; at < width; at++) if (box[width + at]! - box[at]! > box[width + found]! - box[found]!) found = at;
  return found;
}

/** Reorders so that what stands before `middle` is not above it and what stands behind is not below (Hoare's quickselect). */
function select(order: Int32Array, low: number, high: number, middle: number, coordinate: (row: number) => number): void {
  while (low < high) {
    const pivot = coordinate(order[(low + high) >> 1]!);
    let [left, right] = [low, high];
    while (left <= right) {
      while (coordinate(order[left]!) < pivot) left++;
      while (coordinate(order[right]!) > pivot) right--;
      if (left > right) break;
      [order[left], order[right]] = [order[right]!, order[left]!];
      left++;
      right--;
    }
    if (middle <= right) high = right;
    else if (middle >= left) low = left;
    else return;
  }
}
