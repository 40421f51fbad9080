export { createKeeper, type Keeper } from "./keeper.ts";
export { createSources, type Sources } from "./sources.ts";
export { platformVerbs } from "./verbs/index.ts";
export type { Workspace } from "./workspace.ts";
