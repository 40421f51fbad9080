import { MillError } from "../base/index.ts";
import type { Requirement, Task } from "../contract/index.ts";
import {
  type AllColumns,
  type Columns,
  columnsRead,
  type Feature,
  type FeatureFields,
  type NeedsIn,
  type Node,
  type RequestRow,
} from "../express/index.ts";
import {
  type DatasetDefinition,
  type FeaturesDefinition,
  type Gain,
  KIND,
  type ModelDefinition,
  type ProblemDefinition,
} from "./definitions.ts";
import { BOOLEAN, type ExpectedTypes, expectType, namedNodes, rowNode } from "./expressions.ts";
import { type Measures, measures, requirements } from "./measures.ts";
import { callback, definitionName, definitionOf, fieldNames, fieldsOf, number, wrong } from "./options.ts";
import { readTrainer } from "./trainers.ts";
import type { FeaturesTypes, LabelOf, Model, Trainer, Typed } from "./typed.ts";

export interface ModelOptions<
  T extends Task,
  G extends Gain | undefined,
  D extends Columns,
  F extends FeatureFields,
  O extends string,
  M extends string,
> {
  readonly solves: Typed<"problem", { readonly task: T; readonly gain: G }>;
  readonly from: Typed<"features", FeaturesTypes<D, F, O, M>>;
  /** What is to be predicted: a boolean, a text with the class, or a number, by the problem's task. A null leaves the row out. */
  readonly label: (f: AllColumns<NoInfer<D>>) => LabelOf<NoInfer<T>>;
  readonly train: Trainer<NoInfer<T>>;
  /**
   * A yes is a probability of at least this, or where the gain on the test rows is greatest: the default where the problem states gain, else 0.5.
   * Binary classification only.
   */
  readonly threshold?: Threshold<NoInfer<T>, NoInfer<G>> | undefined;
  /** What must hold of the model before it serves. */
  readonly accept?: ((m: Measures<NoInfer<T>, NoInfer<G>>) => readonly Requirement[]) | undefined;
  /** The assessment is repeated for each value of these. */
  readonly slices?: ((f: AllColumns<NoInfer<D>>) => Readonly<Record<string, Feature>>) | undefined;
  /** Of every random choice in training: an integer from 0; default 1. */
  readonly seed?: number | undefined;
}

/** Where there is no such threshold, a sentence for the compiler to print. */
export type Threshold<T extends Task, G> = T extends "binary-classification"
  ? number | (G extends object ? "max-gain" : "max-gain needs a problem that states its gain")
  : "only a binary classification has a threshold";

/**
 * A model: the problem it solves, the features it looks at, what it is taught, how, and what must hold of it.
 * Errors: `define.*`, `express.*` and `learn.bad-parameter`, naming the field.
 */
export function model<
  const N extends string,
  T extends Task,
  G extends Gain | undefined,
  D extends Columns,
  F extends FeatureFields,
  O extends string,
  M extends string,
>(name: N, options: ModelOptions<T, G, D, F, O, M>): Model<N, T, RequestRow<D, NeedsIn<F[keyof F]>, M>, G>;
export function model(name: unknown, options: unknown): ModelDefinition {
  const at = `model "${definitionName("model", name)}"`;
  const given = fieldsOf(at, options, OPTIONS);
  const solves = definitionOf<ProblemDefinition>(`${at}: solves`, given.solves, "problem");
  const from = definitionOf<FeaturesDefinition>(`${at}: from`, given.from, "features");
  if (from.from.split === undefined) throw splitMissing(at, from.from);
  const label = readLabel(`${at}: label`, given.label, solves.task, from);
  return Object.freeze({
    [KIND]: "model" as const,
    name: name as string,
    solves,
    from,
    label,
    threshold: readThreshold(`${at}: threshold`, given.threshold, solves),
    train: readTrainer(`${at}: train`, given.train, solves.task, Object.keys(from.fields)),
    seed: given.seed === undefined ? 1 : number(`${at}: seed`, given.seed, { integer: true, atLeast: 0, atMost: 2 ** 32 - 1 }),
    slices: given.slices === undefined ? {} : readSlices(`${at}: slices`, given.slices, from.from),
    accept: given.accept === undefined ? [] : readAccept(`${at}: accept`, given.accept, solves),
  });
}

