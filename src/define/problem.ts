import { MillError } from "../base/index.ts";
import { MEASURES, type Requirement, type Task } from "../contract/index.ts";
import { type Gain, KIND, type ProblemDefinition, type Risk } from "./definitions.ts";
import { type Measures, measureNames, measures, requirement, unknownMeasure } from "./measures.ts";
import { callback, definitionName, fieldsOf, list, number, oneOf, optionalText, text, within } from "./options.ts";
import type { Problem } from "./typed.ts";

/** A statement that must stay true of every model that solves the problem, and the requirement that proves it. */
export interface Principle<T extends Task, G> {
  readonly statement: string;
  readonly because?: string | undefined;
  readonly proof: (m: Measures<T, G>) => Requirement;
}

export interface RiskOptions<M extends string = string> {
  readonly what: string;
  readonly likelihood: Risk["likelihood"];
  readonly impact: Risk["impact"];
  readonly owner?: string | undefined;
  readonly mitigation?: string | undefined;
  /** The measure that watches it. */
  readonly measure?: M | undefined;
}

export interface ProblemOptions<T extends Task, G extends Gain | undefined> {
  /** What is asked, by whom and when, as a sentence. */
  readonly question: string;
  readonly task: T;
  /** Who answers for it: a person or a team that can be reached. */
  readonly owner: string;
  /** The business process that it belongs to. */
  readonly process?: string | undefined;
  /** What is decided by the answer. */
  readonly decision?: string | undefined;
  readonly currency?: string | undefined;
  /** Money per decision; makes `m.gain` and the threshold `"max-gain"` available. Binary classification only. */
  readonly gain?: G;
  readonly constraints?: { readonly latencyP99Ms?: number | undefined; readonly monthlyCost?: number | undefined } | undefined;
  readonly principles?: readonly Principle<NoInfer<T>, NoInfer<G>>[] | undefined;
  readonly risks?: readonly RiskOptions<keyof Measures<NoInfer<T>, NoInfer<G>> & string>[] | undefined;
}

/**
 * The problem that a model solves: the question, who answers for it, what a decision is worth, and what must stay true.
 * Errors: `define.*`, naming the field.
 */
export function problem<const T extends Task, const G extends Gain | undefined = undefined>(
  name: string,
  options: ProblemOptions<T, G>,
): Problem<T, G>;
export function problem(name: unknown, options: unknown): ProblemDefinition {
  const at = `problem "${definitionName("problem", name)}"`;
  const given = fieldsOf(at, options, OPTIONS);
  const task = oneOf(`${at}: task`, given.task, Object.keys(MEASURES) as Task[]);
  const gain = given.gain === undefined ? undefined : readGain(`${at}: gain`, given.gain, task);
  const [process, decision, currency] = (["process", "decision", "currency"] as const).map((key) =>
    optionalText(`${at}: ${key}`, given[key]),
  );
  const constraints = readConstraints(`${at}: constraints`, given.constraints);
  return Object.freeze({
    [KIND]: "problem" as const,
    name: name as string,
    question: text(`${at}: question`, given.question),
    task,
    owner: text(`${at}: owner`, given.owner),
    ...(process === undefined ? {} : { process }),
    ...(decision === undefined ? {} : { decision }),
    ...(currency === undefined ? {} : { currency }),
    ...(gain === undefined ? {} : { gain }),
    ...(constraints === undefined ? {} : { constraints }),
    principles: list(`${at}: principles`, given.principles ?? []).map((item, i) => readPrinciple(at, i, item, task, gain)),
    risks: list(`${at}: risks`, given.risks ?? []).map((item, i) => readRisk(`${at}: risks[${i}]`, item, task, gain)),
  });
}

const OPTIONS = [
  "question",
  "task",
  "owner",
  "process",
  "decision",
  "currency",
  "gain",
  "constraints",
  "principles",
  "risks",
] as const satisfies readonly (keyof ProblemOptions<Task, Gain>)[];

const OUTCOMES = ["truePositive", "falsePositive", "falseNegative", "trueNegative"] as const;

function readGain(at: string, given: unknown, task: Task): Gain {
  if (task !== "binary-classification")
    throw new MillError("define.bad-value", `${at}: a ${task} has no positive decisions that could be worth money.`, {
      at,
      expected: 'gain only with task "binary-classification"',
      got: `gain with task "${task}"`,
      fix: "Remove gain, or ask a question with a yes or a no.",
    });
  const fields = fieldsOf(at, given, OUTCOMES);
  const amounts = OUTCOMES.filter((key) => key === "truePositive" || key === "falsePositive" || fields[key] !== undefined);
  return Object.fromEntries(amounts.map((key) => [key, number(`${at}.${key}`, fields[key])])) as unknown as Gain;
}

function readConstraints(at: string, given: unknown): ProblemDefinition["constraints"] {
  if (given === undefined) return undefined;
  const fields = fieldsOf(at, given, ["latencyP99Ms", "monthlyCost"]);
  const stated = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(stated.map(([key, value]) => [key, number(`${at}.${key}`, value, { above: 0 })]));
}

function readPrinciple(problemAt: string, i: number, given: unknown, task: Task, gain: Gain | undefined) {
  const at = `${problemAt}: principles[${i}]`;
  const fields = fieldsOf(at, given, ["statement", "because", "proof"]);
  const statement = text(`${at}.statement`, fields.statement);
  const because = optionalText(`${at}.because`, fields.because);
  const proof = callback(`${at}.proof`, fields.proof, "(m) => m.calibrationError.atMost(0.03)");
  const required = requirement(
    `${at}.proof`,
    within(`${at}.proof`, () => proof(measures(task, gain))),
  );
  return {
    statement,
    ...(because === undefined ? {} : { because }),
    proof: { ...required, id: `principle/${i}`, because: statement },
  };
}

const LEVELS = ["low", "medium", "high"] as const;

function readRisk(at: string, given: unknown, task: Task, gain: Gain | undefined): Risk {
  const fields = fieldsOf(at, given, ["what", "likelihood", "impact", "owner", "mitigation", "measure"]);
  const measure = optionalText(`${at}.measure`, fields.measure);
  const known = measureNames(task, gain);
  if (measure !== undefined && !known.includes(measure))
    within(`${at}.measure`, () => {
      throw unknownMeasure(task, measure, known);
    });
  const [owner, mitigation] = (["owner", "mitigation"] as const).map((key) => optionalText(`${at}.${key}`, fields[key]));
  return {
    what: text(`${at}.what`, fields.what),
    likelihood: oneOf(`${at}.likelihood`, fields.likelihood, LEVELS),
    impact: oneOf(`${at}.impact`, fields.impact, LEVELS),
    ...(owner === undefined ? {} : { owner }),
    ...(mitigation === undefined ? {} : { mitigation }),
    ...(measure === undefined ? {} : { measure }),
  };
}
