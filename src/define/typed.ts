/** What the compiler knows of a definition beyond its normal form. Phantoms: none of it exists at run time. */
import type { Task } from "../contract/index.ts";
import type { Columns, Expression, FeatureFields, FeatureValue } from "../express/index.ts";
import type {
  DatasetDefinition,
  EndpointDefinition,
  FeaturesDefinition,
  Gain,
  KIND,
  Kind,
  ModelDefinition,
  ProblemDefinition,
  TrainerDefinition,
  TransformerDefinition,
} from "./definitions.ts";

declare const KNOWN: unique symbol;
/** A definition of kind `K` of which the compiler knows `T`. */
export interface Typed<out K extends Kind, out T> {
  readonly [KIND]: K;
  readonly [KNOWN]: T;
}

/** `G`: the gain that it states, or undefined. */
export interface Problem<out T extends Task, out G extends Gain | undefined>
  extends ProblemDefinition,
    Typed<"problem", { readonly task: T; readonly gain: G }> {
  readonly [KIND]: "problem";
  readonly task: T;
}

/** `D`: the columns as written, `O`: the names of the outcomes, `T`: the name of the time column. */
export interface DatasetTypes<out D extends Columns, out O extends string, out T extends string> {
  readonly columns: D;
  readonly outcomes: O;
  readonly time: T;
}
export interface Dataset<out N extends string, out D extends Columns, out O extends string = never, out T extends string = never>
  extends DatasetDefinition,
    Typed<"dataset", DatasetTypes<D, O, T>> {
  readonly [KIND]: "dataset";
  readonly name: N;
}

export interface FeaturesTypes<out D extends Columns, out F extends FeatureFields, out O extends string, out T extends string>
  extends DatasetTypes<D, O, T> {
  readonly fields: F;
}
export interface Features<
  out N extends string,
  out D extends Columns,
  out F extends FeatureFields,
  out O extends string = never,
  out T extends string = never,
> extends FeaturesDefinition,
    Typed<"features", FeaturesTypes<D, F, O, T>> {
  readonly [KIND]: "features";
  readonly name: N;
}

/** The row that a model sees: `FeatureRow<typeof departures>`. */
export type FeatureRow<G> =
  G extends Typed<"features", { readonly fields: infer F }> ? { [K in keyof F]: FeatureValue<F[K]> } : never;

declare const LEARNS: unique symbol;
/** How a model is trained; `T`: the tasks it can learn. */
export interface Trainer<in T extends Task> extends TrainerDefinition {
  readonly [LEARNS]: (task: T) => void;
}

declare const MAKES: unique symbol;
/** One transformer of a pipeline, with the columns that it takes. */
export interface Transform extends TransformerDefinition {
  readonly [MAKES]: true;
}

/** What a model of each task is taught. */
export interface LabelKinds {
  readonly "binary-classification": "a boolean";
  readonly "multiclass-classification": "a text";
  readonly regression: "a number";
}
export type LabelOf<T extends Task> = Expression<LabelKinds[T]>;

export interface ModelTypes<out T extends Task, out R, out G extends Gain | undefined = Gain | undefined> {
  readonly task: T;
  readonly request: R;
  readonly gain: G;
}
/** `R`: the row that a prediction is asked with; `G`: the gain that its problem states, or undefined. */
export interface Model<out N extends string, out T extends Task, out R, out G extends Gain | undefined = Gain | undefined>
  extends ModelDefinition,
    Typed<"model", ModelTypes<T, R, G>> {
  readonly [KIND]: "model";
  readonly name: N;
}
export interface Endpoint<out N extends string, out T extends Task, out R>
  extends EndpointDefinition,
    Typed<"endpoint", ModelTypes<T, R>> {
  readonly [KIND]: "endpoint";
  readonly name: N;
}
