/** The texts of a column and their weights. */
import type { TextColumn } from "../frame.ts";

export interface TextCounts {
  /** In the order of the texts, each with a weight above 0. */
  readonly byText: ReadonlyMap<string, number>;
  readonly missing: number;
}

export function countTexts({ codes, texts }: TextColumn, weights: Float64Array | undefined): TextCounts {
  const counts = new Float64Array(texts.length);
  let missing = 0;
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row]!;
    const weight = weights === undefined ? 1 : weights[row]!;
    if (code < 0 || texts[code] === "") missing += weight;
    else counts[code]! += weight;
  }
  const seen = [...texts.keys()].filter((code) => counts[code]! > 0).sort((a, b) => (texts[a]! < texts[b]! ? -1 : 1));
  if (seen.length === 0 && weights !== undefined) return countTexts({ kind: "text", codes, texts }, undefined);
  return { byText: new Map(seen.map((code) => [texts[code]!, counts[code]!])), missing };
}
