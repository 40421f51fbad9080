export { type Answer, createEndpoint, type Endpoint, type Prediction } from "./endpoint.ts";
export type { Arm, Rollout } from "./rollout.ts";
export {
  createServing,
  type Deployment,
  type EndpointState,
  type EventsReply,
  type PredictReply,
  predictionsOf,
  type Serving,
  type ServingResources,
} from "./serving.ts";
export { createStory, type Happening, type Story } from "./story.ts";
export type { Answered, Watcher } from "./watcher.ts";
