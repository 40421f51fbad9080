import { didYouMean, type Json, MillError } from "../../base/index.ts";
import { pca } from "../decomposition/pca.ts";
import { truncatedSvd } from "../decomposition/truncated-svd.ts";
import { badModel } from "../packed.ts";
import type { FittedTransform, Transformer } from "../transformer.ts";
import { bin } from "./bin.ts";
import { dateParts } from "./date-parts.ts";
import type { DefinedTransformer } from "./define.ts";
import { hash } from "./hash.ts";
import { hashWords } from "./hash-words.ts";
import { impute } from "./impute.ts";
import { oneHot } from "./one-hot.ts";
import { ordinal } from "./ordinal.ts";
import { polynomial } from "./polynomial.ts";
import { minMaxScale, robustScale, standardScale } from "./scale.ts";
import { select, selectVariance } from "./select.ts";
import { targetEncode } from "./target-encode.ts";
import { countWords, tfIdf } from "./words.ts";

const defined: readonly DefinedTransformer[] = [
  impute,
  standardScale,
  minMaxScale,
  robustScale,
  oneHot,
  ordinal,
  targetEncode,
  bin,
  polynomial,
  dateParts,
  select,
  selectVariance,
  hash,
  countWords,
  tfIdf,
  hashWords,
  pca,
  truncatedSvd,
];

/** Every transformer. */
export const transformers: readonly Transformer[] = defined;

/** Error: `learn.unknown-transformer`. */
export function transformerNamed(name: string): Transformer {
  const found = defined.find((transformer) => transformer.name === name);
  if (found !== undefined) return found;
  const known = defined.map((transformer) => transformer.name);
  throw new MillError("learn.unknown-transformer", `There is no transformer "${name}".${didYouMean(name, known)}`, {
    expected: known.join(", "),
    got: name,
    fix: "Use one of the transformers listed.",
  });
}

/** A fitted transform from what its `toJson` gave. Error: `learn.bad-model`. */
export function readTransform(json: unknown): FittedTransform {
  if (json === null || typeof json !== "object" || Array.isArray(json)) throw badModel("a transform is no JSON object");
  const { transformer: name } = json as Record<string, Json>;
  const found = defined.find((transformer) => transformer.name === name);
  if (found === undefined) throw badModel(`its transformer is ${JSON.stringify(name) ?? "not named"}`);
  return found.read(json as Record<string, unknown>);
}
