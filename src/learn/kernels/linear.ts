/** What `linear.wasm` exports: blocks of rows, row-major doubles unless told, by their addresses. */
export interface LinearKernel extends WebAssembly.Exports {
  /** out += a' b on and above the diagonal, in tiles of 4 x 4; `columns` a multiple of 4. */
  addGram(a: number, b: number, rows: number, columns: number, out: number): void;
  /** scores += x weights; `columns` a multiple of 4. */
  addScores(x: number, rows: number, columns: number, weights: number, scores: number): void;
  /** sum += vectors, `pitch` doubles apart, each times its factor; `count` a multiple of 4, `length` even. */
  addMultiples(vectors: number, pitch: number, count: number, length: number, factors: number, sum: number): void;
  /** gradient += x' residuals, columns `pitch` doubles apart; `columns` a multiple of 4, `rows` even. */
  addColumnSlopes(x: number, pitch: number, columns: number, rows: number, residuals: number, gradient: number): void;
  /** In place; `count` even. */
  exponentials(values: number, count: number): void;
  /** Scores become residuals; `sums`: a part of the loss, and what the rest is the logarithm of; `rows` even, at most 512. */
  logLoss(scores: number, y: number, rows: number, sums: number): void;
}
