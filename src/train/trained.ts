/**
 * A trained model by the digest of its object, whatever made it. One that `learn` reads answers in this process; of another framework's the ONNX graph is run
 * by ONNX Runtime on a thread of its own, or the framework itself in a Python process, in the environment of its lock.
 */
import { type Digest, type Json, MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { type Frame, type Predictor, readPredictor } from "../learn/index.ts";
import { type Objects, readJson } from "../ports/objects/index.ts";
import { createOnnxruntimeScoring, type Session } from "../ports/scoring/index.ts";
import type { Fitted } from "./python/fitted.ts";
import { type FittedResources, openFitted } from "./python/open-fitted.ts";

/** What the object of a model holds that `learn` does not read; those of `learn` say `estimator` instead. */
export interface ForeignModel {
  readonly format: "foreign";
  readonly form: "onnx" | "python";
  readonly fitted: Fitted;
  /** Its graph with our inputs, [N, 1] by feature name, and our one output; null: it has none. */
  readonly onnx: Digest | null;
  /** Why it is no graph, in words; null: it is one. */
  readonly why: string | null;
  readonly lock: Digest;
}

export type TrainedForm = "inline" | ForeignModel["form"];

export interface Trained extends AsyncDisposable {
  readonly task: Task;
  readonly classes: readonly string[];
  /** Columns of a prediction, as a `Predictor` has them. */
  readonly outputs: number;
  readonly form: TrainedForm;
  /** Of form `inline`. */
  readonly predictor: Predictor | null;
  /** Of the other forms. */
  readonly foreign: ForeignModel | null;
  /**
   * Row-major, rowCount x outputs. What runs outside of this process is started by the first call, and again by the first after it died.
   * Errors: `scoring.*`, `python.*`.
   */
  predict(X: Frame): Promise<Float64Array>;
  /** Ends what was started, as the end of an `await using` does. Closing twice is no error. */
  close(): Promise<void>;
}

/** Reads the object and starts nothing yet. Errors: `object.missing`, and those of a model that a later Millwright wrote. */
export async function openTrained(digest: Digest, resources: FittedResources): Promise<Trained> {
  const json = await readJson<Json>(resources.objects, digest);
  return isForeign(json) ? openForeign(json as unknown as ForeignModel, resources) : inline(readPredictor(json));
}

const isForeign = (json: Json) => (json as { readonly format?: unknown } | null)?.format === "foreign";

const inline = (predictor: Predictor): Trained => ({
  ...{ task: predictor.task as Task, classes: predictor.classes, outputs: predictor.outputs },
  ...{ form: "inline", predictor, foreign: null },
  predict: async (X) => predictor.predict(X),
  close: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
});

/** A model of `learn`. */
export async function readTrained(digest: Digest, objects: Objects): Promise<Predictor> {
  return readPredictor(await readJson<Json>(objects, digest));
}

function openForeign(model: ForeignModel, resources: FittedResources): Trained {
  const { task, classes } = model.fitted;
  let opened: Promise<Session> | null = null;
  const session = (): Promise<Session> => {
    opened ??= (model.form === "onnx" ? openGraph(model, resources) : openFitted(model.fitted, model.lock, resources)).catch(
      (error) => {
        opened = null;
        throw error;
      },
    );
    return opened;
  };
  const close = async () => {
    await opened?.then((session) => session.close()).catch(() => undefined);
  };
  return {
    ...{ task, classes, outputs: task === "multiclass-classification" ? classes.length : 1 },
    ...{ form: model.form, predictor: null, foreign: model },
    async predict(X) {
      const asked = session();
      try {
        return (await (await asked).score(X)).values;
      } catch (error) {
        if (model.form === "onnx" && isLost(error) && opened === asked) opened = null; // a thread that died; a worker starts itself again
        throw error;
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

const isLost = (error: unknown) => error instanceof MillError && ["scoring.failed", "scoring.closed"].includes(error.code);

/** One thread: on more, the runtime adds up in an order that depends on their number. */
const openGraph = async ({ onnx }: ForeignModel, { objects }: FittedResources): Promise<Session> =>
  createOnnxruntimeScoring({ threads: 1 }).open(await objects.get(onnx!));
