/** Registered models on the records. Every change is one commit, whose first statement makes sure of the name. */
import { MillError, newId } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { LoggedModels, Tags, Tracking } from "../../train/index.ts";
import { aliasStatements, CHALLENGER_ALIAS, CHAMPION_ALIAS, dropAlias, historyStatement } from "../aliases.ts";
import type { RegisteredModel, RegisteredModels, RegisteredVersion } from "./registered.ts";
import { readModels, readVersions } from "./rows.ts";
import { checkAlias, checkModelName, checkTag, stageNamed } from "./rules.ts";
import { searchModels, searchVersions } from "./search.ts";
import { resolveSource } from "./sources.ts";

export interface RegisteredModelsResources {
  readonly records: Records;
  readonly tracking: Pick<Tracking, "run">;
  readonly loggedModels: Pick<LoggedModels, "find">;
  readonly now?: () => number;
}

export function createRegisteredModels({
  records,
  tracking,
  loggedModels,
  now = Date.now,
}: RegisteredModelsResources): RegisteredModels {
  const registered: RegisteredModels = {
    async create({ name, description, tags = {} }) {
      checkModelName(name);
      checkTags(tags);
      const at = now();
      const { committed } = await records.commit([
        {
          sql: `INSERT INTO registered_models (name, description, last_version, created_at, updated_at) SELECT ?, ?, 0, ?, ?
            WHERE NOT EXISTS (SELECT 1 FROM registered_models WHERE name = ?) AND NOT EXISTS (SELECT 1 FROM model_versions WHERE model = ?)`,
          params: [name, description ?? null, at, at, name, name],
          rows: 1,
        },
        ...Object.entries(tags).map((tag) => setModelTag(name, tag)),
      ]);
      if (!committed) throw exists(name);
      return registered.find(name);
    },

    async find(name) {
      checkModelName(name);
      const [model] = await readModels(records, "n.name = ?", [name]);
      if (model) return model;
      throw unknownModel(name);
    },

    async change(name, { newName, description }) {
      const model = await registered.find(name);
      const to = newName ?? name;
      if (to !== name) {
        checkModelName(to);
        if (model.gated) throw gated(name, "is defined by the project: it is renamed there");
      }
      const { committed } = await records.commit([
        ...touch(name, now()),
        ...(description === undefined
          ? []
          : [{ sql: "UPDATE registered_models SET description = ? WHERE name = ?", params: [description, name] }]),
        ...(to === name ? [] : renamed(name, to)),
      ]);
      if (!committed) throw (await isTaken(to)) && to !== name ? exists(to) : unknownModel(name);
      return registered.find(to);
    },

    async delete(name) {
      const model = await registered.find(name);
      if (model.gated) throw gated(name, "has versions that the platform made: they are kept");
      const { committed } = await records.commit([
        {
          sql: "DELETE FROM registered_models WHERE name = ? AND NOT EXISTS (SELECT 1 FROM model_versions WHERE model = ?)",
          params: [name, name],
          rows: 1,
        },
        ...OF_MODEL.map((table) => ({ sql: `DELETE FROM ${table} WHERE model = ?`, params: [name] })),
      ]);
      if (!committed) throw unknownModel(name);
    },

    search: async (search) => searchModels(await readModels(records), search),

    async tag(name, { set = {}, without = [] }, version) {
      checkTags(set);
      if (version === undefined) await registered.find(name);
      else await registered.version(name, version);
      const at = now();
      const done = await records.commit([
        ...touch(name, at),
        ...(version === undefined
          ? [
              ...without.map((key) => ({
                sql: "DELETE FROM registered_model_tags WHERE model = ? AND key = ?",
                params: [name, key],
              })),
              ...Object.entries(set).map((tag) => setModelTag(name, tag)),
            ]
          : [
              ...without.map((key) => ({
                sql: "DELETE FROM version_tags WHERE model = ? AND version = ? AND key = ?",
                params: [name, version, key],
              })),
              ...Object.entries(set).map(([key, value]) => ({
                sql: `INSERT INTO version_tags (model, version, key, value) VALUES (?, ?, ?, ?)
                  ON CONFLICT (model, version, key) DO UPDATE SET value = excluded.value`,
                params: [name, version, key, value],
              })),
              note(name, version, at),
            ]),
      ]);
      if (!done.committed) throw unknownModel(name);
    },

    async setAlias(name, alias, version, by) {
      checkAlias(alias);
      requireFree(await registered.find(name), alias);
      await registered.version(name, version);
      const done = await records.commit([...touch(name, now()), ...aliasStatements({ model: name, alias, version }, by, now())]);
      if (!done.committed) throw unknownModel(name);
    },

    async removeAlias(name, alias, by) {
      checkAlias(alias);
      const model = await registered.find(name);
      const version = model.aliases[alias];
      if (version === undefined) return;
      requireFree(model, alias);
      await records.commit(withoutAlias(name, alias, version, by, now()));
    },

    async createVersion({ name, runLink, description, tags = {}, actor, ...given }) {
      await registered.find(name);
      checkTags(tags);
      const resolved = isPrompt(tags)
        ? { source: given.source, location: given.source, runId: given.runId ?? null, modelId: null }
        : await resolveSource(given, { tracking, loggedModels, version: sourceVersion });
      const { source, location, runId, modelId } = resolved;
      const [id, at] = [newId(), now()];
      const numbered = "SELECT name, last_version";
      const ofModel = "FROM registered_models WHERE name = ?";
      const done = await records.commit([
        ...touch(name, at),
        {
          sql: `UPDATE registered_models SET last_version = 1 + (SELECT max(number) FROM (SELECT last_version AS number UNION ALL
            SELECT version AS number FROM model_versions WHERE model = ?) AS numbers) WHERE name = ?`,
          params: [name, name],
        },
        {
          sql: `INSERT INTO registered_versions (model, version, id, source, location, run_id, run_link, model_id, actor, created_at)
            ${numbered}, ?, ?, ?, ?, ?, ?, ?, ? ${ofModel}`,
          params: [id, source, location, runId, runLink ?? null, modelId, actor, at, name],
        },
        {
          sql: `INSERT INTO version_notes (model, version, description, stage, updated_at) ${numbered}, ?, 'None', ? ${ofModel}`,
          params: [description ?? null, at, name],
        },
        ...Object.entries(tags).map(([key, value]) => ({
          sql: `INSERT INTO version_tags (model, version, key, value) ${numbered}, ?, ? ${ofModel}`,
          params: [key, value, name],
        })),
      ]);
      if (!done.committed) throw unknownModel(name);
      const [row] = await records.query<{ version: number }>("SELECT version FROM registered_versions WHERE id = ?", [id]);
      return registered.version(name, row!.version);
    },

    async version(name, version) {
      checkModelName(name);
      const [found] = await readVersions(records, "v.model = ? AND v.version = ?", [name, version]);
      if (found) return found;
      await registered.find(name);
      throw unknownVersion(name, version);
    },

    async versionByAlias(name, alias) {
      const { aliases } = await registered.find(name);
      if (alias.toLowerCase() === "latest") {
        const [newest] = await records.query<{ version: number | null }>(
          "SELECT max(version) AS version FROM (SELECT version FROM registered_versions WHERE model = ? UNION ALL SELECT version FROM model_versions WHERE model = ?) AS numbers",
          [name, name],
        );
        if (newest?.version) return registered.version(name, newest.version);
      }
      const version = aliases[alias];
      if (version !== undefined) return registered.version(name, version);
      throw new MillError("registry.unknown-alias", `Registered model alias ${alias.slice(0, 100)} not found.`, {
        expected: `one of ${Object.keys(aliases).join(", ") || "none so far"}`,
        got: alias.slice(0, 100),
        fix: "Set the alias first, or ask for a version by its number.",
      });
    },

    async changeVersion(name, version, { description, stage, archiveOthers = false }) {
      const to = stage === undefined ? undefined : stageNamed(stage);
      if (archiveOthers && to !== "Staging" && to !== "Production")
        throw new MillError(
          "registry.stage",
          `Model version transition cannot archive existing model versions because '${stage}' is not an Active stage. Valid stages are ['Staging', 'Production']`,
          { at: "archive_existing_versions", fix: "Leave it out." },
        );
      await registered.version(name, version);
      const at = now();
      await records.commit([
        ...touch(name, at),
        ...(archiveOthers
          ? [
              {
                sql: "UPDATE version_notes SET stage = 'Archived', updated_at = ? WHERE model = ? AND version <> ? AND stage = ?",
                params: [at, name, version, to!],
              },
            ]
          : []),
        note(name, version, at),
        ...(to === undefined
          ? []
          : [{ sql: "UPDATE version_notes SET stage = ? WHERE model = ? AND version = ?", params: [to, name, version] }]),
        ...(description === undefined
          ? []
          : [
              {
                sql: "UPDATE version_notes SET description = ? WHERE model = ? AND version = ?",
                params: [description, name, version],
              },
            ]),
      ]);
      return registered.version(name, version);
    },

    async deleteVersion(name, version, by) {
      const found = await registered.version(name, version);
      if (found.bundle !== null) throw gated(name, `has the version ${version} from the platform: it is kept`);
      const at = now();
      const { committed } = await records.commit([
        { sql: "DELETE FROM registered_versions WHERE model = ? AND version = ?", params: [name, version], rows: 1 },
        ...touch(name, at),
        { sql: "DELETE FROM version_notes WHERE model = ? AND version = ?", params: [name, version] },
        { sql: "DELETE FROM version_tags WHERE model = ? AND version = ?", params: [name, version] },
        ...found.aliases.flatMap((alias) => withoutAlias(name, alias, version, by, at)),
      ]);
      if (!committed) throw unknownVersion(name, version);
    },

    async searchVersions(search) {
      return searchVersions(await readVersions(records), search);
    },
  };

  async function sourceVersion(name: string, which: string) {
    const found = /^\d+$/.test(which)
      ? await registered.version(name, Number(which))
      : await registered.versionByAlias(name, which);
    if (found.location !== null) return { ...found, location: found.location };
    throw gated(name, `has the version ${found.version} from the platform: it is no model of MLflow's`);
  }

  async function isTaken(name: string): Promise<boolean> {
    return (await readModels(records, "n.name = ?", [name])).length > 0;
  }

  return registered;
}

