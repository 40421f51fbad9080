/** What trials found and what they cost, the best first. */
import type { Ledger, StepManifest } from "../steps/index.ts";
import { bestTrial, type TrialFacts, type TrialResult } from "../train/index.ts";

export interface TrialStanding extends TrialResult {
  /** `given-up`: it saw fewer folds or rows than the best. */
  readonly state: "best" | "ended" | "given-up" | "failed";
  /** Of all fits; null: it failed before. */
  readonly fitMs: number | null;
  /** Most that its process held; null: not known. */
  readonly memoryBytes: number | null;
  /** Median time to score one row. */
  readonly rowMicros: number | null;
}

/** Of a trial that went on to more rows only what was found on most. */
export async function standingsOf(
  tried: readonly TrialResult[],
  better: "higher" | "lower",
  ledger: Pick<Ledger, "resultsOf" | "metersOf">,
): Promise<TrialStanding[]> {
  const last = [...new Map(tried.map((one) => [one.trial, one])).values()];
  const best = bestTrial({ trials: last, better });
  const seen = ({ share, values }: TrialResult) => share * values.length;
  const stateOf = (one: TrialResult): TrialStanding["state"] => {
    if (one.value === null) return "failed";
    if (one === best) return "best";
    return seen(one) < seen(best!) ? "given-up" : "ended";
  };
  const keys = last.map(({ key }) => key);
  const [made, meters] = await Promise.all([ledger.resultsOf(keys), ledger.metersOf(keys)]);
  const standings = last.map((one) => ({
    ...{ ...one, state: stateOf(one), ...tookOf(made.get(one.key)) },
    memoryBytes: meters.get(one.key)?.peakRssBytes || null,
  }));
  const sign = better === "lower" ? 1 : -1;
  const worth = ({ value }: TrialResult) => (value === null ? Infinity : sign * value);
  const order = ["best", "ended", "given-up", "failed"];
  return standings.sort(
    (a, b) => order.indexOf(a.state) - order.indexOf(b.state) || seen(b) - seen(a) || worth(a) - worth(b) || a.trial - b.trial,
  );
}

const tookOf = (made: StepManifest | undefined) =>
  made === undefined ? { fitMs: null, rowMicros: null } : (made.facts as unknown as TrialFacts).took;
