/** What conditions look at: files, versions, ages. */
import { digestOfJson, parseDuration } from "../../base/index.ts";
import { type DatasetDefinition, KIND, type ScheduleCondition, type ScheduleDefinition } from "../../define/index.ts";
import { resolveDataset } from "../../ingest/index.ts";
import type { Workspace } from "../workspace.ts";
import type { Sight } from "./conditions.ts";

type Runnable = ScheduleDefinition["runs"][number];

export const targetOf = (one: Runnable): string =>
  one[KIND] === "endpoint" ? `model/${one.serves.name}` : `${one[KIND]}/${one.name}`;

export const datasetsOf = (runs: readonly Runnable[]): DatasetDefinition[] => [
  ...new Set(runs.map((one) => (one[KIND] === "dataset" ? one : one[KIND] === "model" ? one.from.from : one.serves.from.from))),
];

/** A look at files, remembered: they are looked at as often as is said, and count when two looks in a row saw the same. */
export interface Looks {
  readonly at: number;
  readonly digests: Readonly<Record<string, string>>;
}

export async function sightOf(
  workspace: Workspace,
  { runs }: ScheduleDefinition,
  condition: ScheduleCondition,
  memory: { looks: Looks | null } = { looks: null },
): Promise<Sight> {
  if (condition.when === "cron") return {};
  if (condition.when === "published") return { version: (await newestOf(workspace, targetOf(condition.of)))?.version ?? 0 };
  if (condition.when === "olderThan") return { oldest: await oldestOf(workspace, runs.map(targetOf)) };
  const { folder } = await workspace.project();
  return { sources: await settledSources(runs, parseDuration(condition.every) / 1000, memory, { folder, now: workspace.now() }) };
}

/** What is still being written changes from look to look. Errors: `source.*`. */
async function settledSources(
  runs: readonly Runnable[],
  everyMs: number,
  memory: { looks: Looks | null },
  { folder, now }: { readonly folder: string; readonly now: number },
): Promise<Readonly<Record<string, string>> | null> {
  const before = memory.looks;
  if (before !== null && now - before.at < everyMs && now >= before.at) return null;
  memory.looks = { at: now, digests: {} };
  const found = await Promise.all(
    datasetsOf(runs).map(async (dataset) => {
      const { name } = dataset;
      const files = await resolveDataset(dataset, folder, now);
      return [name, digestOfJson(files.map(({ path, stamp }) => [path, stamp]))] as const;
    }),
  );
  const digests = Object.fromEntries(found);
  memory.looks = { at: now, digests };
  return before !== null && digestOfJson(before.digests) === digestOfJson(digests) ? digests : null;
}

async function newestOf({ lake, registry }: Workspace, target: string): Promise<{ version: number; createdAt: number } | null> {
  const [kind, name] = target.split("/") as [string, string];
  if (kind === "dataset") return lake.head(name);
  return (await registry.versions(name, { limit: 1 }))[0] ?? null;
}

async function oldestOf(workspace: Workspace, targets: readonly string[]): Promise<(Sight["oldest"] & object) | null> {
  const newest = await Promise.all(targets.map(async (target) => ({ target, found: await newestOf(workspace, target) })));
  if (newest.some(({ found }) => found === null)) return null;
  return newest.map(({ target, found }) => ({ target, at: found!.createdAt })).reduce((a, b) => (b.at < a.at ? b : a));
}
