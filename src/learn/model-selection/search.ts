/** Tries the candidates of a plan by cross-validation, all on the same folds, and says which is best. */
import { MillError } from "../../base/index.ts";
import type { Estimator, FitContext, Params, TrainingData } from "../estimator.ts";
import type { Measure } from "../metrics/measures.ts";
import type { SearchPlan } from "./candidates.ts";
import { type CrossValidateOptions, crossValidate, type FoldScore, type ScoreSummary } from "./cross-validate.ts";
import { badSplit } from "./splitters.ts";
import { stagesOf } from "./stages.ts";

export interface Searched {
  /** In the order of the plan. */
  readonly candidates: readonly Candidate[];
  /** Of the best mean of the first measure; of equals the first. */
  readonly best: Candidate;
  /** A row for each candidate, fold and measure. */
  readonly rows: readonly (FoldScore & { readonly candidate: number })[];
}

/** The first measure says which candidate is best. */
export interface SearchOptions extends CrossValidateOptions {
  readonly measures: readonly [Measure, ...Measure[]];
}

export interface Candidate {
  readonly candidate: number;
  readonly params: Params;
  readonly summary: Readonly<Record<string, ScoreSummary>>;
  /** Why it could not be trained, where the data and these parameters do not fit. */
  readonly error?: MillError;
}

/**
 * Candidates one after the other, each on all threads. A candidate that cannot be trained is kept with its error; when none can, the first error is thrown.
 * Other errors: `learn.bad-split`, `learn.cancelled`, `learn.worker-lost`, and `learn.bad-split` when the first measure is defined on no fold.
 */
export async function search(
  estimator: Estimator,
  plan: SearchPlan,
  data: TrainingData,
  options: SearchOptions,
  context: FitContext,
): Promise<Searched> {
  const folds = options.splitter.split(data);
  const splitter = { ...options.splitter, split: () => folds };
  const stages = stagesOf(context, plan.candidates.length);
  const candidates: Candidate[] = [];
  const rows: (FoldScore & { readonly candidate: number })[] = [];
  for (const [candidate, params] of plan.candidates.entries()) {
    const stage = stages(candidate, `candidate ${candidate + 1} of ${plan.candidates.length}`);
    try {
      const tried = await crossValidate(estimator, params, data, { ...options, splitter }, stage);
      rows.push(...tried.rows.map((row) => ({ candidate, ...row })));
      candidates.push({ candidate, params, summary: tried.summary });
    } catch (error) {
      if (!isOfCandidate(error)) throw error;
      candidates.push({ candidate, params, summary: {}, error });
    }
    stage.progress(1, 1);
  }
  return { candidates, best: bestOf(candidates, options), rows };
}

function bestOf(candidates: readonly Candidate[], { measures: [{ name, better }] }: SearchOptions): Candidate {
  const known = candidates.filter(({ summary }) => summary[name] !== undefined);
  const sign = better === "higher" ? 1 : -1;
  const worth = ({ summary }: Candidate) => sign * summary[name]!.mean;
  const failed = candidates.find(({ error }) => error !== undefined)?.error;
  if (known.length > 0) return known.reduce((best, each) => (worth(each) > worth(best) ? each : best));
  throw (
    failed ?? badSplit(`No fold defines ${name}.`, "test rows that define the measure", "Take fewer folds, or another measure.")
  );
}

/** What parameters and rows do not agree on; not what would meet every candidate alike. */
export const isOfCandidate = (error: unknown): error is MillError =>
  error instanceof MillError &&
  error.code.startsWith("learn.") &&
  !["learn.cancelled", "learn.worker-lost", "learn.bad-split", "learn.task"].includes(error.code);
