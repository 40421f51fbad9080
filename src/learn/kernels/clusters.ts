/** What `clusters.wasm` exports; layouts and meaning stand in `assembly/clusters.ts`. All arrays by their addresses. */
export interface ClustersKernel extends WebAssembly.Exports {
  squaredDistance(a: number, b: number, stride: number): number;
  squares(points: number, rows: number, stride: number, sums: number): number;
  potential(points: number, rows: number, stride: number, point: number, nearest: number, weights: number): number;
  lower(points: number, rows: number, stride: number, point: number, nearest: number, weights: number): number;
  unsettled(
    from: number,
    to: number,
    labels: number,
    uppers: number,
    lowers: number,
    moves: number,
    drops: number,
    halfGaps: number,
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
  addTo(sums: number, values: number, count: number): void;
  inertia(points: number, rows: number, stride: number, centres: number, labels: number, weights: number): number;
}
