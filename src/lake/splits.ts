import { canonicalJson, type Digest, type Json, MillError } from "../base/index.ts";
import type { Generation } from "./generations.ts";

/** The split of a data set, as a generation of it was cut at its first use. */
export interface FrozenSplit {
  readonly dataset: string;
  readonly generation: number;
  /** The rule that was asked for, and the boundary that it gave then. */
  readonly spec: Json;
  readonly boundary: Json;
  /** The version whose rows the boundary was chosen by. */
  readonly version: number;
  /** Key of the step that chose it; null: it was not told. */
  readonly stepKey: Digest | null;
  readonly frozenAt: number;
}

/** null: there is none, or it is open. */
export function frozenSplitOf(generation: Generation | null): FrozenSplit | null {
  if (generation === null) return null;
  const { dataset, generation: number, spec, boundary, version, stepKey, frozenAt } = generation;
  return frozenAt === null
    ? null
    : { dataset, generation: number, spec: spec!, boundary: boundary!, version: version!, stepKey, frozenAt };
}

/** A rule is for good: every generation is cut by it. Errors with `split.frozen` when another one was frozen. */
export function requireRule(generations: readonly Generation[], spec: Json): void {
  const frozen = frozenSplitOf(generations.find(({ frozenAt }) => frozenAt !== null) ?? null);
  if (frozen && canonicalJson(spec) !== canonicalJson(frozen.spec)) throw otherRule(frozen, spec);
}

function otherRule({ dataset, spec, version }: FrozenSplit, got: Json): MillError {
  return new MillError(
    "split.frozen",
    `The split of the data set "${dataset}" was frozen with version ${version}, and the definition now asks for another one.`,
    {
      at: `dataset "${dataset}": split`,
      expected: canonicalJson(spec),
      got: canonicalJson(got),
      fix: "Put the old split back, or give the data set a new name: rows that were once held out must not be trained on.",
    },
  );
}
