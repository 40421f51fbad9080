/**
 * Registered models of other MLflow servers, taken over with the numbers that their versions have there. A number that is another version's here is left: numbers are
 * never given twice. What gates decide of stays theirs.
 */
import { MillError, newId } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import {
  changesOf,
  createEntries,
  entryStatement,
  isWritten,
  kept,
  type LoggedModels,
  leftOf,
  mergeFields,
  NOTHING_KNOWN,
  outcomeOf,
  TAKEN_AWAY,
  type Taken,
  type Tracking,
  tagChanges,
  tagFields,
} from "../../train/index.ts";
import { type By, told } from "../ledger.ts";
import type { RegisteredModel, RegisteredModels, RegisteredVersion } from "./registered.ts";
import { checkAlias, checkModelName, checkTag, stageNamed } from "./rules.ts";
import { setModelTag } from "./statements.ts";

type Left = Taken["left"][number];
interface KeyValue {
  readonly key: string;
  readonly value: string;
}

export interface RegisteredThere {
  readonly name: string;
  readonly description: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags: readonly KeyValue[];
}

export interface VersionThere {
  readonly version: number;
  readonly source: string;
  readonly runId: string | null;
  readonly runLink: string | null;
  readonly modelId: string | null;
  readonly description: string | null;
  readonly stage: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags: readonly KeyValue[];
}

export interface RegisteredGiven {
  readonly source: string;
  readonly model: RegisteredThere;
  readonly versions: readonly VersionThere[];
  /** All of them; absent: nothing is said of them. */
  readonly aliases?: readonly { readonly alias: string; readonly version: number }[] | undefined;
  readonly dryRun?: boolean | undefined;
  readonly actor: string;
}

export interface RegisteredImports {
  /** Errors: `import.not-begun`. */
  take(given: RegisteredGiven): Promise<Taken & { readonly versions: readonly (Taken & { readonly version: number })[] }>;
}

export interface RegisteredImportsResources {
  readonly records: Records;
  readonly registered: RegisteredModels;
  readonly tracking: Pick<Tracking, "runs">;
  readonly loggedModels: Pick<LoggedModels, "find">;
  readonly now?: () => number;
}

