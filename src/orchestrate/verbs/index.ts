import type { Handlers } from "../../contract/index.ts";
import type { Workspace } from "../workspace.ts";
import { assetVerbs } from "./assets.ts";
import { endpointVerbs } from "./endpoints.ts";
import { modelVerbs } from "./models.ts";
import { monitorVerbs } from "./monitor.ts";
import { workVerbs } from "./work.ts";

/** What answers each verb but those of access, which `app.ts` adds. */
export const platformVerbs = (workspace: Workspace): Omit<Handlers, "newToken"> => ({
  ...assetVerbs(workspace),
  ...endpointVerbs(workspace),
  ...modelVerbs(workspace),
  ...monitorVerbs(workspace),
  ...workVerbs(workspace),
});
