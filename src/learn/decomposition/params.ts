/** What both decompositions take, and what they check before they begin. */
import { MillError } from "../../base/index.ts";
import { throwIfCancelled } from "../crew/crew.ts";
import type { FitContext, ParamSpecs, Params, TrainingData } from "../estimator.ts";
import { completeParams } from "../params.ts";
import { checkTransformed } from "../preprocessing/define.ts";
import type { Transformer, TransformerTags } from "../transformer.ts";
import { SOLVERS } from "./directions.ts";

export const componentsParam = {
  type: "number",
  default: 0.95,
  min: 0,
  openMin: true,
  max: 100_000,
  about: "how many; below 1 the share of the variance that they must have",
} as const satisfies ParamSpecs[string];

export const spaceParams = {
  solver: {
    type: "choice",
    choices: SOLVERS,
    default: "auto",
    about:
      "auto takes the covariance, a triangle where small components would be inexact, and random directions beyond 1000 dimensions",
  },
  countMin: { type: "integer", default: 10, min: 1, max: 1_000_000, about: "texts of a column with fewer rows count as one" },
} as const satisfies ParamSpecs;

export const projectionTags: TransformerTags = {
  takes: "both",
  missing: true,
  supervised: false,
  weights: true,
  gives: "numbers",
  fills: true,
  onnx: true,
};

export interface ProjectionParams {
  readonly components: number;
  readonly solver: (typeof SOLVERS)[number];
  readonly countMin: number;
  readonly standardise: boolean;
}

/** The complete parameters, for data that may be learnt from. Errors: `learn.bad-parameter`, `learn.cancelled`, and what `checkTransformed` refuses. */
export function checkedParams(
  transformer: Transformer,
  data: TrainingData,
  given: Params,
  { signal }: Pick<FitContext, "signal">,
  options?: { readonly numbersLater: boolean },
): ProjectionParams {
  const { standardise = false, ...params } = completeParams(transformer, given) as Partial<ProjectionParams>;
  checkComponents(transformer.name, params.components!);
  checkTransformed(transformer, data, options);
  throwIfCancelled(signal);
  return { ...(params as Omit<ProjectionParams, "standardise">), standardise };
}

function checkComponents(name: string, components: number): void {
  if (components < 1 || Number.isInteger(components)) return;
  throw new MillError(
    "learn.bad-parameter",
    `${name}.components: expected a whole number or a share below 1, got ${components}.`,
    {
      at: `${name}.components`,
      expected: "a whole number or a share below 1",
      got: String(components),
      fix: `Write ${Math.round(components)}, or a share such as 0.95.`,
    },
  );
}
