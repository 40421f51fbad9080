import type { Duration } from "../base/index.ts";
import { MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { timeMissing } from "./dataset.ts";
import { type EndpointDefinition, KIND, type ModelDefinition, type RetrainTrigger } from "./definitions.ts";
import { definitionName, definitionOf, duration, fieldsOf, list, number, oneOf, wrong } from "./options.ts";
import type { Endpoint, ModelTypes, Typed } from "./typed.ts";

export type Rollout = NonNullable<EndpointDefinition["rollout"]>;

export interface EndpointOptions<T extends Task, R> {
  readonly serves: Typed<"model", ModelTypes<T, R>>;
  /** How a new version comes to serve; at once when absent. */
  readonly rollout?: Rollout | undefined;
  /** When a new version is trained, and over which span of the newest data (all of it when absent). */
  readonly retrain?: { readonly when: readonly RetrainTrigger[]; readonly window?: Duration | undefined } | undefined;
}

/** Where a model answers: `POST /v1/endpoints/NAME/predict`. Errors: `define.*` and `value.duration`, naming the field. */
export function endpoint<const N extends string, T extends Task, R>(name: N, options: EndpointOptions<T, R>): Endpoint<N, T, R>;
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

function readRollout(at: string, given: unknown): Rollout {
  const { rollout, ...options } = fieldsOf(at, given, ["rollout", "steps", "hold"]);
  oneOf(`${at}: rollout`, rollout, ["canary"]);
  return canary(options as unknown as Parameters<typeof canary>[0]);
}

function readRetrain(at: string, given: unknown, serves: ModelDefinition): NonNullable<EndpointDefinition["retrain"]> {
  const fields = fieldsOf(at, given, ["when", "window"]);
  const when = list(`${at}.when`, fields.when).map((trigger, i) => readTrigger(`${at}.when[${i}]`, trigger));
  if (when.length === 0) wrong(`${at}.when`, 'at least one of drift({ psi: 0.2 }) and every("1w")', fields.when);
  const window = fields.window === undefined ? undefined : duration(`${at}.window`, fields.window);
  const rows = serves.from.from;
  if (rows.time === undefined)
    throw timeMissing(`${at} over data set "${rows.name}"`, "drift, every and window count the time of the data");
  return { when, ...(window === undefined ? {} : { window }) };
}

function readTrigger(at: string, given: unknown): RetrainTrigger {
  const { when, ...options } = fieldsOf(at, given, ["when", "psi", "span"]);
  if (oneOf(`${at}: when`, when, ["drift", "every"]) === "every") return every(options.span as Duration);
  return drift(options as { psi: number });
}
