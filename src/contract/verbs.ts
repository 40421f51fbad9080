/** Everything the platform can do, each once. Adding a verb here asks `main.ts` for its handler, and gives it a route, OpenAPI and a permission. */
import type { ValueOf } from "./json-schema.ts";
import * as access from "./verbs/access.ts";
import * as artifacts from "./verbs/artifacts.ts";
import * as assets from "./verbs/assets.ts";
import * as audit from "./verbs/audit.ts";
import * as backfills from "./verbs/backfills.ts";
import * as definitions from "./verbs/definitions.ts";
import * as endpoints from "./verbs/endpoints.ts";
import * as imports from "./verbs/imports.ts";
import * as lake from "./verbs/lake.ts";
import { getLeaderboard } from "./verbs/leaderboard.ts";
import * as loggedModels from "./verbs/logged-models.ts";
import * as models from "./verbs/models.ts";
import * as monitor from "./verbs/monitor.ts";
import * as people from "./verbs/people.ts";
import * as recipes from "./verbs/recipes.ts";
import * as registry from "./verbs/registry.ts";
import * as runs from "./verbs/runs.ts";
import * as schedules from "./verbs/schedules.ts";
import * as secrets from "./verbs/secrets.ts";
import * as steering from "./verbs/steering.ts";
import * as tracking from "./verbs/tracking.ts";
import { getTrials } from "./verbs/trials.ts";
import * as upkeep from "./verbs/upkeep.ts";
import type { Permission, Verb } from "./verbs/verb.ts";
import * as webhooks from "./verbs/webhooks.ts";
import * as work from "./verbs/work.ts";

// These modules also lend their forms to others.
const { getRecipe, exportRecipe } = recipes;
const { plan, run, status, log, diff, graph } = work;
const { listRuns, getRun, listSteps, getStep, reproduce } = runs;
const { cancelRun, cancelStep, pauseWork, resumeWork, getPauses, stepLog, takeOver } = steering;
const { listModels, getModel, listModelVersions, getModelVersion, card } = models;
const { listEndpoints, getEndpoint, predict, events, feedback, rollback } = endpoints;
const { retrain, getMonitor, listAlerts, getNotices } = monitor;
const {
  whoAmI,
  createUser,
  listUsers,
  disableUser,
  enableUser,
  setPassword,
  changePassword,
  grantRole,
  revokeRole,
  putRole,
  listRoles,
  deleteRole,
} = people;
const {
  planBackfill,
  backfill,
  listBackfills,
  getBackfill,
  listBackfillPartitions,
  pauseBackfill,
  resumeBackfill,
  cancelBackfill,
  retryBackfill,
} = backfills;
const { listSchedules, getSchedule, pauseSchedule, resumeSchedule } = schedules;

export const VERBS = {
  plan,
  run,
  status,
  log,
  diff,
  graph,
  ...assets,
  listModels,
  getModel,
  listModelVersions,
  getModelVersion,
  card,
  getRecipe,
  exportRecipe,
  getTrials,
  getLeaderboard,
  listEndpoints,
  getEndpoint,
  predict,
  events,
  feedback,
  rollback,
  retrain,
  getMonitor,
  listAlerts,
  getNotices,
  listRuns,
  getRun,
  listSteps,
  getStep,
  reproduce,
  ...definitions,
  cancelRun,
  cancelStep,
  pauseWork,
  resumeWork,
  getPauses,
  stepLog,
  takeOver,
  listSchedules,
  getSchedule,
  pauseSchedule,
  resumeSchedule,
  planBackfill,
  backfill,
  listBackfills,
  getBackfill,
  listBackfillPartitions,
  pauseBackfill,
  resumeBackfill,
  cancelBackfill,
  retryBackfill,
  ...lake,
  ...upkeep,
  ...registry,
  ...webhooks,
  ...loggedModels,
  ...artifacts,
  whoAmI,
  createUser,
  listUsers,
  disableUser,
  enableUser,
  setPassword,
  changePassword,
  grantRole,
  revokeRole,
  putRole,
  listRoles,
  deleteRole,
  ...access,
  ...secrets,
  ...audit,
  ...tracking,
  ...imports,
} as const satisfies Record<string, Verb>;

export type VerbName = keyof typeof VERBS;
export type InputOf<V extends VerbName> = ValueOf<(typeof VERBS)[V]["input"]>;
export type OutputOf<V extends VerbName> = ValueOf<(typeof VERBS)[V]["output"]>;
/** What a call gives: the output, or for a stream its lines, or the output with the bytes that it describes. */
export type AnswerOf<V extends VerbName> = (typeof VERBS)[V] extends { readonly stream: true }
  ? AsyncIterable<OutputOf<V>>
  : (typeof VERBS)[V] extends { readonly bytes: "out" }
    ? Promise<OutputOf<V> & Content>
    : Promise<OutputOf<V>>;

export interface Content {
  /** All bytes, or `start` to `end` (exclusive), in chunks. */
  content(range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
}

/** What somebody may, and by which roles. */
export interface Rights {
  readonly roles: readonly string[];
  readonly may: ReadonlySet<Permission>;
  /** Name of the token that limits what the roles allow; absent: nothing does. */
  readonly token?: string;
  /** Which session of theirs asks, where one does. */
  readonly session?: string;
}

/** Who asks, and how to stop. */
export interface CallContext {
  readonly actor: string;
  readonly rights: Rights;
  readonly requestId: string;
  /** Aborted when the asker has gone or the platform stops. */
  readonly signal: AbortSignal;
  /** What came beside the input of a verb that takes bytes. */
  readonly bytes?: AsyncIterable<Uint8Array> | undefined;
}

/** What answers each verb; the input has been checked and its defaults are filled in. */
export type Handlers = { readonly [V in VerbName]: (input: InputOf<V>, context: CallContext) => AnswerOf<V> };