export function createRegisteredImports(resources: RegisteredImportsResources): RegisteredImports {
  const { records, registered, tracking, loggedModels, now = Date.now } = resources;
  const entries = createEntries(records, now);
  return {
    async take(given) {
      const { source, model, versions, aliases, dryRun = false, actor } = given;
      if (!dryRun) await entries.requireBegun(source);
      const why = refusalOf(() => checkModelName(model.name));
      if (why !== null) return { outcome: "same", left: [{ what: "the model", why }], versions: [] };
      const by = { actor, why: `imported from ${source}` };
      const here = await unless("registry.unknown-model", registered.find(model.name));
      const known = await entries.read(source, "registered-model", [model.name]);
      if (!here && known.has(model.name)) return { outcome: "same", left: [TAKEN_AWAY], versions: [] };
      const taken = await takeModel(source, model, here, by, dryRun);
      const done: (Taken & { readonly version: number })[] = [];
      for (const version of versions) done.push(await takeVersion(source, model.name, version, by, dryRun));
      const pointed = aliases === undefined ? null : await takeAliases(source, model.name, aliases, by, dryRun);
      const outcome =
        taken.outcome === "same" && pointed?.outcome !== undefined && pointed.outcome !== "same" ? "changed" : taken.outcome;
      return { outcome, left: [...taken.left, ...(pointed?.left ?? [])], versions: done };
    },
  };

  async function takeModel(source: string, there: RegisteredThere, here: RegisteredModel | undefined, by: By, dryRun: boolean) {
    const left: Left[] = [];
    const { name, description } = there;
    const tags = keptTags(there.tags, left);
    const theirs = fieldsOf({ description, tags });
    const before = (await entries.read(source, "registered-model", [name])).get(name);
    const merged = mergeFields(before?.fields ?? NOTHING_KNOWN, theirs, here ? fieldsOf(asThere(here)) : NOTHING_KNOWN);
    const outcome = outcomeOf(!here, changesOf(merged));
    const entry = entryStatement(source, "registered-model", name, { localId: name, fields: merged.base });
    if (!dryRun && !here)
      await records.commit([
        {
          sql: "INSERT INTO registered_models (name, description, last_version, created_at, updated_at) VALUES (?, ?, 0, ?, ?) ON CONFLICT DO NOTHING",
          params: [name, description, there.createdAt, there.updatedAt],
        },
        ...tags.map(({ key, value }) => setModelTag(name, [key, value])),
        told({ model: name, what: "model.created", detail: { description, tags: tagsOf(tags) } }, by, now()),
        entry,
      ]);
    else if (!dryRun && isWritten(outcome, before?.fields, merged.base)) {
      const described = changeOf("description", merged);
      if (described !== undefined) await registered.change(name, { description: described }, by);
      await tagAll(name, merged, by);
      await records.commit([entry]);
    }
    return { outcome, left: [...left, ...leftOf(merged)] };
  }

  async function takeVersion(source: string, model: string, there: VersionThere, by: By, dryRun: boolean) {
    const { version } = there;
    const left: Left[] = [];
    const id = `${model}/${version}`;
    const tags = keptTags(there.tags, left);
    const stage = stageOf(there.stage, left);
    const here = await unless("registry.unknown-version", unless("registry.unknown-model", registered.version(model, version)));
    const before = (await entries.read(source, "version", [id])).get(id);
    const other = here && otherVersion(here, there, before !== undefined || here.location === (await locationOf(there)));
    if (other) return { version, outcome: "same" as const, left: [{ what: "the version", why: other }] };
    const theirs = fieldsOf({ description: there.description, tags, stage });
    const merged = mergeFields(before?.fields ?? NOTHING_KNOWN, theirs, here ? fieldsOf(asThere(here)) : NOTHING_KNOWN);
    if (!here && before) return { version, outcome: "same" as const, left: [TAKEN_AWAY] };
    const outcome = outcomeOf(!here, changesOf(merged));
    const entry = entryStatement(source, "version", id, { localId: id, fields: merged.base });
    if (!dryRun && !here) await records.commit([...(await birth(model, there, { tags, stage, by })), entry]);
    else if (!dryRun && isWritten(outcome, before?.fields, merged.base)) {
      const [described, staged] = [changeOf("description", merged), changeOf("stage", merged)];
      if (described !== undefined || staged)
        await registered.changeVersion(model, version, { description: described, ...(staged && { stage: staged }) }, by);
      await tagAll(model, merged, by, version);
      await records.commit([entry]);
    }
    return { version, outcome, left: [...left, ...leftOf(merged)] };
  }

  async function birth(
    model: string,
    there: VersionThere,
    { tags, stage, by }: { readonly tags: readonly KeyValue[]; readonly stage: string; readonly by: By },
  ): Promise<Statement[]> {
    const { version, source, runId, runLink, modelId, description, createdAt, updatedAt } = there;
    return [
      {
        sql: `INSERT INTO registered_versions (model, version, id, source, location, run_id, run_link, model_id, actor, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        params: [model, version, newId(), source, await locationOf(there), runId, runLink, modelId, by.actor, createdAt],
        rows: 1,
      },
      {
        sql: "UPDATE registered_models SET last_version = CASE WHEN last_version > ? THEN last_version ELSE ? END WHERE name = ?",
        params: [version, version, model],
      },
      {
        sql: "INSERT INTO version_notes (model, version, description, stage, updated_at) VALUES (?, ?, ?, ?, ?)",
        params: [model, version, description, stage, updatedAt],
      },
      ...tags.map(({ key, value }) => ({
        sql: "INSERT INTO version_tags (model, version, key, value) VALUES (?, ?, ?, ?)",
        params: [model, version, key, value],
      })),
      told(
        { model, version, what: "version.created", detail: { source, runId, modelId, description, tags: tagsOf(tags) } },
        by,
        now(),
      ),
    ];
  }

  /** Where its files are here, when they were taken over; else where they were. */
  async function locationOf({ source, modelId, runId }: VersionThere): Promise<string> {
    const symbolic = /^models:\/+(m-[0-9a-f]{32})$/.exec(source)?.[1];
    const inModel = /^(?:mlflow-artifacts:|file:|\/).*\/models\/(m-[0-9a-f]{32})\/artifacts(?:\/(.*))?$/.exec(source);
    const inRun =
      /^(?:mlflow-artifacts:|file:|\/).*\/([\w-]+)\/artifacts(?:\/(.*))?$/.exec(source) ??
      /^runs:\/+([^/]+)(?:\/+(.*))?$/.exec(source);
    const model = symbolic ?? inModel?.[1] ?? (inRun ? undefined : (modelId ?? undefined));
    if (model !== undefined && !/^(?!mlflow-artifacts:|models:|runs:|file:)[a-z][a-z0-9+.-]+:/i.test(source)) {
      const found = await unless("logged-model.unknown", loggedModels.find(model, { deleted: true }));
      if (found) return [found.artifactUri, inModel?.[2]].filter(Boolean).join("/");
    }
    const [run] = inRun ? await tracking.runs([inRun[1] === runId || runId === null ? inRun[1]! : runId]) : [];
    if (run && inRun![1] === run.id) return [run.artifactUri, inRun![2]].filter(Boolean).join("/");
    const version = /^models:\/+([^/@:]+)\/(\d+)$/.exec(source);
    const other =
      version &&
      (await unless(
        "registry.unknown-version",
        unless("registry.unknown-model", registered.version(version[1]!, Number(version[2]))),
      ));
    return other?.location ?? source;
  }

  async function takeAliases(
    source: string,
    name: string,
    there: readonly { readonly alias: string; readonly version: number }[],
    by: By,
    dryRun: boolean,
  ): Promise<Taken> {
    const left: Left[] = [];
    const good = there.filter(({ alias }) => isKept(`alias ${alias}`, () => checkAlias(alias), left));
    const theirs = new Map(good.map(({ alias, version }) => [`alias ${alias}`, String(version)]));
    const here = await unless("registry.unknown-model", registered.find(name));
    const ours = new Map(Object.entries(here?.aliases ?? {}).map(([alias, version]) => [`alias ${alias}`, String(version)]));
    const before = (await entries.read(source, "aliases", [name])).get(name);
    const merged = mergeFields(before?.fields ?? NOTHING_KNOWN, theirs, ours);
    const outcome = outcomeOf(false, changesOf(merged));
    if (dryRun || !isWritten(outcome, before?.fields ?? NOTHING_KNOWN, merged.base))
      return { outcome, left: [...left, ...leftOf(merged)] };
    const base = new Map(merged.base);
    for (const [field, version] of [...merged.set, ...merged.without.map((field) => [field, null] as const)]) {
      const alias = field.slice("alias ".length);
      const why = await refusalLater(() =>
        version === null ? registered.removeAlias(name, alias, by) : registered.setAlias(name, alias, Number(version), by),
      );
      if (why === null) continue;
      left.push({ what: field, why });
      base.delete(field);
    }
    await records.commit([entryStatement(source, "aliases", name, { localId: name, fields: base })]);
    return { outcome, left: [...left, ...leftOf(merged)] };
  }

  async function tagAll(name: string, merged: ReturnType<typeof mergeFields>, by: By, version?: number): Promise<void> {
    const changes = tagChanges(merged);
    if (changes.length === 0) return;
    const set = Object.fromEntries(changes.flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
    const without = changes.flatMap(([key, value]) => (value === null ? [key] : []));
    await registered.tag(name, { set, without }, by, version);
  }
}

const fieldsOf = ({
  description,
  tags,
  stage,
}: {
  readonly description: string | null;
  readonly tags: readonly KeyValue[];
  readonly stage?: string | undefined;
}) =>
  new Map([
    ...(description === null ? [] : [["description", description] as const]),
    ...(stage === undefined ? [] : [["stage", stage] as const]),
    ...tagFields(tags),
  ]);

const asThere = ({ description, tags, ...rest }: RegisteredModel | RegisteredVersion) => ({
  description,
  tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
  stage: "stage" in rest ? rest.stage : undefined,
});

/** Why the version that has the number here is not the one that has it there; null: it is. */
function otherVersion(here: RegisteredVersion, there: VersionThere, isKnown: boolean): string | null {
  if (here.bundle !== null) return `the number ${there.version} is that of a version that the platform made`;
  if (isKnown || (here.source === there.source && here.runId === there.runId)) return null;
  return `the number ${there.version} is another version's here, of ${here.source}`;
}

/** Undefined: it stays; null: it goes. */
const changeOf = (field: string, { set, without }: ReturnType<typeof mergeFields>): string | null | undefined =>
  set.get(field) ?? (without.includes(field) ? null : undefined);

const keptTags = (tags: readonly KeyValue[], left: Left[]): KeyValue[] =>
  kept(tags, "tag", ({ key, value }) => refusalOf(() => checkTag(key, value)), left);

function stageOf(stage: string, left: Left[]): string {
  const why = refusalOf(() => stageNamed(stage));
  if (why !== null) left.push({ what: "stage", why });
  return why === null ? stageNamed(stage) : "None";
}

function isKept(what: string, check: () => unknown, left: Left[]): boolean {
  const why = refusalOf(check);
  if (why !== null) left.push({ what, why });
  return why === null;
}

function refusalOf(check: () => unknown): string | null {
  try {
    check();
    return null;
  } catch (thrown) {
    if (thrown instanceof MillError) return thrown.message;
    throw thrown;
  }
}

const refusalLater = (act: () => Promise<unknown>): Promise<string | null> =>
  act().then(
    () => null,
    (thrown) => {
      if (thrown instanceof MillError && thrown.code.startsWith("registry.")) return thrown.message;
      throw thrown;
    },
  );

const unless = <T>(code: string, asked: Promise<T>): Promise<T | undefined> =>
  asked.catch((error: { readonly code?: string }) => {
    if (error.code === code) return undefined;
    throw error;
  });

const tagsOf = (tags: readonly KeyValue[]) => Object.fromEntries(tags.map(({ key, value }) => [key, value]));
