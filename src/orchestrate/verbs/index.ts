import type { Handlers } from "../../contract/index.ts";
import { lakeVerbs } from "../../lake/index.ts";
import type { RegisteredImportVerb, RegisteredVerb, WebhookVerb } from "../../registry/index.ts";
import type { ArtifactVerb, ImportVerb, LoggedModelVerb, TrackingVerb } from "../../train/index.ts";
import type { Backfiller } from "../backfills/backfiller.ts";
import type { Workspace } from "../workspace.ts";
import { assetVerbs } from "./assets.ts";
import { backfillVerbs } from "./backfills.ts";
import { definitionVerbs } from "./definitions.ts";
import { endpointVerbs } from "./endpoints.ts";
import { leaderboardVerbs } from "./leaderboard.ts";
import { modelVerbs } from "./models.ts";
import { monitorVerbs } from "./monitor.ts";
import { recipeVerbs } from "./recipes.ts";
import { scheduleVerbs } from "./schedules.ts";
import { steeringVerbs } from "./steering.ts";
import { workVerbs } from "./work.ts";

/** Verbs of access, which `app.ts` answers. */
export type AccessVerb =
  | (
      | "whoAmI"
      | "createUser"
      | "listUsers"
      | "disableUser"
      | "enableUser"
      | "setPassword"
      | "changePassword"
      | "grantRole"
      | "revokeRole"
      | "putRole"
      | "listRoles"
      | "deleteRole"
    )
  | ("createToken" | "listTokens" | "revokeToken")
  | "listAudit"
  | "verifyAudit"
  | "newToken"
  | "createAccessKey"
  | "listAccessKeys"
  | "revokeAccessKey"
  | "rotateKeys"
  | ("setSecret" | "listSecrets" | "removeSecret")
  | ArtifactVerb
  | LoggedModelVerb
  | RegisteredVerb
  | ImportVerb
  | RegisteredImportVerb
  | WebhookVerb
  | TrackingVerb
  | "purgeTracking";

export const platformVerbs = (workspace: Workspace, backfiller: Pick<Backfiller, "look">): Omit<Handlers, AccessVerb> => ({
  ...assetVerbs(workspace),
  ...backfillVerbs(workspace, backfiller),
  ...definitionVerbs(workspace),
  ...endpointVerbs(workspace),
  ...leaderboardVerbs(workspace),
  ...modelVerbs(workspace),
  ...monitorVerbs(workspace),
  ...recipeVerbs(workspace),
  ...scheduleVerbs(workspace),
  ...steeringVerbs(workspace),
  ...workVerbs(workspace),
  ...lakeVerbs(workspace.lake),
});
