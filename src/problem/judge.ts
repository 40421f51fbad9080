import type { ChainLink, Direction, Measurement, Requirement, Verdict } from "../contract/index.ts";

export interface JudgeOptions {
  /** The problem whose principles are among the requirements: it heads the chain. */
  readonly problem?: { readonly name: string; readonly question: string };
  /** Which way a measure is better; needed for `beatsChampion`. Higher when it says nothing. */
  readonly better?: (measure: string) => Direction;
}

/**
 * The one gate. Pure: the same requirements and measurements give the same verdict.
 *
 * Each requirement is held against the first measurement of its measure; `beatsChampion` against the one taken on the same rows as the champion's. A requirement without a measurement, or whose measurement has no value, is not passed: what was not measured is not proven.
 * `beatsChampion` alone passes, with a note, when there is no champion. No requirements: passed.
 */
export function judge(
  requirements: readonly Requirement[],
  measurements: readonly Measurement[],
  options: JudgeOptions = {},
): Verdict {
  const chain = requirements.map((requirement) => hold(requirement, measurements, options));
  return { passed: chain.every((link) => link.passed), ...(options.problem ? { problem: options.problem } : {}), chain };
}

function hold(requirement: Requirement, measurements: readonly Measurement[], options: JudgeOptions): ChainLink {
  const { measure, test, value: bound } = requirement;
  const taken = measurements.filter((m) => m.measure === measure);
  const champion = taken.find(isChampion);
  const candidates = taken.filter((m) => !isChampion(m));
  const sameRows = candidates.find((m) => champion !== undefined && rowsOf(m) === rowsOf(champion));
  const own = test === "beatsChampion" ? (sameRows ?? candidates[0]) : candidates[0];
  const link = (passed: boolean, sentence: string): ChainLink => ({ requirement, measurement: own ?? null, passed, sentence });
  if (own === undefined) return link(false, `${measure} was not measured`);
  if (own.value === null) return link(false, `${measure} could not be measured: ${own.note ?? "no value"}`);

  if (test === "atLeast")
    return link(
      own.value >= bound,
      `${measure} ${show(own.value)} ${own.value >= bound ? "is" : "is not"} at least ${show(bound)}`,
    );
  if (test === "atMost")
    return link(
      own.value <= bound,
      `${measure} ${show(own.value)} ${own.value <= bound ? "is" : "is not"} at most ${show(bound)}`,
    );

  if (champion === undefined || champion.value === null) {
    const why = champion === undefined ? "there is no champion to beat" : (champion.note ?? "the champion's has no value");
    return link(true, `${measure} ${show(own.value)}: ${why}`);
  }
  const lead = options.better?.(measure) === "lower" ? champion.value - own.value : own.value - champion.value;
  const by = bound === 0 ? "" : ` by ${show(bound)}`;
  return link(
    lead > bound,
    `${measure} ${show(own.value)} ${lead > bound ? "beats" : "does not beat"} the champion's ${show(champion.value)}${by}`,
  );
}

/** Subjects are `NAME@ROWS`, as in `model/late-arrival@holdout`; a champion's are `champion@ROWS`. */
export const CHAMPION = "champion";
const isChampion = (m: Measurement) => m.subject.split("@")[0] === CHAMPION;
const rowsOf = (m: Measurement) => m.subject.split("@")[1];

const show = (value: number) => (Number.isInteger(value) ? String(value) : value.toPrecision(4).replace(/\.?0+$/, ""));

/**
 * Why a verdict says no, in one sentence, or null when it passed: each failed link from the problem over the principle or rule to what was measured, as in
 * `late-arrival -> "A stated probability is kept" -> calibrationError 0.2 is not at most 0.03`. What no problem stands behind says what was measured.
 */
export function refusalText({ passed, problem, chain }: Verdict): string | null {
  if (passed) return null;
  const from = ({ because }: Requirement) => (because === undefined ? [] : [`"${because}"`]);
  return chain
    .filter((link) => !link.passed)
    .map((link) => [...(problem ? [problem.name, ...from(link.requirement)] : []), link.sentence].join(" -> "))
    .join("; ");
}

/** The chain of a verdict as lines for people: the problem, then each requirement with what it rests on. */
export function chainLines(verdict: Verdict): string[] {
  const head = verdict.problem ? [`${verdict.problem.name}: ${verdict.problem.question}`] : [];
  const links = verdict.chain.map((link) => {
    const because = link.requirement.because ? `${link.requirement.because}: ` : "";
    return `${link.passed ? "passed" : "FAILED"}  ${because}${link.sentence}${link.measurement ? ` (${link.measurement.subject})` : ""}`;
  });
  return [...head, ...links];
}
