/**
 * Transformers and an estimator as one estimator, from raw columns to predictions. Each step sees what the steps before it made; in a step, transformers stand side
 * by side on columns of their own.
 */
import { throwIfCancelled } from "../crew/crew.ts";
import type { Estimator, FitContext, ParamSpec, Params, Predictor, Tags, TrainingData } from "../estimator.ts";
import type { InputColumn } from "../inputs.ts";
import { completeParams } from "../params.ts";
import { badColumn, checkTrainingData } from "../training-data.ts";
import type { FittedTransform } from "../transformer.ts";
import { PIPELINE, pipelinePredictor } from "./predictor.ts";
import {
  branchData,
  type FittedStep,
  framePart,
  joinStep,
  type PlannedBranch,
  planSteps,
  type Step,
  selectColumns,
} from "./steps.ts";

export interface PipelineOptions {
  /** Of the estimator. */
  readonly params?: Params;
  /** What happens to raw columns that no step selects: the model gets them (default), does not, or `learn.bad-column` names them. */
  readonly rest?: "pass" | "drop" | "refuse";
}

/**
 * Its parameters are those of its parts, `one-hot.countMin` and `logistic-regression.l2`, with what is given here as defaults.
 * Errors here: `learn.unknown-transformer`, `learn.bad-parameter`; of `fit`, beside those of the parts: `learn.bad-column` for a column that a step names and that
 * is absent, that two transformers of a step select, or whose name two columns would have.
 */
export function pipeline(
  steps: readonly Step[],
  estimator: Estimator,
  { params = {}, rest = "pass" }: PipelineOptions = {},
): Estimator {
  const planned = planSteps(steps);
  const branches = planned.flat();
  const made: Estimator = {
    name: PIPELINE,
    revision: [...branches.map(({ transformer }) => transformer), estimator].reduce((sum, { revision }) => sum + revision, 0),
    about: [...branches.map(({ title }) => title), estimator.name].join(", then "),
    params: Object.assign(
      {},
      ...branches.map(({ title, transformer, params: given }) => prefixed(title, transformer.params, given)),
      prefixed(estimator.name, estimator.params, completeParams(estimator, params)),
    ),
    tags: tagsOf(planned, estimator.tags),
    async fit(data, given, context) {
      const complete = completeParams(made, given);
      checkTrainingData(made, data);
      const fitted = await fitSteps(planned, data, complete, rest, context);
      const model = await estimator.fit(fitted.data, partOf(complete, estimator.name), share(context, fitted.parts, MODEL_PARTS));
      return pipelinePredictor(rawInputs(data, fitted.steps, model), fitted.steps, model);
    },
  };
  return made;
}

/** Of the progress, in transforms. */
const MODEL_PARTS = 10;

function prefixed(title: string, specs: Readonly<Record<string, ParamSpec>>, given: Params): Record<string, ParamSpec> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [`${title}.${name}`, { ...spec, default: given[name] } as ParamSpec]),
  );
}

const partOf = (params: Params, title: string): Params =>
  Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) =>
      name.startsWith(`${title}.`) ? [[name.slice(title.length + 1), value] as const] : [],
    ),
  );

/** The progress of part `first` and the `length` - 1 behind it, as a share of all. */
function share({ start: _, ...context }: FitContext, { first, all }: { first: number; all: number }, length = 1): FitContext {
  return { ...context, progress: (done, total, note) => context.progress(first + (length * done) / total, all, note) };
}