const OPTIONS = [
  "solves",
  "from",
  "label",
  "train",
  "threshold",
  "accept",
  "slices",
  "seed",
] as const satisfies readonly (keyof ModelOptions<Task, Gain, Columns, FeatureFields, string, string>)[];

const LABELS: Readonly<Record<Task, ExpectedTypes>> = {
  "binary-classification": { ...BOOLEAN, example: "f.delay.gt(15)" },
  "multiclass-classification": { what: "a text", types: ["string"], example: "f.species" },
  regression: { what: "a number", types: ["number"], example: "f.delay" },
};

function readLabel(at: string, given: unknown, task: Task, from: FeaturesDefinition): Node {
  const example = `(f) => ${LABELS[task].example}`;
  const node = rowNode(at, callback(at, given, example), from.from, LABELS[task]);
  if (columnsRead(node).size === 0) wrong(at, `an expression that reads a column, as in ${example}`, node);
  refuseLabelAsFeature(at, node, from);
  return node;
}

/**
 * A label over outcomes is guarded by when they are known. One without outcomes can be read off its columns when the prediction is asked for, so no
 * feature may read them: the model would be given the answer.
 */
function refuseLabelAsFeature(at: string, label: Node, from: FeaturesDefinition): void {
  const read = [...columnsRead(label)];
  if (read.some((name) => Object.hasOwn(from.from.outcomes, name))) return;
  for (const [field, node] of Object.entries(from.fields)) {
    const shared = read.find((name) => columnsRead(node).has(name));
    if (shared === undefined) continue;
    throw new MillError(
      "define.label-leak",
      `${at}: the feature "${field}" reads "${shared}", which the label is made of: the model would be given the answer.`,
      {
        at,
        expected: `features of "${from.name}" that do not read ${read.map((name) => `"${name}"`).join(" or ")}`,
        got: `"${field}", which reads "${shared}"`,
        fix: `Leave the feature out; or, if "${shared}" is known only later, say when in the data set's outcomes and aggregate it over earlier rows.`,
      },
    );
  }
}

function readThreshold(at: string, given: unknown, { task, gain }: ProblemDefinition): number | "max-gain" {
  if (given === undefined) return gain === undefined ? 0.5 : "max-gain";
  if (task !== "binary-classification")
    throw new MillError("define.bad-value", `${at}: a ${task} has no threshold.`, {
      at,
      expected: 'threshold only with task "binary-classification"',
      got: `threshold with task "${task}"`,
      fix: "Remove threshold.",
    });
  if (given !== "max-gain") return number(at, given, { atLeast: 0, atMost: 1 });
  if (gain !== undefined) return given;
  throw new MillError("define.bad-value", `${at}: "max-gain" needs a problem that states its gain.`, {
    at,
    expected: "a number from 0 to 1, or a problem with gain",
    got: '"max-gain" without gain',
    fix: "State what right and wrong decisions are worth in the problem: gain: { truePositive, falsePositive }.",
  });
}

const SLICE: ExpectedTypes = {
  what: "a number, a boolean or a text",
  types: ["number", "boolean", "string"],
  example: "f.date.weekday()",
};

function readSlices(at: string, given: unknown, rows: DatasetDefinition): Readonly<Record<string, Node>> {
  const slices = namedNodes(at, callback(at, given, "(f) => ({ weekday: f.date.weekday() })"), rows);
  fieldNames(at, Object.keys(slices));
  for (const [name, node] of Object.entries(slices)) expectType(`${at}.${name}`, node, rows, SLICE);
  return slices;
}

const readAccept = (at: string, given: unknown, { task, gain }: ProblemDefinition): readonly Requirement[] => {
  const run = callback(at, given, "(m) => [m.auc.atLeast(0.65)]");
  return requirements(at, "accept", () => run(measures(task, gain)));
};

function splitMissing(at: string, { name }: DatasetDefinition): MillError {
  return new MillError(
    "define.split-missing",
    `${at}: data set "${name}" does not say which rows test the model and which are held out.`,
    {
      at,
      expected: `a data set with split`,
      got: `data set "${name}" without it`,
      fix: "Add to the data set: split: byTime({ test: 0.15, holdout: 0.15 }), or byHash(...) where time does not matter.",
    },
  );
}