/** The tables that hold a model's name but its own; not what happened to its aliases. */
const OF_MODEL = ["registered_model_tags", "registered_versions", "version_notes", "version_tags", "aliases"];

/** A model that the platform made has no row before somebody says something of it. */
const touch = (name: string, at: number): Statement[] => [
  {
    sql: `INSERT INTO registered_models (name, description, last_version, created_at, updated_at)
      SELECT ?, NULL, 0, ?, ? WHERE EXISTS (SELECT 1 FROM model_versions WHERE model = ?) ON CONFLICT DO NOTHING`,
    params: [name, at, at, name],
  },
  { sql: "UPDATE registered_models SET updated_at = ? WHERE name = ?", params: [at, name], rows: 1 },
];

const renamed = (name: string, to: string): Statement[] => [
  {
    sql: `UPDATE registered_models SET name = ? WHERE name = ? AND NOT EXISTS (SELECT 1 FROM model_versions WHERE model IN (?, ?))
      AND NOT EXISTS (SELECT 1 FROM registered_models WHERE name = ?)`,
    params: [to, name, name, to, to],
    rows: 1,
  },
  ...[...OF_MODEL, "alias_history"].map((table) => ({
    sql: `UPDATE ${table} SET model = ? WHERE model = ?`,
    params: [to, name],
  })),
];

