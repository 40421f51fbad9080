export { type App, type AppFactory, type Effects, effectsOf } from "./app.ts";
export { runCli } from "./run-cli.ts";
