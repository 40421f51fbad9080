/** `tune` and `automl`: trainers whose parameters, or whose very estimator, are chosen by measurement on the training part. */
import { MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { checkParams, estimatorNamed, measureNamed, measuresOf, type Params } from "../learn/index.ts";
import { AUTOML_AMONG, DEFAULT_SPACES } from "./default-spaces.ts";
import type { TrainerDefinition } from "./definitions.ts";
import { callback, fieldsOf, list, number, oneOf, text, within, wrong } from "./options.ts";
import { counts, type Dimension, type Point, readSpace, SPACE_WORDS, type Space, type SpaceOptions } from "./space.ts";
import type { Trainer } from "./typed.ts";

export const SAMPLERS = ["tpe", "sobol", "random", "grid"] as const;
export type SamplerName = (typeof SAMPLERS)[number];
export const PRUNERS = ["none", "median", "halving", "asha"] as const;
export type PrunerName = (typeof PRUNERS)[number];

/** A search in its normal form. */
export interface TuningDefinition {
  /** The estimators tried, each with the parameters that hold where the space says nothing. */
  readonly among: Readonly<Record<string, Params>>;
  /** Of one estimator its parameters; of several also `estimator`, and the parameters of each as `ESTIMATOR.parameter`. */
  readonly space: Space;
  /** Tried before anything else. */
  readonly start: readonly Point[];
  readonly trials: number;
  /** Trials of one generation: they are decided together, and can run at one time. */
  readonly parallel: number;
  readonly sampler: SamplerName;
  readonly pruner: PrunerName;
  readonly metric: string;
  readonly better: "higher" | "lower";
  readonly folds: number;
  /** It begins with what earlier searches of the model found. Absent: it does not. */
  readonly warmStart?: true;
}

export interface SearchOptions {
  /** Different points tried, at most: 1 to 10,000. Default 30; of automl 60. */
  readonly trials?: number | undefined;
  /** How the next point is found: by where the good ones were dense (tpe, the default), evenly (sobol), at random, or one after the other (grid, ranges in five values). */
  readonly sampler?: SamplerName | undefined;
  /** What is given up early: `median`, after a fold, what is worse than half of those before; `halving` and `asha`, on few rows first, all but the best third. Default none. */
  readonly pruner?: PrunerName | undefined;
  /** The measure that decides, by name; default logLoss, of regression rmse. */
  readonly metric?: string | undefined;
  /** Trials that are decided together, and can run at one time: 1 to 64. Default 4. The result depends on it, not on how many really ran at one time. */
  readonly parallel?: number | undefined;
  /** Parts of the training rows for cross-validation, in time where the data set is split by time: 2 to 20. Default 3. */
  readonly folds?: number | undefined;
  /**
   * Whether it begins with the best points of the earlier searches of this model (on older data, in another space, with another seed), and `tpe` with what they
   * tell. Default false: what is found then depends on what was searched for before.
   */
  readonly warmStart?: boolean | undefined;
}

export interface TuneOptions extends SearchOptions {
  /** Default: a space for the estimator that has served on many data sets. */
  readonly space?: SpaceOptions | undefined;
  /** Points to try first, as the best of an earlier search; default the trainer's own parameters. */
  readonly start?: readonly Point[] | undefined;
}

export interface AutomlOptions<T extends Task> extends SearchOptions {
  /** The trainers to choose among; default one of each family. */
  readonly among?: readonly Trainer<T>[] | undefined;
}

/** The trainer with the best of the parameters tried; refitted on the whole training part. Errors: `define.*`, `learn.bad-parameter`, `learn.unknown-measure`. */
export function tune<T extends Task>(learns: Trainer<T>, options: TuneOptions = {}): Trainer<T> {
  const { estimator, params, ...around } = ours("tune", learns as TrainerDefinition);
  const { space, start, ...search } = fieldsOf("tune", options, ["space", "start", ...SEARCH]);
  const words =
    space === undefined ? undefined : callback("tune: space", space, "(s) => ({ learningRate: s.logUniform(0.01, 0.3) })");
  const said = words === undefined ? (DEFAULT_SPACES[estimator] ?? {}) : within("tune: space", () => words(SPACE_WORDS));
  const made = readSpace("tune: space", said, estimatorNamed(estimator), params);
  const tuning = { among: { [estimator]: params }, space: made, ...(start !== undefined && { start }), ...search };
  return Object.freeze({ ...around, estimator, params, tuning: readTuning("tune", tuning) }) as unknown as Trainer<T>;
}

/** The trainer that measures best among several, each searched in its default space. Errors: as `tune`. */
export function automl<T extends Task>(options: AutomlOptions<T> = {}): Trainer<T> {
  const { among, ...search } = fieldsOf("automl", options, ["among", ...SEARCH]);
  const given =
    among === undefined ? undefined : list("automl: among", among).map((one) => plainTrainer(one as TrainerDefinition));
  return Object.freeze({ automl: { ...(given && { among: Object.fromEntries(given) }), ...search } }) as unknown as Trainer<T>;
}

/** A trial of a script would be another step than a trial is. */
function ours(at: string, given: TrainerDefinition): TrainerDefinition {
  if (given.python === undefined) return given;
  throw new MillError("define.bad-value", `${at}: a Python script cannot be searched for.`, {
    at,
    expected: "a trainer of Millwright's own, as gradientBoosting()",
    got: `python({ script: "${given.python.script}" })`,
    fix: "Search in the script, which logs its trials to tracking; or define a model for each choice and compare them: mill leaderboard PROBLEM.",
  });
}

function plainTrainer(given: TrainerDefinition): [string, Params] {
  const { estimator, params } = fieldsOf("automl: among", ours("automl: among", given), ["estimator", "params"]);
  return [text("automl: among", estimator), params as Params];
}

const SEARCH = [
  "trials",
  "sampler",
  "pruner",
  "metric",
  "parallel",
  "folds",
  "warmStart",
] as const satisfies readonly (keyof SearchOptions)[];

/** The search that `automl` stands for, now that the task is known; its first trial of each estimator has its defaults. */
export function automlTuning(at: string, given: unknown, task: Task): TuningDefinition {
  const { among = Object.fromEntries(AUTOML_AMONG[task].map((name) => [name, {}])), ...search } = fieldsOf(at, given, [
    "among",
    ...SEARCH,
  ]);
  const names = Object.keys(among as object);
  if (names.length === 0) wrong(`${at}: among`, "at least one trainer", among);
  const inner = names.flatMap((name) =>
    Object.entries(DEFAULT_SPACES[name] ?? {}).map(([param, dimension]): [string, Dimension] => [
      `${name}.${param}`,
      { ...dimension, when: { name: "estimator", is: [name] } },
    ]),
  );
  const space = { estimator: { kind: "choice" as const, values: names }, ...Object.fromEntries(inner) };
  return readTuning(at, { trials: 60, among, space, ...search });
}

/** Complete but for the measure, which the task decides. */
export function readTuning(at: string, given: unknown): TuningDefinition {
  const fields = fieldsOf(at, given, ["among", "space", "start", "better", ...SEARCH]);
  const { trials = 30, parallel = 4, sampler = "tpe", pruner = "none", folds = 3, warmStart = false, metric, better } = fields;
  const among = Object.fromEntries(
    Object.entries(fields.among as Record<string, Params>).map(([name, own]) => [name, completed(name, own)]),
  );
  const space = readSpaces(`${at}: space`, fields.space as Space, among);
  if (sampler === "sobol" && Object.keys(space).length > SOBOL_DIMENSIONS_MAX)
    wrong(`${at}: space`, `at most ${SOBOL_DIMENSIONS_MAX} dimensions with the sampler "sobol"`, Object.keys(space).length);
  return Object.freeze({
    among,
    space,
    start:
      fields.start === undefined
        ? startOf(space, among)
        : list(`${at}: start`, fields.start).map((point) => readPoint(`${at}: start`, point, space, among)),
    trials: number(`${at}: trials`, trials, { integer: true, atLeast: 1, atMost: 10_000 }),
    parallel: number(`${at}: parallel`, parallel, { integer: true, atLeast: 1, atMost: 64 }),
    sampler: oneOf(`${at}: sampler`, sampler, SAMPLERS),
    pruner: oneOf(`${at}: pruner`, pruner, PRUNERS),
    ...({ metric, better } as { metric: string; better: "higher" | "lower" }),
    folds: number(`${at}: folds`, folds, { integer: true, atLeast: 2, atMost: 20 }),
    ...(isTrue(`${at}: warmStart`, warmStart) && { warmStart: true as const }),
  });
}

const isTrue = (at: string, given: unknown): boolean => (typeof given === "boolean" ? given : wrong(at, "true or false", given));

/** As far as the table of direction numbers goes. */
export const SOBOL_DIMENSIONS_MAX = 64;

/** With the measure: the one named, else the task's usual one. Error: `learn.unknown-measure`. */
export function withMeasure(tuning: TuningDefinition, task: Task): TuningDefinition {
  const measure = tuning.metric === undefined ? measuresOf(task)[0]! : measureNamed(task, tuning.metric);
  return Object.freeze({ ...tuning, metric: measure.name, better: measure.better });
}

/** The estimator and the parameters that a point stands for. */
export function trainerAt(
  { among }: Pick<TuningDefinition, "among">,
  point: Point,
): Pick<TrainerDefinition, "estimator" | "params"> {
  const estimator = (point.estimator as string | undefined) ?? Object.keys(among)[0]!;
  const own = Object.entries(point).filter(([name]) => name !== "estimator");
  const params = own.map(([name, value]) => [name.slice(name.indexOf(".") + 1), value] as const);
  return { estimator, params: { ...among[estimator]!, ...Object.fromEntries(params) } };
}

function completed(name: string, params: Params): Params {
  const checked = checkParams(estimatorNamed(name), params);
  if (!checked.ok) throw checked.error;
  return checked.params;
}

/** Of one estimator its parameters; where the estimator is a dimension too, each one's under its own name. */
function readSpaces(at: string, given: Space, among: TuningDefinition["among"]): Space {
  const isAutoml = Object.hasOwn(given, "estimator");
  for (const [name, fixed] of Object.entries(among)) {
    const own = Object.entries(given).filter(([dimension]) => dimension.startsWith(`${name}.`));
    const bare = own.map(([dimension, { when, ...rest }]) => [dimension.slice(name.length + 1), rest]);
    readSpace(at, isAutoml ? Object.fromEntries(bare) : given, estimatorNamed(name), fixed);
  }
  return given;
}

/** The trainer's own parameters, as near as the space has them; of several estimators each one's. */
function startOf(space: Space, among: TuningDefinition["among"]): readonly Point[] {
  return Object.entries(among).map(([name, params]) => {
    const point: Record<string, Point[string]> = {};
    for (const [dimension, values] of Object.entries(space)) {
      if (!counts(values, point)) continue;
      const own = dimension === "estimator" ? name : params[dimension.slice(dimension.indexOf(".") + 1)]!;
      point[dimension] = nearest(values, own);
    }
    return point;
  });
}

const nearest = (dimension: Dimension, value: Point[string]): Point[string] =>
  dimension.kind === "choice"
    ? dimension.values.includes(value)
      ? value
      : dimension.values[0]!
    : Math.min(Math.max(value as number, dimension.from), dimension.to);

function readPoint(at: string, given: unknown, space: Space, among: TuningDefinition["among"]): Point {
  const point = fieldsOf(at, given, Object.keys(space)) as Point;
  for (const [name, dimension] of Object.entries(space)) {
    if (!counts(dimension, point)) continue;
    if (point[name] === undefined || nearest(dimension, point[name]) !== point[name])
      wrong(`${at}: ${name}`, "a value of the space", point[name]);
  }
  const { estimator, params } = trainerAt({ among }, point);
  completed(estimator, params);
  return point;
}
