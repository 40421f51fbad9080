import type { Lake } from "../lake.ts";
import { historyVerbs } from "./history.ts";
import { repositoryVerbs } from "./repositories.ts";
import { upkeepVerbs } from "./upkeep.ts";

/** What answers the verbs of repositories. */
export const lakeVerbs = (
  lake: Pick<Lake, "repositories" | "rows" | "locks" | "hooks" | "collector" | "verify" | "sealAll">,
) => ({
  ...repositoryVerbs(lake.repositories),
  ...historyVerbs(lake.repositories, lake.rows),
  ...upkeepVerbs(lake),
});

export type LakeVerb = keyof ReturnType<typeof lakeVerbs>;
