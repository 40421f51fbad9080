/**
 * Deleting for good: runs, experiments and logged models that were deleted long enough ago, with their files, parameters and points. What registered versions
 * name is kept. Files go first: where that is cut off, what they belong to is deleted still, and the next purge finds it.
 */
import { parseDuration } from "../base/index.ts";
import type { Handlers, OutputOf } from "../contract/index.ts";
import type { Artifacts } from "./artifacts/artifacts.ts";
import type { LoggedModels } from "./logged-models/logged-models.ts";
import type { Tracking } from "./tracking/index.ts";

export interface PurgeResources {
  readonly tracking: Pick<Tracking, "deletedBefore" | "purge">;
  readonly loggedModels: Pick<LoggedModels, "deletedBefore" | "purge">;
  readonly artifacts: Pick<Artifacts, "under" | "remove">;
  /** Runs and logged models that must stay, because something names them. */
  named(): Promise<Named>;
  readonly now?: () => number;
}

export interface Named {
  readonly runIds: ReadonlySet<string>;
  readonly modelIds: ReadonlySet<string>;
}

export const purgeVerbs = (resources: PurgeResources): Pick<Handlers, "purgeTracking"> => ({
  async purgeTracking({ olderThan = "30d", remove = false }): Promise<OutputOf<"purgeTracking">> {
    const { tracking, loggedModels, now = Date.now } = resources;
    const before = now() - parseDuration(olderThan, "olderThan") / 1000;
    const { kept, ...plan } = await planned(before, resources);
    const files = await filesOf([...plan.runs, ...plan.models], remove, resources);
    const [runIds, modelIds, experimentIds] = [idsOf(plan.runs), idsOf(plan.models), idsOf(plan.experiments)];
    if (remove) {
      await loggedModels.purge(modelIds);
      await tracking.purge({ runIds, experimentIds });
    }
    const counts = { runs: runIds.length, models: modelIds.length, experiments: experimentIds.length, kept };
    return { removed: remove, before: new Date(before).toISOString(), ...counts, ...files };
  },
});

async function planned(before: number, { tracking, loggedModels, named }: PurgeResources) {
  const [deleted, names] = [await tracking.deletedBefore(before), await named()];
  const deletedModels = await loggedModels.deletedBefore(before, idsOf(deleted.experiments));
  const [keptRuns, runs] = parted(deleted.runs, ({ id }) => names.runIds.has(id));
  const [keptModels, models] = parted(deletedModels, ({ id }) => names.modelIds.has(id));
  const inUse = new Set([...keptRuns, ...keptModels].map(({ experimentId }) => experimentId));
  const [keptExperiments, experiments] = parted(deleted.experiments, ({ id }) => inUse.has(id));
  return { runs, models, experiments, kept: keptRuns.length + keptModels.length + keptExperiments.length };
}

/** A place of files that experiments share is nobody's to take away: only the folders of runs and models are. */
async function filesOf(owners: readonly { readonly artifactUri: string }[], remove: boolean, { artifacts }: PurgeResources) {
  const counted = { files: 0, bytes: 0, elsewhere: 0 };
  for (const { artifactUri } of owners) {
    const folder = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.+)$/.exec(artifactUri)?.[1];
    if (folder === undefined) {
      counted.elsewhere++;
      continue;
    }
    for await (const { sizeBytes } of artifacts.under(folder)) {
      counted.files++;
      counted.bytes += sizeBytes;
    }
    if (remove) await artifacts.remove(folder);
  }
  return counted;
}

const idsOf = (all: readonly { readonly id: string }[]) => all.map(({ id }) => id);

function parted<T>(all: readonly T[], holds: (one: T) => boolean): readonly [yes: T[], no: T[]] {
  return [all.filter(holds), all.filter((one) => !holds(one))];
}
