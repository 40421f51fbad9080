/** What `clusters.wasm` exports; layouts and meaning stand in `assembly/clusters.ts`. All arrays by their addresses. */
export interface ClustersKernel extends WebAssembly.Exports {
  squaredDistance(a: number, b: number, stride: number): number;
  potential(points: number, rows: number, stride: number, point: number, nearest: number, weights: number): number;
  lower(points: number, rows: number, stride: number, point: number, nearest: number, weights: number): number;
  unsettled(
    from: number,
    to: number,
    points: number,
    stride: number,
    centres: number,
    labels: number,
    uppers: number,
    lowers: number,
    moves: number,
    halfGaps: number,
    farthest: number,
    farthestMove: number,
    secondMove: number,
    list: number,
  ): number;
  nearest(
    list: number,
    count: number,
    points: number,
    width: number,
    stride: number,
    panel: number,
    packed: number,
    halves: number,
    centres: number,
    clusters: number,
    largest: number,
    found: number,
    uppers: number,
    lowers: number,
  ): void;
  move(
    list: number,
    count: number,
    found: number,
    foundUppers: number,
    foundLowers: number,
    points: number,
    stride: number,
    weights: number,
    labels: number,
    uppers: number,
    lowers: number,
    sums: number,
    masses: number,
  ): number;
  inertia(points: number, rows: number, stride: number, centres: number, labels: number, weights: number): number;
}
