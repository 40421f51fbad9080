/** What an endpoint writes down, each a data set of its own, as rows of the lake's journals. */
import type { Json } from "../base/index.ts";
import type { ModelVersion } from "../registry/index.ts";
import type { Answer, Endpoint, Prediction } from "./endpoint.ts";

/** Every row that was answered: what was asked, the features, the answer, and the version that gave it. */
export const predictionsOf = (endpoint: string) => `${endpoint}-predictions`;
/** What really happened, by the id of the prediction; the label that came last counts. */
export const feedbackOf = (endpoint: string) => `${endpoint}-feedback`;
/** Rows of the endpoint's data set that were fed to its windows. */
export const eventsOf = (endpoint: string) => `${endpoint}-events`;

/** `at` in milliseconds of the wall clock; `time` in microseconds of the data's. */
export function predictionRow(
  prediction: Prediction & { readonly id: string },
  { features, asOfMicros }: Answer,
  asked: { readonly request: unknown; readonly at: number },
  { model, version }: ModelVersion,
  { manifest }: Endpoint,
): Record<string, Json> {
  const base = {
    ...{ id: prediction.id, at: asked.at, time: asOfMicros, model, version },
    ...{ request: JSON.stringify(asked.request), features: JSON.stringify(features) },
  };
  if ("probability" in prediction)
    return { ...base, probability: prediction.probability, decision: prediction.decision, threshold: manifest.threshold };
  if ("label" in prediction) return { ...base, label: prediction.label, probabilities: JSON.stringify(prediction.probabilities) };
  return { ...base, value: prediction.value };
}
