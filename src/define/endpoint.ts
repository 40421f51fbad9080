import type { Duration } from "../base/index.ts";
import { MillError } from "../base/index.ts";
import { MEASURES, type MeasureInfo, type MeasureName, type Task } from "../contract/index.ts";
import { timeMissing } from "./dataset.ts";
import {
  type EndpointDefinition,
  type Gain,
  KIND,
  type MetricTrigger,
  type ModelDefinition,
  type RetrainTrigger,
} from "./definitions.ts";
import { type Measures, measureNames, unknownMeasure } from "./measures.ts";
import {
  definitionName,
  definitionOf,
  duration,
  fieldsOf,
  type Given,
  list,
  number,
  oneOf,
  text,
  within,
  wrong,
} from "./options.ts";
import type { Endpoint, ModelTypes, Typed } from "./typed.ts";

export type Rollout = NonNullable<EndpointDefinition["rollout"]>;

export interface EndpointOptions<T extends Task, R, G extends Gain | undefined = Gain | undefined> {
  readonly serves: Typed<"model", ModelTypes<T, R, G>>;
  /** How a new version comes to serve; at once when absent. */
  readonly rollout?: Rollout | undefined;
  /** When a new version is trained. */
  readonly retrain?: Retrain<keyof Measures<NoInfer<T>, NoInfer<G>> & string> | undefined;
}

/** `M`: the measures of the model's problem. All of it counts in data time. */
export interface Retrain<M extends string> {
  /** Any of them starts a retraining. */
  readonly when: readonly RetrainTrigger<M>[];
  /** The span of the newest data that is trained on; all of it when absent. */
  readonly window?: Duration | undefined;
  /** For so long after a retraining no drift and no metric starts another; default `"1d"`. */
  readonly cooldown?: Duration | undefined;
}

/** Where a model answers: `POST /v1/endpoints/NAME/predict`. Errors: `define.*` and `value.duration`, naming the field. */
export function endpoint<const N extends string, T extends Task, R, G extends Gain | undefined>(
  name: N,
  options: EndpointOptions<T, R, G>,
): Endpoint<N, T, R>;
export function endpoint(name: unknown, options: unknown): EndpointDefinition {
  const at = `endpoint "${definitionName("endpoint", name)}"`;
  const given = fieldsOf(at, options, ["serves", "rollout", "retrain"]);
  const serves = definitionOf<ModelDefinition>(`${at}: serves`, given.serves, "model");
  const retrain = given.retrain === undefined ? undefined : readRetrain(`${at}: retrain`, given.retrain, serves);
  return Object.freeze({
    [KIND]: "endpoint" as const,
    name: name as string,
    serves,
    ...(given.rollout === undefined ? {} : { rollout: readRollout(`${at}: rollout`, given.rollout) }),
    ...(retrain === undefined ? {} : { retrain }),
  });
}

/**
 * A new version answers a growing share of the requests: `steps` rise to 1, each is held for `hold` and 200 requests, and a worse error rate, latency
 * or gate sends all requests back to the old version.
 */
export function canary(options: { readonly steps: readonly number[]; readonly hold: Duration }): Rollout {
  const given = fieldsOf("canary", options, ["steps", "hold"]);
  const steps = list("canary: steps", given.steps).map((step, i) => number(`canary: steps[${i}]`, step, { above: 0, atMost: 1 }));
  const rising = steps.every((step, i) => i === 0 || step > steps[i - 1]!);
  if (rising && steps.at(-1) === 1)
    return Object.freeze({ rollout: "canary", steps, hold: duration("canary: hold", given.hold) });
  throw new MillError("define.bad-value", `canary: steps must rise to 1, got ${JSON.stringify(steps)}.`, {
    at: "canary: steps",
    expected: "shares of the requests, each above the one before, the last 1",
    got: JSON.stringify(steps),
    fix: "Write steps: [0.05, 0.25, 1].",
  });
}

/** Retrain when a feature's population stability index against the training rows passes `psi` (0.2 is a common bound). */
export function drift(options: { readonly psi: number }): Extract<RetrainTrigger, { when: "drift" }> {
  const given = fieldsOf("drift", options, ["psi"]);
  return Object.freeze({ when: "drift", psi: number("drift: psi", given.psi, { above: 0 }) });
}

/** Retrain whenever this span of the data's own time has passed. */
export function every(span: Duration): Extract<RetrainTrigger, { when: "every" }> {
  return Object.freeze({ when: "every", span: duration("every", span) });
}

