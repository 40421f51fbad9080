import { type Digest, MillError } from "../base/index.ts";
import type { Schema, Task } from "../contract/index.ts";
import type { Node } from "../express/index.ts";
import { readPart } from "../features/index.ts";
import { type Columns, type Gain, maxGainThreshold, onnxOf, type Params } from "../learn/index.ts";
import { decodeOnnx, encodeOnnx, type OnnxModel } from "../onnx/index.ts";
import { type Objects, readJson } from "../ports/objects/index.ts";
import type { StepContext, StepKind } from "../steps/index.ts";
import { type ForeignModel, openTrained, type SearchStory, type Trained, type TrainedForm } from "../train/index.ts";

/** Everything an endpoint needs to answer, and everything a reader needs to know what the model is. */
export interface BundleManifest {
  readonly format: 1;
  readonly model: string;
  readonly task: Task;
  readonly classes: readonly string[];
  /** Decision = probability of the positive >= threshold; null where the task has no threshold. */
  readonly threshold: number | null;
  /** How the threshold came about, in words. */
  readonly thresholdFrom: string;
  readonly dataset: {
    readonly name: string;
    readonly columns: Schema;
    readonly time: string | null;
    readonly outcomes: Readonly<Record<string, Node>>;
    /** What a row must hold (null passes), or it is put in quarantine and feeds nothing. */
    readonly checks: readonly { readonly holds: Node; readonly text: string }[];
    readonly license: string | null;
  };
  readonly fields: Readonly<Record<string, Node>>;
  readonly label: Node;
  readonly slices: Readonly<Record<string, Node>>;
  readonly estimator: string;
  readonly params: Params;
  /** What was made of the features before the estimator learnt. */
  readonly steps?: readonly (readonly { readonly use: string; readonly columns: Columns; readonly params: Params }[])[];
  readonly calibration?: { readonly method: string; readonly folds: number };
  /** The search that found estimator and parameters. */
  readonly tuning?: SearchStory;
  readonly seed: number;
  readonly environment: Readonly<Record<string, string | number>>;
  /** What a Python script made; absent: a trainer of our own did. */
  readonly python?: PythonStory;
  /** null: the model cannot be written as a graph. */
  readonly onnx: Digest | null;
  /** The trained model, as `openTrained` reads it. */
  readonly trained: Digest;
}

/** A model that a Python script trained: what made it, and how it answers. */
export interface PythonStory {
  readonly script: string;
  readonly framework: string;
  /** `inline`: read into a predictor of our own. */
  readonly form: TrainedForm;
  /** Why it answers in Python and not as a graph; null: it does not. */
  readonly why: string | null;
  /** Of the lock of its environment, an object: every package with its version and licence. */
  readonly lock: Digest;
  /** Of the model, as its definition states it. */
  readonly license: string | null;
}

export interface BundleInput extends Omit<BundleManifest, "format" | "threshold" | "thresholdFrom" | "onnx"> {
  readonly test: Digest;
  readonly thresholdRule: number | "max-gain" | null;
  readonly gain: Gain | null;
}

/** Puts a trained model into one ONNX graph and a manifest, with the decision threshold chosen on the test part. */
export const bundle: StepKind<BundleInput> = {
  name: "bundle",
  revision: 1,
  async run(input, context) {
    await using model = await openTrained(input.trained, context);
    const { test, thresholdRule, gain, ...described } = input;
    const chosen = await chooseThreshold(model, input, context);
    const graph = await graphOf(model, context);
    const onnx = graph && (await context.objects.put(encodeOnnx(withMetadata(graph, input))));
    const manifest: BundleManifest = { format: 1, ...described, threshold: chosen.threshold, thresholdFrom: chosen.from, onnx };
    const digest = await context.objects.put(Buffer.from(JSON.stringify(manifest)));
    return {
      objects: { manifest: digest, ...(onnx && { onnx }), trained: input.trained, ...partsOf(model.foreign) },
      facts: { threshold: chosen.threshold, from: chosen.from },
      measurements: [],
    };
  },
};

async function chooseThreshold(
  model: Trained,
  input: BundleInput,
  context: StepContext,
): Promise<{ threshold: number | null; from: string }> {
  const { thresholdRule: rule, gain } = input;
  if (rule === null) return { threshold: null, from: "the likeliest class or the value itself" };
  if (rule !== "max-gain" || gain === null) return { threshold: Number(rule), from: "stated in the definition" };
  const data = await readPart(
    input.test,
    { features: Object.keys(input.fields), task: input.task, classes: input.classes },
    context,
  );
  return {
    threshold: maxGainThreshold(await model.predict(data.X), data.y, gain),
    from: `greatest gain on ${data.X.rowCount} test rows`,
  };
}

/** Our own, or what another framework's model was converted to; null: it has none. */
async function graphOf({ predictor, foreign }: Trained, { objects }: StepContext): Promise<OnnxModel | null> {
  if (predictor !== null) return onnxOf(predictor);
  return foreign!.onnx === null ? null : decodeOnnx(await objects.get(foreign!.onnx));
}

/** What a model of another framework needs to answer beside its own object: it stays as long as the version does. */
export const partsOf = (model: ForeignModel | null): Readonly<Record<string, Digest>> =>
  model === null
    ? {}
    : {
        lock: model.lock,
        ...(model.onnx && { graph: model.onnx }),
        ...Object.fromEntries(model.fitted.files.map(({ digest }, index) => [`file-${index}`, digest])),
      };

function withMetadata(onnx: OnnxModel, input: BundleInput): OnnxModel {
  const metadata = {
    model: input.model,
    task: input.task,
    classes: JSON.stringify(input.classes),
    license: input.dataset.license ?? "not stated",
  };
  return { ...onnx, metadata: { ...onnx.metadata, ...metadata } };
}

/** Errors: `registry.bundle-format` for a manifest of a later Millwright. */
export async function readManifest(digest: Digest, objects: Objects): Promise<BundleManifest> {
  const manifest = await readJson<BundleManifest>(objects, digest);
  if (manifest.format === 1) return manifest;
  throw new MillError("registry.bundle-format", `The bundle ${digest} has a format that this Millwright does not know.`, {
    expected: "format 1",
    got: `format ${String(manifest.format)}`,
    fix: "Update Millwright to the version that wrote the bundle.",
  });
}
