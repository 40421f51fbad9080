/** What the page shows, read through the verbs alone. */

import { asMillError } from "../../base/index.ts";
import { type Alert, codeInfo, type OutputOf } from "../../contract/index.ts";
import type { BoundCall } from "../../guard/index.ts";
import { newestRuns } from "./experiments/list.ts";
import type { Newest } from "./experiments/newest.ts";
import type { ShownRepository } from "./lake.ts";

export interface Overview {
  readonly graph: OutputOf<"graph">;
  readonly models: readonly {
    readonly model: OutputOf<"listModels">["items"][number];
    readonly shown: OutputOf<"getModelVersion"> | null;
  }[];
  /** Of problems that several models solve. */
  readonly leaderboards: readonly OutputOf<"getLeaderboard">[];
  readonly endpoints: readonly OutputOf<"getEndpoint">[];
  /** The newest days at most that monitoring is shown of; undefined: its own default. */
  readonly days?: number | undefined;
  /** Of endpoints that answer. */
  readonly monitors: readonly {
    readonly monitor: OutputOf<"getMonitor">;
    /** Alerts that were open before. */
    readonly closed: readonly Alert[];
  }[];
  /** The newest. */
  readonly backfills: OutputOf<"listBackfills">["items"];
  readonly schedules: OutputOf<"listSchedules">["items"];
  readonly work: { readonly runs: OutputOf<"listRuns">["items"]; readonly pauses: OutputOf<"getPauses">["items"] };
  /** It was restored beside its source, and holds back. */
  readonly copy?: OutputOf<"getPauses">["copy"];
  /** Runs of experiments, the newest. */
  readonly tracked: readonly Newest[];
  readonly lake: { readonly repositories: readonly ShownRepository[]; readonly more: boolean };
}

/** The page shows so many models and endpoints at most; lists have the rest. */
const SHOWN_MAX = 20;
const BACKFILLS_MAX = 5;
const CLOSED_MAX = 200;
const BRANCHES_MAX = 5;
const TRACKED_MAX = 8;
/** Those made last. */
const EXPERIMENTS_MAX = 1000;

export async function readOverview(call: BoundCall, days?: number): Promise<Overview> {
  const [graph, models, endpoints, repositories, schedules, backfills, runs, pauses, tracked] = await Promise.all([
    call("graph", {}),
    call("listModels", { limit: SHOWN_MAX }),
    call("listEndpoints", { limit: SHOWN_MAX }),
    call("listRepositories", { limit: SHOWN_MAX }),
    call("listSchedules", { limit: SHOWN_MAX }),
    call("listBackfills", { limit: BACKFILLS_MAX }),
    call("listRuns", { limit: SHOWN_MAX }),
    call("getPauses", {}),
    newestTracked(call),
  ]);
  const solved = [...Map.groupBy(models.items, ({ problem }) => problem)].flatMap(([name, some]) =>
    some.length > 1 ? name : [],
  );
  const boards = await Promise.all(solved.map((name) => orNothing(call("getLeaderboard", { name }))));
  const shown = await Promise.all(repositories.items.map(({ name }) => orNothing(shownRepository(call, name))));
  return {
    graph,
    days,
    models: await Promise.all(
      models.items.map(async (model) => ({ model, shown: model.versions === 0 ? null : await newest(call, model) })),
    ),
    leaderboards: boards.filter((board) => board !== null && board.models.length > 1) as OutputOf<"getLeaderboard">[],
    endpoints: (await Promise.all(endpoints.items.map(({ name }) => orNothing(call("getEndpoint", { name }))))).filter(
      (one) => one !== null,
    ),
    monitors: (await Promise.all(endpoints.items.map(({ name }) => orNothing(monitored(call, name, days))))).filter(
      (one) => one !== null,
    ),
    backfills: backfills.items,
    schedules: schedules.items,
    work: { runs: runs.items.filter(({ state }) => state === "running"), pauses: pauses.items },
    copy: pauses.copy,
    tracked,
    lake: { repositories: shown.filter((one) => one !== null), more: repositories.next !== null },
  };
}

async function newestTracked(call: BoundCall): Promise<Newest[]> {
  const { items } = await call("searchExperiments", { limit: EXPERIMENTS_MAX });
  const names = new Map(items.map(({ id, name }) => [id, name]));
  const runs = await newestRuns(call, [...names.keys()], TRACKED_MAX);
  return runs.map((run) => ({ run, experiment: names.get(run.experimentId)! }));
}

async function shownRepository(call: BoundCall, name: string): Promise<ShownRepository> {
  const repository = await call("getRepository", { repository: name });
  const [branches, commits] = await Promise.all([
    call("listBranches", { repository: name, limit: BRANCHES_MAX }),
    call("listCommits", { repository: name, ref: repository.defaultBranch, limit: 1 }),
  ]);
  return { repository, branches: branches.items.map(({ name }) => name), newest: commits.items[0]! };
}

async function monitored(call: BoundCall, name: string, days: number | undefined): Promise<Overview["monitors"][number]> {
  const [monitor, closed] = await Promise.all([
    call("getMonitor", { name, days }),
    call("listAlerts", { endpoint: name, state: "closed", limit: CLOSED_MAX }),
  ]);
  return { monitor, closed: closed.items };
}

/** The champion, or where there is none the newest version: one that a gate refused must be seen too. */
async function newest(
  call: BoundCall,
  { name, champion }: OutputOf<"listModels">["items"][number],
): Promise<OutputOf<"getModelVersion"> | null> {
  const { items } = await call("listModelVersions", { name, limit: 1 });
  const version = champion ?? items[0]?.version;
  return version === undefined ? null : orNothing(call("getModelVersion", { name, version: String(version) }));
}

/** null for what is not there, or not ready. */
async function orNothing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if ([404, 503].includes(codeInfo(asMillError(error).code).status)) return null;
    throw error;
  }
}
