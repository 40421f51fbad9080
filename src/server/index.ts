export { createLog, type Log, type LogFields } from "./log.ts";
export { openApi } from "./openapi.ts";
export { requireFreePort } from "./port-holder.ts";
export { PROBLEM_TYPE, type Problem, toProblem } from "./problem.ts";
export { type Server, type ServerOptions, startServer } from "./server.ts";
export { isLoopback } from "./strangers.ts";
export { createTrackingDoor, type TrackingDoor } from "./tracking-door.ts";
