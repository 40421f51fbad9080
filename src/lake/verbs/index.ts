import type { Lake } from "../lake.ts";
import { historyVerbs } from "./history.ts";
import { repositoryVerbs } from "./repositories.ts";

/** What answers the verbs of repositories. */
export const lakeVerbs = ({ repositories, rows }: Pick<Lake, "repositories" | "rows">) => ({
  ...repositoryVerbs(repositories),
  ...historyVerbs(repositories, rows),
});

export type LakeVerb = keyof ReturnType<typeof lakeVerbs>;
