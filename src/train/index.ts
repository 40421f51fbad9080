export { artifactPath } from "./artifacts/artifact-path.ts";
export { type Artifact, type ArtifactEntry, type Artifacts, createArtifacts } from "./artifacts/artifacts.ts";
export { type ArtifactVerb, artifactVerbs } from "./artifacts/verbs.ts";
export { createTracking, type Tracking } from "./tracking/index.ts";
export { type TrackingVerb, trackingVerbs } from "./tracking/verbs.ts";
export { type TrainInput, train } from "./train.ts";
export { readTrained } from "./trained.ts";
