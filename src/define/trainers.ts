import { didYouMean, MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { type Columns, checkParams, estimatorNamed, type Params, transformerNamed } from "../learn/index.ts";
import type { Calibration, PipelineStep, TrainerDefinition, TransformerDefinition } from "./definitions.ts";
import { fieldsOf, type Given, list, number, oneOf, record, text, wrong } from "./options.ts";
import { readPython } from "./python.ts";
import { automlTuning, readTuning, type TuningDefinition, withMeasure } from "./tuning.ts";
import type { Trainer, Transform } from "./typed.ts";

/** The parameters complete: defaults are filled in here, so that the key of a training step names every one of them. */
export function trainer<T extends Task>(estimator: string, given: unknown): Trainer<T> {
  return Object.freeze({ estimator, params: complete(estimatorNamed(estimator), given) }) as unknown as Trainer<T>;
}

/** The word of a transformer; columns are one name, several, or all of a kind. */
export function transform(use: string, columns: unknown, given: unknown): Transform {
  const transformer = transformerNamed(use);
  return Object.freeze({ use, columns: readColumns(use, columns), params: complete(transformer, given) }) as unknown as Transform;
}

/**
 * A trainer that learns from what the steps make of the features. Each step sees what the step before it made; the transformers of a list stand side by side, on
 * columns of their own. What no step selects reaches the trainer as it is.
 */
export function pipeline<T extends Task>(steps: readonly (Transform | readonly Transform[])[], learns: Trainer<T>): Trainer<T> {
  const { steps: own = [], ...trained } = learns as TrainerDefinition;
  return Object.freeze({ ...trained, steps: [...readSteps("pipeline", steps), ...own] }) as unknown as Trainer<T>;
}

export interface CalibratedOptions {
  /** A curve of two numbers, for few rows; or any rising one, for a thousand rows and more. Default "platt". */
  readonly method?: "platt" | "isotonic" | undefined;
  /** Parts of the rows: what is said of each is compared with what happened by a model that has not seen it. 2 to 100. Default 5. */
  readonly folds?: number | undefined;
}

/** A classifier whose probabilities come true as often as they say, at the price of a training for each fold. */
export function calibrated<T extends Exclude<Task, "regression">>(
  learns: Trainer<T>,
  options: CalibratedOptions = {},
): Trainer<T> {
  return Object.freeze({
    ...(learns as TrainerDefinition),
    calibration: readCalibration("calibrated", options),
  }) as unknown as Trainer<T>;
}

function readCalibration(at: string, given: unknown): Calibration {
  const { method = "platt", folds = 5 } = fieldsOf(at, given, ["method", "folds"]);
  return Object.freeze({
    method: oneOf(`${at}: method`, method, ["platt", "isotonic"]),
    folds: number(`${at}: folds`, folds, { integer: true, atLeast: 2, atMost: 100 }),
  });
}

/** The trainer of a model, checked against the task it is to learn and the features that there are. */
export function readTrainer(at: string, given: unknown, task: Task, features: readonly string[]): TrainerDefinition {
  const fields = fieldsOf(at, given, ["estimator", "params", "steps", "calibration", "tuning", "automl", "python"]);
  if (fields.python !== undefined) return readPython(at, fields);
  const tuning = searchOf(at, fields, task);
  const name = tuning === undefined ? text(`${at}: estimator`, fields.estimator) : Object.keys(tuning.among)[0]!;
  for (const one of tuning === undefined ? [name] : Object.keys(tuning.among)) requireTask(at, one, task);
  const steps = fields.steps === undefined ? undefined : readSteps(at, fields.steps);
  for (const { columns } of steps?.[0] ?? []) if (typeof columns !== "string") checkFeatures(at, columns, features);
  return Object.freeze({
    estimator: estimatorNamed(name).name,
    params: tuning === undefined ? trainer(name, fields.params).params : tuning.among[name]!,
    ...(steps && { steps }),
    ...(fields.calibration === undefined ? {} : { calibration: readCalibration(`${at}: calibration`, fields.calibration) }),
    ...(tuning && { tuning: withMeasure(tuning, task) }),
  });
}

function searchOf(at: string, { tuning, automl }: Given, task: Task): TuningDefinition | undefined {
  if (automl !== undefined) return automlTuning(`${at}: automl`, automl, task);
  return tuning === undefined ? undefined : readTuning(`${at}: tuning`, tuning);
}

function requireTask(at: string, estimator: string, task: Task): void {
  const { name, tags } = estimatorNamed(estimator);
  if (tags.tasks.includes(task)) return;
  throw new MillError("define.wrong-trainer", `${at}: ${name} cannot learn a ${task}.`, {
    at,
    expected: `a trainer for ${task}`,
    got: `${name}, for ${tags.tasks.join(" and ")}`,
    fix: "Use gradientBoosting(), or another trainer that learns the problem's task.",
  });
}

function readSteps(at: string, given: unknown): readonly PipelineStep[] {
  return Object.freeze(
    list(`${at}: steps`, given).map((step) =>
      Object.freeze(
        [step].flat().map((one): TransformerDefinition => {
          const { use, columns, params } = fieldsOf(`${at}: steps`, one, ["use", "columns", "params"]);
          return transform(text(`${at}: use`, use), columns, params);
        }),
      ),
    ),
  );
}

const KINDS = ["all", "numbers", "texts"];

function readColumns(use: string, given: unknown): Columns {
  if (typeof given === "string") return KINDS.includes(given) ? (given as Columns) : Object.freeze([given]);
  const isList = Array.isArray(given) && given.length > 0 && given.every((name) => typeof name === "string");
  return isList ? Object.freeze([...(given as string[])]) : wrong(use, '"all", "numbers", "texts", or names of columns', given);
}

/** Later steps may select what earlier ones made: training checks those. */
function checkFeatures(at: string, columns: readonly string[], features: readonly string[]): void {
  const unknown = columns.find((name) => !features.includes(name));
  if (unknown === undefined) return;
  throw new MillError("define.unknown-column", `${at}: there is no feature "${unknown}".${didYouMean(unknown, features)}`, {
    at,
    expected: features.join(", "),
    got: unknown,
    fix: "Select a feature of the model by its name.",
  });
}

function complete(described: Parameters<typeof checkParams>[0], given: unknown): Params {
  const stated = Object.entries(record(described.name, given)).filter(([, value]) => value !== undefined);
  const checked = checkParams(described, Object.fromEntries(stated) as Params);
  if (!checked.ok) throw checked.error;
  return checked.params;
}
