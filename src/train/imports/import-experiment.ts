/** An experiment: the one that it was taken over as before; else that of its name, as a name belongs to one; else a new one, under its id there where that is free. */
import { type Experiment, refusalOf, type Tracking } from "../tracking/index.ts";
import { type Entries, entryStatement, NOTHING_KNOWN } from "./entries.ts";
import type { ExperimentThere, Left, Taken } from "./imports.ts";
import { mergeFields } from "./merge.ts";
import { changesOf, isWritten, kept, leftOf, outcomeOf, tagChanges, tagFields } from "./told.ts";

/** The id at its source, where it could not be kept. */
const SOURCE_ID = "mill.source_experiment_id";

interface Given {
  readonly source: string;
  readonly there: ExperimentThere;
  readonly dryRun: boolean | undefined;
  readonly tracking: Tracking;
  readonly entries: Entries;
  now(): number;
}

export async function importExperiment({
  source,
  there,
  dryRun,
  tracking,
  entries,
  now,
}: Given): Promise<Taken & { readonly experiment: string | null }> {
  const left: Left[] = [];
  const tags = kept(there.tags, "tag", (tag) => refusalOf({ tags: [tag] }), left);
  const theirs = new Map([["name", there.name], ["deleted", String(there.deleted)], ...tagFields(tags)]);
  const entry = (await entries.read(source, "experiment", [there.id])).get(there.id);
  const here =
    (entry && (await known(tracking.experiment(entry.localId)))) ?? (await known(tracking.experimentNamed(there.name)));
  if (!here) {
    if (dryRun) return { experiment: null, outcome: "new", left };
    const { base } = mergeFields(NOTHING_KNOWN, theirs, NOTHING_KNOWN);
    const id = await tracking.takeExperiment(
      {
        ...{ id: there.id, isNew: true, name: there.name, createdAt: there.createdAt, updatedAt: there.updatedAt },
        deletedAt: there.deleted ? there.updatedAt : null,
        tags: tags.map(({ key, value }) => [key, value]),
      },
      (id) => [entryStatement(source, "experiment", there.id, { localId: id, fields: base })],
    );
    if (id !== there.id) await tracking.takeExperiment({ id, isNew: false, tags: [[SOURCE_ID, there.id]] }, () => []);
    return { experiment: id, outcome: "new", left };
  }
  const merged = mergeFields(entry?.localId === here.id ? entry.fields : NOTHING_KNOWN, theirs, fieldsOf(here));
  const [name, deleted] = [merged.set.get("name"), merged.set.get("deleted")];
  const isTaken = name !== undefined && (await known(tracking.experimentNamed(name))) !== undefined;
  if (isTaken) left.push({ what: "name", why: `another experiment is named "${name}" here` });
  const outcome = outcomeOf(false, changesOf(merged));
  if (!dryRun && isWritten(outcome, entry?.fields, merged.base))
    await tracking.takeExperiment(
      {
        ...{ id: here.id, isNew: false, name: isTaken ? undefined : name, tags: tagChanges(merged) },
        deletedAt: deleted === undefined ? undefined : deleted === "true" ? now() : null,
      },
      () => [entryStatement(source, "experiment", there.id, { localId: here.id, fields: merged.base })],
    );
  return { experiment: here.id, outcome, left: [...left, ...leftOf(merged)] };
}

const fieldsOf = ({ name, deletedAt, tags }: Experiment) =>
  new Map([
    ["name", name],
    ["deleted", String(deletedAt !== null)],
    ...tagFields(Object.entries(tags).map(([key, value]) => ({ key, value }))),
  ]);

const known = (asked: Promise<Experiment>): Promise<Experiment | undefined> =>
  asked.catch((error: { readonly code?: string }) => {
    if (error.code === "tracking.unknown-experiment") return undefined;
    throw error;
  });
