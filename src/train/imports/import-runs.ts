/** Runs, with all but their points and files. Ids are drawn by lot, so that a run of the same id is the same run, wherever it was taken from. */
import { type DatasetInput, type KeyValue, type ModelLink, type Run, refusalOf, type Tracking } from "../tracking/index.ts";
import type { RunTaken } from "../tracking/take-over.ts";
import { type Entries, type Entry, entryStatement, NOTHING_KNOWN } from "./entries.ts";
import type { Left, RunThere, TakenWithFiles } from "./imports.ts";
import { mergeFields } from "./merge.ts";
import { changesOf, isWritten, kept, leftOf, outcomeOf, TAKEN_AWAY, tagChanges, tagFields } from "./told.ts";

interface Given {
  readonly source: string;
  readonly experimentId: string | null;
  readonly there: readonly RunThere[];
  readonly dryRun: boolean | undefined;
  readonly tracking: Tracking;
  readonly entries: Entries;
  now(): number;
}

type TakenRun = TakenWithFiles & { readonly wanted: readonly string[] };

const RUN_ID = /^[A-Za-z0-9][\w-]{0,255}$/;
const RUN_NAME = "mlflow.runName";

export async function importRuns({ source, experimentId, there, dryRun, tracking, entries, now }: Given): Promise<TakenRun[]> {
  const location = experimentId === null ? null : (await tracking.experiment(experimentId)).artifactLocation;
  const ids = there.map(({ id }) => id);
  const [remembered, here] = await Promise.all([entries.read(source, "run", ids), tracking.runs(ids)]);
  const hereById = new Map(here.map((run) => [run.id, run]));
  const planned = there.map((run) => {
    const known = hereById.get(run.id);
    const uri = known?.artifactUri ?? (location === null ? "" : `${location}/${run.id}/artifacts`);
    return { ...plan(run, known, remembered.get(run.id), known?.experimentId ?? experimentId, now), root: rootOf(uri) };
  });
  const changed = planned.filter(
    ({ taken, outcome, entry, before }) => taken !== null && isWritten(outcome, before, entry.fields),
  );
  if (!dryRun && changed.length > 0)
    await tracking.takeRuns(
      changed.map(({ taken }) => taken!),
      changed.map(({ id, entry }) => entryStatement(source, "run", id, entry)),
    );
  return planned.map(({ id, outcome, left, wanted, root }) => ({ id, outcome, left, wanted, root }));
}

/** The path of artifacts that are kept here. */
export const rootOf = (uri: string): string | null => /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.+)$/.exec(uri)?.[1] ?? null;

function plan(there: RunThere, here: Run | undefined, before: Entry | undefined, experimentId: string | null, now: () => number) {
  const left: Left[] = [];
  const localId = there.id;
  const untaken = {
    id: localId,
    taken: null,
    outcome: "same" as const,
    wanted: [],
    entry: { localId, fields: NOTHING_KNOWN },
    before: undefined,
  };
  if (!RUN_ID.test(there.id))
    return { ...untaken, left: [{ what: "all", why: "its id is none: letters, digits, _ and -, at most 256" }] };
  if (!here && before) return { ...untaken, left: [TAKEN_AWAY] };
  const tags = kept(there.tags, "tag", (tag) => refusalOf({ tags: [tag] }), left).filter(({ key }) => key !== RUN_NAME);
  const params = kept(there.params, "param", (param) => refusalOf({ params: [param] }), left);
  const histories = there.histories.filter(({ key }) => isKey(key, left));
  const wanted = histories.filter(({ key, digest }) => before?.histories.get(key) !== digest).map(({ key }) => key);

  const theirs = new Map([
    ...[["name", there.name] as const, ["status", there.status] as const, ["deleted", String(there.deleted)] as const],
    ...(there.endedAt === null ? [] : [["endedAt", String(there.endedAt)] as const]),
    ...tagFields(tags),
  ]);
  const merged = mergeFields(before?.fields ?? NOTHING_KNOWN, theirs, here ? fieldsOf(here) : NOTHING_KNOWN);
  const { set } = merged;
  const newParams = params.filter((param) => isNewParam(param, here, left));
  const datasets = there.datasets.filter((dataset) => !here?.datasets.some((other) => isSame(dataset, other)));
  const modelInputs = newLinks(there.modelInputs, here?.modelInputs);
  const modelOutputs = newLinks(there.modelOutputs, here?.modelOutputs);
  const [name, status, endedAt, deleted] = ["name", "status", "endedAt", "deleted"].map((field) => set.get(field));
  const taken: RunTaken = {
    id: there.id,
    ...{ experimentId: experimentId ?? "", params: newParams, datasets, modelInputs, modelOutputs },
    ...(!here && { userId: there.userId, startedAt: there.startedAt }),
    ...{ name, status: status as RunThere["status"] | undefined },
    endedAt: endedAt === undefined ? undefined : Number(endedAt),
    deletedAt: deleted === undefined ? undefined : deleted === "true" ? (there.deletedAt ?? now()) : null,
    tags: [...tagChanges(merged), ...(name === undefined ? [] : ([[RUN_NAME, name]] as const))],
  };
  const links = modelInputs.length + modelOutputs.length;
  const outcome = outcomeOf(!here, changesOf(merged) + newParams.length + datasets.length + links + wanted.length);
  const entry = { localId, fields: merged.base, histories: before?.histories ?? NOTHING_KNOWN };
  return { id: localId, taken, outcome, left: [...left, ...leftOf(merged)], wanted, entry, before: before?.fields };
}

function isKey(key: string, left: Left[]): boolean {
  const why = refusalOf({ metrics: [{ key, value: 0, timestamp: 0, step: 0 }] });
  if (why !== null) left.push({ what: `metric ${key.slice(0, 100)}`, why });
  return why === null;
}

function isNewParam({ key, value }: KeyValue, here: Run | undefined, left: Left[]): boolean {
  if (!here || !Object.hasOwn(here.params, key)) return true;
  if (here.params[key] !== value)
    left.push({ what: `param ${key}`, why: "it has another value here, and parameters do not change" });
  return false;
}

const isSame = (one: DatasetInput, other: DatasetInput): boolean => one.name === other.name && one.digest === other.digest;

const newLinks = (there: readonly ModelLink[], here: readonly ModelLink[] = []): ModelLink[] =>
  there.filter(({ modelId }) => !here.some((link) => link.modelId === modelId));

const fieldsOf = ({ name, status, endedAt, deletedAt, tags }: Run) =>
  new Map([
    ...[["name", name] as const, ["status", status] as const, ["deleted", String(deletedAt !== null)] as const],
    ...(endedAt === null ? [] : [["endedAt", String(endedAt)] as const]),
    ...tagFields(Object.entries(tags).flatMap(([key, value]) => (key === RUN_NAME ? [] : [{ key, value }]))),
  ]);
