export { type App, type AppFactory, type Effects, effectsOf, type RebuildingLine, type RebuildRequest } from "./app.ts";
export { runCli } from "./run-cli.ts";
