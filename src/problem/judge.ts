import type { ChainLink, Measurement, Requirement, Verdict } from "../contract/index.ts";

export interface JudgeOptions {
  /** The problem whose principles are among the requirements: it heads the chain. */
  readonly problem?: { readonly name: string; readonly question: string };
}

/**
 * The one gate. Pure: the same requirements and measurements give the same verdict.
 *
 * Each requirement is held against the first measurement of its measure, and `beatsChampion` against the measured leads over the champion: above 0 is
 * better. On test the lead must be more than the bound; on the newest rows, where it was measured there, no less than the bound beyond chance: the upper
 * end of its interval reaches it. A requirement without a measurement, or whose measurement has no value, is not passed: what was not measured is not
 * proven. `beatsChampion` alone passes, with a note, when there is no champion, or one that these rows do not measure. No requirements: passed.
 */
export function judge(
  requirements: readonly Requirement[],
  measurements: readonly Measurement[],
  { problem }: JudgeOptions = {},
): Verdict {
  const chain = requirements.map((requirement) => hold(requirement, measurements));
  return { passed: chain.every((link) => link.passed), ...(problem ? { problem } : {}), chain };
}

function hold(requirement: Requirement, measurements: readonly Measurement[]): ChainLink {
  const { measure, test, value: bound } = requirement;
  const taken = measurements.filter((m) => m.measure === measure);
  const candidates = taken.filter(({ subject }) => ![CHAMPION, LEAD].includes(nameOf(subject)));
  const of = (subject: string) => taken.find((m) => m.subject === subject);
  const own = (test === "beatsChampion" && candidates.find(({ subject }) => rowsOf(subject) === "test")) || candidates[0];
  const link = (passed: boolean, sentence: string): ChainLink => ({ requirement, measurement: own ?? null, passed, sentence });
  if (own === undefined) return link(false, `${measure} was not measured`);
  if (own.value === null) return link(false, `${measure} could not be measured: ${own.note ?? "no value"}`);

  const value = `${measure} ${show(own.value)}`;
  if (test === "atLeast")
    return link(own.value >= bound, `${value} ${own.value >= bound ? "is" : "is not"} at least ${show(bound)}`);
  if (test === "atMost")
    return link(own.value <= bound, `${value} ${own.value <= bound ? "is" : "is not"} at most ${show(bound)}`);

  const lead = of(`${LEAD}@test`);
  if (lead === undefined) return link(true, `${value}: there is no champion to beat`);
  if (lead.value === null) return link(true, `${value}: ${lead.note ?? "the champion's has no value"}`);
  const recent = of(`${LEAD}@recent`);
  const leads = lead.value > bound;
  const fellBehind = recent?.interval !== undefined && recent.interval[1] < bound;
  const champion = of(`${CHAMPION}@test`)?.value;
  const more = bound === 0 ? "" : leads ? ` (more than ${show(bound)} was asked)` : ` by more than ${show(bound)}`;
  const told = [
    `${value} ${leads ? "beats" : "does not beat"} the champion${champion == null ? "" : `'s ${show(champion)}`}${more}`,
    `lead ${showLead(lead)}`,
    ...(recent === undefined || recent.value === null
      ? []
      : [`on the newest rows ${fellBehind ? "it is worse than that: " : ""}lead ${showLead(recent)}`]),
  ];
  return link(leads && !fellBehind, told.join("; "));
}

/** Subjects are `NAME@ROWS`, as in `model/late-arrival@holdout`; a champion's are `champion@ROWS`, the lead over it `lead@ROWS`, with the rows `test` or `recent`. */
export const CHAMPION = "champion";
export const LEAD = "lead";
const nameOf = (subject: string) => subject.split("@")[0]!;
const rowsOf = (subject: string) => subject.split("@")[1];

const show = (value: number) => (Number.isInteger(value) ? String(value) : value.toPrecision(4).replace(/\.?0+$/, ""));
const showLead = ({ value, interval }: Measurement) =>
  `${show(value!)}${interval ? ` (95 %: ${interval.map(show).join(" to ")})` : ""}`;

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