/** Retrain when this many rows were fed since the last training. */
export function newRows(count: number): Extract<RetrainTrigger, { when: "newRows" }> {
  return Object.freeze({ when: "newRows", count: number("newRows", count, { integer: true, atLeast: 1 }) });
}

/**
 * Retrain when a measure of a day is worse than a bound: below it where higher is better, above it where lower is. `from`: of the labels that have come,
 * or as estimated before they come; when absent realised where the labels have come, else estimated.
 */
export function metric<const M extends { [T in Task]: MeasureName<T> }[Task]>(options: {
  readonly measure: M;
  readonly worseThan: number;
  readonly from?: "realised" | "estimated" | undefined;
}): MetricTrigger<M> {
  const { measure, worseThan, from } = fieldsOf("metric", options, ["measure", "worseThan", "from"]);
  return Object.freeze({
    when: "metric" as const,
    measure: text("metric: measure", measure) as M,
    worseThan: number("metric: worseThan", worseThan),
    ...(from === undefined ? {} : { from: oneOf("metric: from", from, ["realised", "estimated"]) }),
  });
}

function readRollout(at: string, given: unknown): Rollout {
  const { rollout, ...options } = fieldsOf(at, given, ["rollout", "steps", "hold"]);
  oneOf(`${at}: rollout`, rollout, ["canary"]);
  return canary(options as unknown as Parameters<typeof canary>[0]);
}

function readRetrain(at: string, given: unknown, serves: ModelDefinition): NonNullable<EndpointDefinition["retrain"]> {
  const fields = fieldsOf(at, given, ["when", "window", "cooldown"]);
  const when = list(`${at}.when`, fields.when).map((trigger, i) => readTrigger(`${at}.when[${i}]`, trigger, serves));
  if (when.length === 0)
    wrong(`${at}.when`, 'at least one of drift({ psi: 0.2 }), every("1w"), newRows(100_000) and metric({ ... })', fields.when);
  const window = fields.window === undefined ? undefined : duration(`${at}.window`, fields.window);
  const rows = serves.from.from;
  if (rows.time === undefined)
    throw timeMissing(`${at} over data set "${rows.name}"`, "drift, every, window and cooldown count the time of the data");
  const cooldown = fields.cooldown === undefined ? "1d" : duration(`${at}.cooldown`, fields.cooldown);
  return { when, ...(window === undefined ? {} : { window }), cooldown };
}

function readTrigger(at: string, given: unknown, serves: ModelDefinition): RetrainTrigger {
  const { when, ...options } = fieldsOf(at, given, ["when", "psi", "span", "count", "measure", "worseThan", "from"]);
  const word = oneOf(`${at}: when`, when, ["drift", "every", "newRows", "metric"]);
  return within(at, () => readers[word](options, at, serves));
}

type Reader = (options: Given, at: string, serves: ModelDefinition) => RetrainTrigger;

const readers: Readonly<Record<RetrainTrigger["when"], Reader>> = {
  drift: (options) => drift(options as { psi: number }),
  every: ({ span }) => every(span as Duration),
  newRows: ({ count }) => newRows(count as number),
  metric: readMetric,
};

function readMetric(options: Given, at: string, { solves: { task, gain } }: ModelDefinition): RetrainTrigger {
  const trigger = metric(options as unknown as Parameters<typeof metric>[0]);
  const { measure, worseThan, from } = trigger;
  const known = measureNames(task, gain);
  if (!known.includes(measure)) throw unknownMeasure(task, measure, known);
  const [least, greatest] = (MEASURES[task] as Readonly<Record<string, MeasureInfo>>)[measure]!.range ?? [0, 1];
  const inside = {
    ...(Number.isFinite(least) ? { above: least } : {}),
    ...(Number.isFinite(greatest) ? { below: greatest } : {}),
  };
  number(`${at}.worseThan`, worseThan, inside);
  if (from === "estimated" && !ESTIMATED[task].includes(measure))
    throw new MillError("define.bad-value", `${at}.from: the ${measure} of a ${task} is not estimated before labels come.`, {
      at: `${at}.from`,
      expected: ESTIMATED[task].length > 0 ? `"realised", or one of ${ESTIMATED[task].join(", ")}` : `"realised"`,
      got: `"estimated"`,
      fix: 'Leave `from` out, or write from: "realised".',
    });
  return trigger;
}

/** What calibrated probabilities tell of a day before its labels come. */
const ESTIMATED: Readonly<Record<Task, readonly string[]>> = {
  "binary-classification": ["auc", "logLoss", "brier", "accuracy", "precision", "recall", "f1", "gain"],
  "multiclass-classification": ["accuracy"],
  regression: [],
};
