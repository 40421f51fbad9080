export { createDataClock } from "./data-clock.ts";
export type { Deployment } from "./deployments.ts";
export { type Answer, createEndpoint, type Endpoint, type Prediction } from "./endpoint.ts";
export { eventsOf, feedbackOf, predictionsOf } from "./logs.ts";
export type { Arm, Rollout } from "./rollout.ts";
export {
  type Answering,
  createServing,
  type EndpointState,
  type FeedbackReply,
  type Serving,
} from "./serving.ts";
export { createStory, type Happening, type Story } from "./story.ts";
export type { Answered, Door, Watcher } from "./watcher.ts";
