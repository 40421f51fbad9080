export { type TrainInput, train } from "./train.ts";
export { readTrained } from "./trained.ts";
