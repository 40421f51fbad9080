import type { Json } from "../base/index.ts";
import type { GraphBuilder, OnnxProfile } from "../onnx/index.ts";
import type { EdgeValues } from "./edge-rows.ts";
import type { FitContext, ParamSpecs, Params, TrainingData } from "./estimator.ts";
import type { Frame } from "./frame.ts";
import type { FeatureRow, InputColumn } from "./inputs.ts";

/** What a transformer takes, needs and gives; shared code asks the tags, never the name. */
export interface TransformerTags {
  readonly takes: "numbers" | "texts" | "both";
  /** Accepts missing values; else one is `learn.bad-column`. */
  readonly missing: boolean;
  /** Needs labels, as target encoding and selection do. */
  readonly supervised: boolean;
  readonly weights: boolean;
  /** Kinds of its output columns: numbers alone, or each as its input is. */
  readonly gives: "numbers" | "same";
  /** Its outputs have no missing value, whatever its inputs have. */
  readonly fills: boolean;
  /** Whether a graph can say it, with some parameters at least; else `addTo` is `onnx.unsupported`. `numbers`: of number columns alone. */
  readonly onnx: boolean | "numbers";
}

/** Learns how to make other columns of columns. Errors of `fit`: as an estimator's. */
export interface Transformer {
  readonly name: string;
  /** Raised when the output of `fit` changes for the same input; a golden test forces it. */
  readonly revision: number;
  readonly about: string;
  readonly params: ParamSpecs;
  readonly tags: TransformerTags;
  /** `X` holds the columns to transform and no others; labels only where the tags ask for them. */
  fit(data: TrainingData, params: Params, context: FitContext): Promise<FittedTransform>;
}

export interface FittedTransform {
  readonly transformer: string;
  readonly inputs: readonly InputColumn[];
  readonly outputs: readonly OutputColumn[];
  /** The output columns, and no others. Error: `learn.bad-column` when an input is absent or of the other kind. */
  transform(X: Frame): Frame;
  /** What the training rows become: differs from `transform` only where their own labels must not reach them (cross-fitting). */
  readonly trained?: Frame;
  /** A function for one row; the same values as `transform`, bit for bit. Missing is null. */
  rowTransformer(): (row: FeatureRow) => FeatureRow;
  /** Adds the transform to a graph: `tensors` are its inputs by name, [N, 1] of doubles or strings; returns the outputs likewise. */
  addTo(graph: GraphBuilder, tensors: Readonly<Record<string, string>>, profile: OnnxProfile): Readonly<Record<string, string>>;
  /** For each input the values where its outputs jump, missing and unseen among them; and those that become the edges of what reads the outputs. */
  edges(next?: readonly EdgeValues[]): readonly EdgeValues[];
  toJson(): Json;
}

export interface OutputColumn {
  readonly name: string;
  readonly kind: "number" | "text";
  /** The inputs that it is made of. */
  readonly of: readonly string[];
}
