export { createEndpoint, type Endpoint, type Prediction } from "./endpoint.ts";
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