async function fitSteps(
  planned: readonly (readonly PlannedBranch[])[],
  raw: TrainingData,
  params: Params,
  rest: "pass" | "drop" | "refuse",
  context: FitContext,
): Promise<{ steps: FittedStep[]; data: TrainingData; parts: { first: number; all: number } }> {
  const steps: FittedStep[] = [];
  const untouched = new Set(Object.keys(raw.X.columns));
  const all = planned.flat().length + MODEL_PARTS;
  let data = raw;
  let first = 0;
  for (const branches of planned) {
    const selected = selectColumns(branches, data.X);
    const transforms: FittedTransform[] = [];
    for (const [index, branch] of branches.entries()) {
      throwIfCancelled(context.signal);
      const part = { first: first++, all };
      const names = selected[index]!;
      for (const name of names) untouched.delete(name);
      if (names.length === 0) continue;
      const given = branchData(data, branch, names);
      transforms.push(await branch.transformer.fit(given, partOf(params, branch.title), share(context, part)));
    }
    const passing = Object.keys(data.X.columns).filter((name) => !selected.flat().includes(name));
    const step = { transforms, rest: passing };
    const made = transforms.map((transform) => transform.trained ?? transform.transform(data.X));
    data = { ...data, X: joinStep(step, data.X, made) };
    steps.push(step);
  }
  if (rest !== "pass" && untouched.size > 0) {
    if (rest === "refuse") throw unselected([...untouched]);
    const kept = Object.keys(data.X.columns).filter((name) => !untouched.has(name));
    steps.push({ transforms: [], rest: kept });
    data = { ...data, X: framePart(data.X, kept) };
  }
  return { steps, data, parts: { first, all } };
}

const unselected = (names: readonly string[]) =>
  badColumn(
    names.join('", "'),
    "each column in a step",
    "no step that selects it",
    'Select it in a step, or let it pass with `rest: "pass"`.',
  );

/** The raw columns; of texts those that the first reader knows. */
function rawInputs({ X }: TrainingData, steps: readonly FittedStep[], model: Predictor): InputColumn[] {
  const readers = [...steps.map(({ transforms, rest }) => ({ inputs: transforms.flatMap((each) => each.inputs), rest })), model];
  return Object.entries(X.columns).map(([name, { kind }]): InputColumn => {
    if (kind === "number") return { name, texts: null };
    for (const reader of readers) {
      const found = reader.inputs.find((input) => input.name === name);
      if (found !== undefined) return found;
      if ("rest" in reader && !reader.rest.includes(name)) break;
    }
    return { name, texts: [] };
  });
}

/** What the pipeline takes: whatever its steps turn into what the estimator takes. Columns selected by name may be any, so they count as untouched. */
function tagsOf(planned: readonly (readonly PlannedBranch[])[], tags: Tags): Tags {
  let numbers = { isThere: true, mayMiss: true };
  let texts = { isThere: true, mayMiss: true };
  let [takesMissing, areNumbersMade] = [true, false];
  for (const branches of planned) {
    const whole = (kind: "numbers" | "texts") =>
      branches.find(({ columns }) => columns === kind || columns === "all")?.transformer.tags;
    const through = (kind: "numbers" | "texts", given: typeof numbers) => {
      const by = whole(kind);
      if (by === undefined) return given;
      if (kind === "numbers") areNumbersMade = true;
      if (given.isThere && given.mayMiss && !by.missing) takesMissing = false;
      return { isThere: given.isThere, mayMiss: given.mayMiss && !by.fills };
    };
    const [nextNumbers, nextTexts] = [through("numbers", numbers), through("texts", texts)];
    const areTextsNumbers = whole("texts")?.gives === "numbers";
    numbers = {
      isThere: nextNumbers.isThere,
      mayMiss: nextNumbers.mayMiss || (areTextsNumbers && nextTexts.isThere && nextTexts.mayMiss),
    };
    texts = areTextsNumbers ? { isThere: false, mayMiss: false } : nextTexts;
  }
  const isFilled = !numbers.mayMiss && !(texts.isThere && texts.mayMiss);
  return {
    ...tags,
    missing: takesMissing && (tags.missing || isFilled),
    text: tags.text || !texts.isThere,
    negative: tags.negative || areNumbersMade,
    warmStart: false,
    partialFit: false,
  };
}
