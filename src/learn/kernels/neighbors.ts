/** What `neighbors.wasm` exports; layouts and meaning stand in `assembly/neighbors.ts`. All arrays by their addresses. */
export interface NeighborsKernel extends WebAssembly.Exports {
  readonly scan: Scan;
  readonly scanWhole: Scan;
  readonly rank: Rank;
  readonly rankWhole: Rank;
  rankAll(
    query: number,
    points: number,
    count: number,
    stride: number,
    neighbours: number,
    distances: number,
    rows: number,
  ): void;
  buildTree(points: number, order: number, count: number, stride: number, leaf: number, nodes: number, boxes: number): void;
  rankTree(
    query: number,
    nodes: number,
    boxes: number,
    points: number,
    order: number,
    stride: number,
    neighbours: number,
    distances: number,
    rows: number,
  ): void;
}

type Scan = (
  packed: number,
  panels: number,
  halves: number,
  depth: number,
  from: number,
  to: number,
  states: number,
  stateBytes: number,
  neighbours: number,
  capacity: number,
  scores: number,
) => void;

type Rank = (
  query: number,
  points: number,
  stride: number,
  state: number,
  neighbours: number,
  distances: number,
  rows: number,
) => void;
