import { didYouMean, MillError } from "../base/index.ts";
import { MEASURES, type MeasureInfo, type MeasureName, type Requirement, type Task } from "../contract/index.ts";
import type { Gain } from "./definitions.ts";
import { list, number, within, wrong } from "./options.ts";

/** What can be asked of a measure; `bound` and `by` are in the measure's own unit. */
export interface Measure {
  atLeast(bound: number): Requirement;
  atMost(bound: number): Requirement;
  /** Better than the model in charge by more than `by` (0), both measured on the same rows. Passes with a note when there is none. */
  beatsChampion(by?: number): Requirement;
}

/** The measures of a task; `gain`, money per 1,000 decisions, only where the problem states its gain. */
export type Measures<T extends Task, G> = {
  readonly [K in Exclude<MeasureName<T>, "gain"> | (G extends object ? Extract<MeasureName<T>, "gain"> : never)]: Measure;
};

/** Names of the measures that a problem has. */
export const measureNames = (task: Task, gain: Gain | undefined): readonly string[] =>
  Object.keys(MEASURES[task]).filter((name) => name !== "gain" || gain !== undefined);

/** The `m` of `proof: (m) => ...` and `accept: (m) => ...`. */
export function measures(task: Task, gain: Gain | undefined): object {
  const known = measureNames(task, gain);
  return new Proxy(Object.fromEntries(known.map((name) => [name, measure(task, name)])), {
    get: (target, name) => {
      if (typeof name === "symbol" || Object.hasOwn(target, name)) return target[name as string];
      throw unknownMeasure(task, name, known);
    },
  });
}

export function unknownMeasure(task: Task, name: string, known: readonly string[]): MillError {
  const why = name === "gain" && task === "binary-classification" ? " It exists once the problem states `gain`." : "";
  return new MillError("define.unknown-measure", `A ${task} has no measure "${name}".${why || didYouMean(name, known)}`, {
    expected: `one of ${known.join(", ")}`,
    got: `"${name}"`,
    fix: why
      ? "State what right and wrong decisions are worth: gain: { truePositive, falsePositive }."
      : "Use a measure of the task.",
  });
}

function measure(task: Task, name: string): Measure {
  const better = (MEASURES[task] as Readonly<Record<string, MeasureInfo>>)[name]!.better;
  const usual = better === "higher" ? "atLeast" : "atMost";
  const require = (test: Requirement["test"], value: unknown): Requirement => ({
    id: test === usual ? name : `${name}/${test === "beatsChampion" ? "champion" : test}`,
    measure: name,
    test,
    value: number(`m.${name}.${test}(...)`, value, test === "beatsChampion" ? { atLeast: 0 } : {}),
  });
  return {
    atLeast: (bound) => require("atLeast", bound),
    atMost: (bound) => require("atMost", bound),
    beatsChampion: (by = 0) => require("beatsChampion", by),
  };
}

/** The requirements that a gate states, with stable ids such as `accept/auc`; the same one twice is refused. */
export function requirements(at: string, gate: string, run: () => unknown): Requirement[] {
  const found = list(at, within(at, run)).map((given, i) => ({
    ...requirement(`${at}[${i}]`, given),
    id: `${gate}/${requirement(at, given).id}`,
  }));
  const twice = found.find(({ id }, i) => found.findIndex((other) => other.id === id) !== i);
  if (twice === undefined) return found;
  throw new MillError("define.duplicate", `${at}: ${twice.measure}.${twice.test} is required twice.`, {
    at,
    expected: "each test of a measure once",
    got: `two of ${twice.measure}.${twice.test}`,
    fix: "Keep the stricter one.",
  });
}

/** What `m.auc.atLeast(0.65)` returned. */
export function requirement(at: string, given: unknown): Requirement {
  const complete = typeof given === "object" && given !== null && "measure" in given && "test" in given && "value" in given;
  return complete ? (given as Requirement) : wrong(at, "a requirement, as in m.auc.atLeast(0.65)", given);
}
