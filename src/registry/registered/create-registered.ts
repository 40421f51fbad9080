/** Registered models on the records. Every change is one commit, which makes sure of the name and tells the ledger. */
import { MillError, newId } from "../../base/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { LoggedModels, Tags, Tracking } from "../../train/index.ts";
import { aliasStatements, CHALLENGER_ALIAS, CHAMPION_ALIAS } from "../aliases.ts";
import { told, toldOfStaged } from "../ledger.ts";
import type { RegisteredModels, RegisteredVersion } from "./registered.ts";
import { readModels, readVersions } from "./rows.ts";
import { checkAlias, checkModelName, checkTag, stageNamed } from "./rules.ts";
import { searchModels, searchVersions } from "./search.ts";
import { resolveSource } from "./sources.ts";
import {
  deleted,
  licensed,
  note,
  numbered,
  renamed,
  setModelTag,
  tagged,
  touch,
  untag,
  versionDeleted,
  withoutAlias,
} from "./statements.ts";

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
    async create({ name, description, tags = {} }, by) {
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
        told({ model: name, what: "model.created", detail: { description: description ?? null, tags } }, by, at),
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

    async change(name, { newName, description }, by) {
      const { gated: isGated } = await known(name);
      const [to, at] = [newName ?? name, now()];
      if (to !== name) {
        checkModelName(to);
        if (isGated) throw gated(name, "is defined by the project: it is renamed there");
      }
      const { committed } = await records.commit([
        ...touch(name, at),
        ...(description === undefined
          ? []
          : [
              { sql: "UPDATE registered_models SET description = ? WHERE name = ?", params: [description, name] },
              told({ model: name, what: "model.described", detail: { description } }, by, at),
            ]),
        ...(to === name ? [] : renamed(name, to, by, at)),
      ]);
      if (!committed) throw to !== name && (await standing(to)) !== null ? exists(to) : unknownModel(name);
      return registered.find(to);
    },

    async delete(name, by) {
      const { gated: isGated } = await known(name);
      if (isGated) throw gated(name, "has versions that the platform made: they are kept");
      const { committed } = await records.commit(deleted(name, by, now()));
      if (!committed) throw unknownModel(name);
    },

    search: async (search) => searchModels(await readModels(records), search),

    async tag(name, { set = {}, without = [] }, by, version) {
      checkTags(set);
      await known(name, version);
      const [place, at] = [{ model: name, version }, now()];
      const done = await records.commit([
        ...touch(name, at),
        ...without.flatMap((key) => untag(place, key, by, at)),
        ...Object.entries(set).flatMap((tag) => tagged(place, tag, by, at)),
        ...(version === undefined ? [] : [note(name, version, at)]),
      ]);
      if (!done.committed) throw unknownModel(name);
    },

    async setAlias(name, alias, version, by) {
      checkAlias(alias);
      requireFree(name, await known(name, version), alias);
      const done = await records.commit([...touch(name, now()), ...aliasStatements({ model: name, alias, version }, by, now())]);
      if (!done.committed) throw unknownModel(name);
    },

    async removeAlias(name, alias, by) {
      checkAlias(alias);
      const model = await known(name);
      const version = await versionOf(name, alias);
      if (version === undefined) return;
      requireFree(name, model, alias);
      await records.commit(withoutAlias(name, alias, version, by, now()));
    },

    async createVersion({ name, runLink, description, tags = {}, license, ...given }, by) {
      await known(name);
      checkTags(tags);
      const resolved = isPrompt(tags)
        ? { source: given.source, location: given.source, runId: given.runId ?? null, modelId: null }
        : await resolveSource(given, { tracking, loggedModels, version: sourceVersion });
      const { source, location, runId, modelId } = resolved;
      const [id, at] = [newId(), now()];
      const columns = {
        ...{ id, source, location, run_id: runId, run_link: runLink ?? null, model_id: modelId },
        ...{ actor: by.actor, created_at: at },
      };
      const version = { columns, description: description ?? null, tags, license: license ?? null };
      const done = await records.commit([...touch(name, at), ...numbered(name, version, by, at)]);
      if (!done.committed) throw unknownModel(name);
      const [row] = await records.query<{ version: number }>("SELECT version FROM registered_versions WHERE id = ?", [id]);
      return registered.version(name, row!.version);
    },

    async version(name, version) {
      checkModelName(name);
      const [found] = await readVersions(records, "v.model = ? AND v.version = ?", [name, version]);
      if (found) return found;
      await known(name);
      throw unknownVersion(name, version);
    },

    async versionByAlias(name, alias) {
      await known(name);
      const version = (alias.toLowerCase() === "latest" ? await newest(name) : null) ?? (await versionOf(name, alias));
      if (version !== undefined) return registered.version(name, version);
      const aliases = await records.query<{ alias: string }>("SELECT alias FROM aliases WHERE model = ? ORDER BY alias", [name]);
      throw new MillError("registry.unknown-alias", `Registered model alias ${alias.slice(0, 100)} not found.`, {
        expected: `one of ${aliases.map((one) => one.alias).join(", ") || "none so far"}`,
        got: alias.slice(0, 100),
        fix: "Set the alias first, or ask for a version by its number.",
      });
    },

    async changeVersion(name, version, { description, stage, archiveOthers = false, license }, by) {
      const to = stage === undefined ? undefined : stageNamed(stage);
      if (archiveOthers && to !== "Staging" && to !== "Production")
        throw new MillError(
          "registry.stage",
          `Model version transition cannot archive existing model versions because '${stage}' is not an Active stage. Valid stages are ['Staging', 'Production']`,
          { at: "archive_existing_versions", fix: "Leave it out." },
        );
      await known(name, version);
      const at = now();
      const staged = { model: name, version, what: "version.staged" } as const;
      await records.commit([
        ...touch(name, at),
        ...(archiveOthers
          ? [
              toldOfStaged({ ...staged, stage: to!, detail: { stage: "Archived" } }, by, at),
              {
                sql: "UPDATE version_notes SET stage = 'Archived', updated_at = ? WHERE model = ? AND version <> ? AND stage = ?",
                params: [at, name, version, to!],
              },
            ]
          : []),
        note(name, version, at),
        ...(to === undefined
          ? []
          : [
              { sql: "UPDATE version_notes SET stage = ? WHERE model = ? AND version = ?", params: [to, name, version] },
              told({ ...staged, detail: { stage: to } }, by, at),
            ]),
        ...(description === undefined
          ? []
          : [
              {
                sql: "UPDATE version_notes SET description = ? WHERE model = ? AND version = ?",
                params: [description, name, version],
              },
              told({ model: name, version, what: "version.described", detail: { description } }, by, at),
            ]),
        ...(license === undefined
          ? []
          : [
              licensed(name, version, license),
              told({ model: name, version, what: "version.described", detail: { license } }, by, at),
            ]),
      ]);
      return registered.version(name, version);
    },

    async deleteVersion(name, version, by) {
      const found = await registered.version(name, version);
      if (found.bundle !== null) throw gated(name, `has the version ${version} from the platform: it is kept`);
      const { committed } = await records.commit(versionDeleted(name, found, by, now()));
      if (!committed) throw unknownVersion(name, version);
    },

    searchVersions: async (search) => searchVersions(await readVersions(records), search),

    async named() {
      const rows = await records.query<{ runId: string | null; modelId: string | null }>(
        `SELECT run_id AS "runId", model_id AS "modelId" FROM registered_versions`,
      );
      return {
        runIds: new Set(rows.flatMap(({ runId }) => runId ?? [])),
        modelIds: new Set(rows.flatMap(({ modelId }) => modelId ?? [])),
      };
    },
  };

  async function sourceVersion(name: string, which: string) {
    const found = /^\d+$/.test(which)
      ? await registered.version(name, Number(which))
      : await registered.versionByAlias(name, which);
    if (found.location !== null) return { ...found, location: found.location };
    throw gated(name, `has the version ${found.version} from the platform: it is no model of MLflow's`);
  }

  /** Whether gates decide of it; null: there is none of this name. */
  async function standing(name: string): Promise<Standing | null> {
    const [found] = await records.query<{ named: number; bundles: number }>(
      `SELECT (SELECT count(*) FROM registered_models WHERE name = ?) AS named, (SELECT count(*) FROM model_versions WHERE model = ?) AS bundles`,
      [name, name],
    );
    return Number(found!.named) + Number(found!.bundles) === 0 ? null : { gated: Number(found!.bundles) > 0 };
  }

  /** Errors: `registry.name`, `registry.unknown-model`, `registry.unknown-version`. */
  async function known(name: string, version?: number): Promise<Standing> {
    checkModelName(name);
    const found = await standing(name);
    if (found === null) throw unknownModel(name);
    if (version === undefined) return found;
    const rows = await records.query(
      `SELECT 1 AS here FROM registered_versions WHERE model = ? AND version = ?
        UNION ALL SELECT 1 AS here FROM model_versions WHERE model = ? AND version = ?`,
      [name, version, name, version],
    );
    if (rows.length === 0) throw unknownVersion(name, version);
    return found;
  }

  async function versionOf(name: string, alias: string): Promise<number | undefined> {
    const [row] = await records.query<{ version: number }>("SELECT version FROM aliases WHERE model = ? AND alias = ?", [
      name,
      alias,
    ]);
    return row?.version;
  }

  async function newest(name: string): Promise<number | null> {
    const [row] = await records.query<{ version: number | null }>(
      "SELECT max(version) AS version FROM (SELECT version FROM registered_versions WHERE model = ? UNION ALL SELECT version FROM model_versions WHERE model = ?) AS numbers",
      [name, name],
    );
    return row?.version ?? null;
  }

  return registered;
}

interface Standing {
  /** It has bundles: gates decide what is champion and challenger. */
  readonly gated: boolean;
}

function checkTags(tags: Tags): void {
  for (const [key, value] of Object.entries(tags)) checkTag(key, value);
}

const isPrompt = (tags: Tags): boolean => tags["mlflow.prompt.is_prompt"]?.toLowerCase() === "true";

/** Errors: `registry.gated`. */
function requireFree(name: string, { gated: isGated }: Standing, alias: string): void {
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
