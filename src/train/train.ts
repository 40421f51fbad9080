import type { Digest, Json } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { readPart } from "../features/index.ts";
import type { Params, Predictor, TrainingData } from "../learn/index.ts";
import type { StepContext, StepKind } from "../steps/index.ts";
import { type Around, estimatorOf } from "./estimator-of.ts";

export interface TrainInput extends Around {
  readonly train: Digest;
  readonly features: readonly string[];
  readonly task: Task;
  readonly classes: readonly string[];
  readonly estimator: string;
  readonly params: Params;
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
  const { threads, signal, progress, checkpoint } = context;
  return estimator.fit(data, params, {
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

const rounded = (shares: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(shares).map(([column, share]) => [column, Number(share.toFixed(6))]));
