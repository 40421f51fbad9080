/** How a transformer is written: what it learns of the columns as records, and the parts that follow from them. */
import type { Json } from "../../base/index.ts";
import { throwIfCancelled } from "../crew/crew.ts";
import { type Estimator, type FitContext, type Params, type TrainingData, usualTags } from "../estimator.ts";
import type { NumberColumn, TextColumn } from "../frame.ts";
import { badModel } from "../packed.ts";
import { completeParams } from "../params.ts";
import { checkTrainingData } from "../training-data.ts";
import type { FittedTransform, Transformer } from "../transformer.ts";
import { createTransform } from "./fitted.ts";
import type { Part } from "./part.ts";
import { type Fields, type RecordOf, readRecords } from "./records.ts";

export interface DefinedTransformer extends Transformer {
  /** The way back from `toJson`. Error: `learn.bad-model`. */
  read(json: Readonly<Record<string, unknown>>): FittedTransform;
}

interface Definition<F extends Fields> extends Omit<Transformer, "fit"> {
  readonly fields: F;
  /** Called with checked data and complete parameters. */
  learn(data: TrainingData, params: Params, context: FitContext): Promise<Learnt<F>>;
  partsOf(records: readonly RecordOf<F>[]): readonly Part[];
  /** Whether a record that was read hangs together. */
  isSound?(record: RecordOf<F>): boolean;
}

export interface Learnt<F extends Fields> {
  readonly records: readonly RecordOf<F>[];
  /** As `FittedTransform.trained`, a column for each output. */
  readonly trained?: readonly Float64Array[];
}

export function defineTransformer<const F extends Fields>(definition: Definition<F>): DefinedTransformer {
  const { fields, learn, partsOf, isSound = () => true, ...transformer } = definition;
  const { name } = transformer;
  const create = (records: readonly RecordOf<F>[], trained?: readonly Float64Array[]) =>
    createTransform(name, partsOf(records), records as unknown as Json, trained);
  const defined: DefinedTransformer = {
    ...transformer,
    async fit(data, given, context) {
      const params = completeParams(defined, given);
      checkTransformed(defined, data);
      throwIfCancelled(context.signal);
      const { records, trained } = await learn(data, params, context);
      return create(records, trained);
    },
    read({ columns }) {
      const records = readRecords(columns, fields);
      if (records.length === 0 || !records.every(isSound)) throw badModel(`what its transform "${name}" learnt is incomplete`);
      return create(records);
    },
  };
  return defined;
}

/** What an estimator would refuse with the same tags; labels are looked at by those alone that need them. */
export function checkTransformed(
  { name, tags }: Transformer,
  data: TrainingData,
  options?: Parameters<typeof checkTrainingData>[2],
): void {
  const labelled = ["binary-classification", "multiclass-classification", "regression", "ranking"] as const;
  const as = {
    name,
    tags: {
      ...usualTags,
      tasks: tags.supervised ? labelled : (["clustering"] as const),
      missing: tags.missing,
      text: tags.takes !== "numbers",
      numbers: tags.takes !== "texts",
      weights: tags.weights,
    },
  } satisfies Partial<Estimator>;
  checkTrainingData(as as unknown as Estimator, tags.supervised ? data : { ...data, task: "clustering" }, options);
}

/** Says how far a column is, and lets other work of the event loop, such as a cancel, come between. */
export type Breathe = (done: number, total: number) => Promise<void>;

/** A record for each column in turn, with progress and pauses. */
export async function eachColumn<R>(
  { X }: TrainingData,
  context: FitContext,
  learnColumn: (name: string, column: NumberColumn | TextColumn, breathe: Breathe) => R | Promise<R>,
): Promise<R[]> {
  const entries = Object.entries(X.columns);
  const records: R[] = [];
  for (const [index, [name, column]] of entries.entries()) {
    const breathe: Breathe = async (done, total) => {
      context.progress(index + done / total, entries.length);
      await new Promise((resolve) => setImmediate(resolve));
      throwIfCancelled(context.signal);
    };
    records.push(await learnColumn(name, column, breathe));
    await breathe(1, 1);
  }
  return records;
}
