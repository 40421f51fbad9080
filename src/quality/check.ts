import type { Json } from "../base/index.ts";
import type { ChainLink, Measurement, Requirement, Verdict } from "../contract/index.ts";
import { judge } from "../problem/index.ts";
import type { StepKind } from "../steps/index.ts";

export interface CheckInput {
  readonly dataset: string;
  /** In the order of the definition: `share` of the rows must hold. */
  readonly checks: readonly { readonly share: number; readonly text: string }[];
  /** What the ingest step measured. */
  readonly measurements: readonly Measurement[];
}

/** Below this share of rows that fit their columns the definition is wrong, rather than some rows. */
export const FITS_SHARE_MIN = 0.5;

/**
 * The gate of a data set. Facts: `verdict`; its chain has the checks in their order, then that enough rows fit their columns.
 * A verdict that says no is a result like any other: the plan stops there.
 */
export const check: StepKind<CheckInput> = {
  name: "check",
  revision: 1,
  run: async (input) => ({ objects: {}, facts: { verdict: judgeChecks(input) as unknown as Json }, measurements: [] }),
};

/** Pure: each check is a requirement on the measured share of rows that hold. */
export function judgeChecks({ dataset, checks, measurements }: CheckInput): Verdict {
  const chain = [
    ...checks.map(({ share, text }, index) =>
      hold({ id: `check/${index}`, value: share, because: text }, `dataset/${dataset}#check/${index}`, measurements),
    ),
    hold(
      { id: "fits", value: FITS_SHARE_MIN, because: "the values fit the columns' types" },
      `dataset/${dataset}#fits`,
      measurements,
    ),
  ];
  return { passed: chain.every(({ passed }) => passed), chain };
}

function hold(
  asked: Pick<Requirement, "id" | "value" | "because">,
  subject: string,
  measurements: readonly Measurement[],
): ChainLink {
  const requirement: Requirement = { ...asked, measure: "share", test: "atLeast" };
  const { chain } = judge(
    [requirement],
    measurements.filter((measurement) => measurement.subject === subject),
  );
  const [link] = chain;
  return { ...link!, sentence: sentenceOf(link!) };
}

function sentenceOf({ requirement, measurement, passed, sentence }: ChainLink): string {
  if (measurement?.value === null || measurement === null) return `${requirement.because}: ${sentence}`;
  const rows = measurement.count === undefined ? "the rows" : `${measurement.count.toLocaleString("en")} rows`;
  return `${requirement.because}: true of ${percent(measurement.value)} of ${rows}, ${passed ? "and" : "but"} at least ${percent(requirement.value)} is asked`;
}

/** As many digits as it takes to tell 99.96 % from 100 %. */
function percent(share: number): string {
  for (let digits = 0; digits < 6; digits++) {
    const text = (share * 100).toFixed(digits);
    if ((Number(text) === 100) === (share === 1) && Math.abs(Number(text) - share * 100) < 0.05) return `${text} %`;
  }
  return `${share * 100} %`;
}
