import type { Digest, Json } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { readPart } from "../features/index.ts";
import {
  calibrated,
  checkParams,
  type Estimator,
  estimatorNamed,
  type Params,
  type Predictor,
  pipeline,
  type TrainingData,
} from "../learn/index.ts";
import type { StepContext, StepKind } from "../steps/index.ts";

export interface TrainInput {
  readonly train: Digest;
  readonly features: readonly string[];
  readonly task: Task;
  readonly classes: readonly string[];
  readonly estimator: string;
  readonly params: Params;
  /** What is made of the features before, as a pipeline of `learn` takes it. */
  readonly steps?: Parameters<typeof pipeline>[0];
  readonly calibration?: { readonly method: string; readonly folds: number };
  readonly seed: number;
}

/** Fits an estimator on the training part; the model is one JSON object. */
export const train: StepKind<TrainInput> = {
  name: "train",
  revision: 1,
  async run(input, context) {
    context.progress(0, 0, "reading the training set");
    const data = await readPart(input.train, input, context);
    const warnings: string[] = [];
    const predictor = await fit(data, input, context, warnings);
    const model = await context.objects.put(Buffer.from(JSON.stringify(predictor.toJson())));
    return {
      objects: { model },
      facts: {
        rows: data.X.rowCount,
        estimator: input.estimator,
        params: input.params as Json,
        ...(input.steps === undefined ? {} : { steps: input.steps as unknown as Json }),
        ...(input.calibration === undefined ? {} : { calibration: input.calibration }),
        importance: rounded(predictor.importance()),
        ...(warnings.length > 0 ? { warnings } : {}),
      },
      measurements: [],
    };
  },
};

async function fit(data: TrainingData, input: TrainInput, context: StepContext, warnings: string[]): Promise<Predictor> {
  const { estimator, params } = estimatorOf(input);
  const checked = checkParams(estimator, params);
  if (!checked.ok) throw checked.error;
  const { threads, signal, progress, checkpoint } = context;
  return estimator.fit(data, checked.params, {
    threads,
    seed: input.seed,
    signal,
    checkpoint,
    warn: ({ message, fix }) => {
      warnings.push(`${message} ${fix}`);
      context.log(warnings.at(-1)!);
    },
    progress: (done, total, note) => progress(done, total, note),
  });
}

/** The estimator with what stands around it: calibration next to it, then the steps before both. */
function estimatorOf({ estimator: name, params: own, steps, calibration }: TrainInput): { estimator: Estimator; params: Params } {
  const learns = estimatorNamed(name);
  const estimator = calibration === undefined ? learns : calibrated(learns);
  const params = { ...own, ...(calibration && { calibration: calibration.method, calibrationFolds: calibration.folds }) };
  return steps === undefined ? { estimator, params } : { estimator: pipeline(steps, estimator, { params }), params: {} };
}

const rounded = (shares: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(shares).map(([column, share]) => [column, Number(share.toFixed(6))]));
