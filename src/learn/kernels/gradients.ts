/** What `gradients.wasm` exports; addresses are bytes. Meanings: `assembly/gradients.ts`. */
export interface GradientsKernel extends WebAssembly.Exports {
  logistic: WriteGradients;
  squared: WriteGradients;
  largestResidual(y: number, weights: number, scores: number, from: number, to: number): number;
  normalise(scores: number, outputs: number, normalisers: number, from: number, to: number): void;
  softmax(
    y: number,
    weights: number,
    scores: number,
    outputs: number,
    output: number,
    normalisers: number,
    from: number,
    to: number,
    records: number,
    stride: number,
    gradientScale: number,
    hessianScale: number,
  ): void;
  round(
    raw: number,
    from: number,
    to: number,
    records: number,
    stride: number,
    gradientScale: number,
    hessianScale: number,
  ): void;
}

type WriteGradients = (
  y: number,
  weights: number,
  scores: number,
  from: number,
  to: number,
  records: number,
  stride: number,
  gradientScale: number,
  hessianScale: number,
) => void;