const setModelTag = (name: string, [key, value]: readonly [string, string]): Statement => ({
  sql: "INSERT INTO registered_model_tags (model, key, value) VALUES (?, ?, ?) ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
  params: [name, key, value],
});

const note = (name: string, version: number, at: number): Statement => ({
  sql: `INSERT INTO version_notes (model, version, description, stage, updated_at) VALUES (?, ?, NULL, 'None', ?)
    ON CONFLICT (model, version) DO UPDATE SET updated_at = excluded.updated_at`,
  params: [name, version, at],
});

const withoutAlias = (
  model: string,
  alias: string,
  version: number,
  by: Parameters<typeof historyStatement>[1],
  at: number,
): Statement[] => [dropAlias({ model, alias, version }), historyStatement({ model, alias, version, held: false }, by, at)];

function checkTags(tags: Tags): void {
  for (const [key, value] of Object.entries(tags)) checkTag(key, value);
}

const isPrompt = (tags: Tags): boolean => tags["mlflow.prompt.is_prompt"]?.toLowerCase() === "true";

/** Errors: `registry.gated`. */
function requireFree({ name, gated: isGated }: RegisteredModel, alias: string): void {
  if (isGated && (alias === CHAMPION_ALIAS || alias === CHALLENGER_ALIAS))
    throw gated(name, `has its ${alias} from the gates that its versions pass, and by rollback`);
}

const exists = (name: string) =>
  new MillError("registry.exists", `Registered Model (name=${name}) already exists.`, {
    got: name,
    fix: "Register a version of it, or choose another name.",
  });

const unknownModel = (name: string) =>
  new MillError("registry.unknown-model", `Registered Model with name=${name} not found`, {
    got: name,
    fix: "List the registered models.",
  });

const unknownVersion = (name: string, version: RegisteredVersion["version"]) =>
  new MillError("registry.unknown-version", `Model Version (name=${name}, version=${version}) not found`, {
    got: String(version),
    fix: "List the versions of the model.",
  });

const gated = (name: string, why: string) =>
  new MillError("registry.gated", `The model "${name}" ${why}.`, {
    got: name,
    fix: "Change mill.ts and run it; other aliases, tags and descriptions may be set.",
  });
