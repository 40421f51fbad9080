/** How a trial's rows are cut: by the rule of the data set's own split, within the training part, so that a search never sees what judges the model. */
import { GROUP, TIME } from "../../features/index.ts";
import {
  type Fold,
  type Frame,
  groupKFold,
  kFold,
  stratifiedKFold,
  type TrainingData,
  timeSeriesSplit,
} from "../../learn/index.ts";

/** `time`: tests on what follows. `hash`: at random; rows of one entity, where there are any, on one side. */
export type SplitRule = "time" | "hash";

/** `share` of the rows are learnt from: by time the latest, else evenly drawn; those that are tested on are the same. Error: `learn.bad-split`. */
export function foldsOf(
  data: TrainingData & { readonly all: Frame },
  {
    split,
    folds,
    seed,
    share,
  }: { readonly split: SplitRule; readonly folds: number; readonly seed: number; readonly share: number },
): readonly Fold[] {
  const whole = split === "time" ? inTime(data, folds) : atRandom(data, folds, seed);
  return share === 1 ? whole : whole.map((fold) => ({ ...fold, train: fewer(fold.train, share, split) }));
}

/** Rows of the moment at which a test part begins are in no training part, as with the data set's own boundary. */
function inTime(data: TrainingData & { readonly all: Frame }, folds: number): readonly Fold[] {
  const times = numbersOf(data.all, TIME);
  return timeSeriesSplit({ folds, times })
    .split(data)
    .map(({ train, test }) => {
      const from = test.reduce((least, row) => Math.min(least, times[row]!), Infinity);
      return { train: train.filter((row) => times[row]! < from).sort((a, b) => times[a]! - times[b]! || a - b), test };
    });
}

function atRandom(data: TrainingData & { readonly all: Frame }, folds: number, seed: number): readonly Fold[] {
  if (GROUP in data.all.columns)
    return groupKFold({ folds, seed }).split({ ...data, groups: indicesOf(numbersOf(data.all, GROUP)) });
  return (data.task === "regression" ? kFold : stratifiedKFold)({ folds, seed }).split(data);
}

function fewer(rows: Int32Array, share: number, split: SplitRule): Int32Array {
  const count = Math.max(1, Math.round(rows.length * share));
  if (split === "time") return rows.slice(rows.length - count);
  return Int32Array.from({ length: count }, (_, at) => rows[Math.floor(((at + 0.5) * rows.length) / count)]!);
}

function numbersOf(frame: Frame, name: string): Float64Array {
  const column = frame.columns[name];
  return column?.kind === "number" ? column.values : new Float64Array(frame.rowCount);
}

function indicesOf(values: Float64Array): Int32Array {
  const places = new Map<number, number>();
  return Int32Array.from(values, (value) => {
    const place = places.get(value) ?? places.size;
    places.set(value, place);
    return place;
  });
}
