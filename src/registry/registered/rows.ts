/** Rows of registered models and versions, of both kinds, as they are read. */
import type { Digest } from "../../base/index.ts";
import type { Param, Records } from "../../ports/records/index.ts";
import type { Tags } from "../../train/index.ts";
import type { RegisteredModel, RegisteredVersion } from "./registered.ts";
import type { Stage } from "./rules.ts";

/** As many names as one statement takes. */
const NAMES_MAX = 400;

/** A model's row, its name in bundles alone where it has none. */
const MODELS = `SELECT n.name, r.description, r.created_at, r.updated_at, b.first_at, b.last_at
  FROM (SELECT name FROM registered_models UNION SELECT model AS name FROM model_versions) n
  LEFT JOIN registered_models r ON r.name = n.name
  LEFT JOIN (SELECT model, min(created_at) AS first_at, max(created_at) AS last_at FROM model_versions GROUP BY model) b ON b.model = n.name`;

const VERSIONS = `SELECT v.*, n.description, n.stage, n.updated_at FROM (
    SELECT model, version, source, location, run_id, run_link, model_id, actor, created_at, NULL AS bundle, NULL AS passed FROM registered_versions
    UNION ALL SELECT model, version, NULL, NULL, NULL, NULL, NULL, NULL, created_at, bundle, passed FROM model_versions) v
  LEFT JOIN version_notes n ON n.model = v.model AND n.version = v.version`;

/** `where` speaks of `n.name`. */
export async function readModels(records: Records, where = "1 = 1", params: readonly Param[] = []): Promise<RegisteredModel[]> {
  const rows = await records.query<ModelRow>(`${MODELS} WHERE ${where}`, params);
  const names = rows.map(({ name }) => name);
  const [tags, aliases, versions] = await Promise.all([
    inParts(names, (some, places) =>
      records.query<TagRow>(`SELECT model, key, value FROM registered_model_tags WHERE model IN (${places}) ORDER BY key`, some),
    ),
    inParts(names, (some, places) =>
      records.query<AliasRow>(`SELECT model, alias, version FROM aliases WHERE model IN (${places}) ORDER BY alias`, some),
    ),
    inParts(names, (some, places) => readVersions(records, `v.model IN (${places}) AND NOT EXISTS (${LATER})`, some)),
  ]);
  const [tagsOf, aliasesOf] = [grouped(tags), grouped(aliases)];
  const versionsOf = Map.groupBy(versions, ({ name }) => name);
  return rows.map(({ name, description, created_at, updated_at, first_at, last_at }) => ({
    name,
    description,
    createdAt: Math.min(created_at ?? Number.POSITIVE_INFINITY, first_at ?? Number.POSITIVE_INFINITY),
    updatedAt: Math.max(updated_at ?? 0, last_at ?? 0),
    tags: tagsIn(tagsOf.get(name)),
    aliases: Object.fromEntries((aliasesOf.get(name) ?? []).map(({ alias, version }) => [alias, version])),
    gated: first_at !== null,
    latest: versionsOf.get(name) ?? [],
  }));
}

/** One of the same stage that is newer. */
const LATER = `SELECT 1 FROM (SELECT model, version FROM registered_versions UNION ALL SELECT model, version FROM model_versions) l
  LEFT JOIN version_notes ln ON ln.model = l.model AND ln.version = l.version
  WHERE l.model = v.model AND l.version > v.version AND coalesce(ln.stage, 'None') = coalesce(n.stage, 'None')`;

/** `where` speaks of `v.model` and `v.version`. */
export async function readVersions(
  records: Records,
  where = "1 = 1",
  params: readonly Param[] = [],
): Promise<RegisteredVersion[]> {
  const rows = await records.query<VersionRow>(`${VERSIONS} WHERE ${where} ORDER BY v.model, v.version`, params);
  const names = [...new Set(rows.map(({ model }) => model))];
  const [tags, aliases] = await Promise.all([
    inParts(names, (some, places) =>
      records.query<TagRow & { readonly version: number }>(
        `SELECT model, version, key, value FROM version_tags WHERE model IN (${places}) ORDER BY key`,
        some,
      ),
    ),
    inParts(names, (some, places) =>
      records.query<AliasRow>(`SELECT model, alias, version FROM aliases WHERE model IN (${places}) ORDER BY alias`, some),
    ),
  ]);
  const [tagsOf, aliasesOf] = [byVersion(tags), byVersion(aliases)];
  return rows.map((row) => ({
    ...{ name: row.model, version: row.version, description: row.description, location: row.location, actor: row.actor },
    source: row.source ?? `mill:/${row.model}/${row.version}`,
    runId: row.run_id,
    runLink: row.run_link,
    modelId: row.model_id,
    stage: row.stage ?? "None",
    createdAt: row.created_at,
    updatedAt: row.updated_at ?? row.created_at,
    tags: tagsIn(tagsOf.get(placeOf(row))),
    aliases: (aliasesOf.get(placeOf(row)) ?? []).map(({ alias }) => alias),
    bundle: row.bundle,
    passed: row.passed === null ? null : Number(row.passed) === 1,
  }));
}

async function inParts<T>(
  names: readonly string[],
  read: (some: readonly string[], places: string) => Promise<T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (let at = 0; at < names.length; at += NAMES_MAX) {
    const some = names.slice(at, at + NAMES_MAX);
    found.push(...(await read(some, some.map(() => "?").join(", "))));
  }
  return found;
}

const grouped = <T extends { readonly model: string }>(rows: readonly T[]) => Map.groupBy(rows, ({ model }) => model);
const placeOf = ({ model, version }: { readonly model: string; readonly version: number }) => `${model}/${version}`;
const byVersion = <T extends { readonly model: string; readonly version: number }>(rows: readonly T[]) =>
  Map.groupBy(rows, placeOf);
const tagsIn = (rows: readonly TagRow[] = []): Tags => Object.fromEntries(rows.map(({ key, value }) => [key, value]));

interface ModelRow {
  readonly name: string;
  readonly description: string | null;
  readonly created_at: number | null;
  readonly updated_at: number | null;
  /** Of its bundles; null: it has none. */
  readonly first_at: number | null;
  readonly last_at: number | null;
}

interface VersionRow {
  readonly model: string;
  readonly version: number;
  readonly source: string | null;
  readonly location: string | null;
  readonly run_id: string | null;
  readonly run_link: string | null;
  readonly model_id: string | null;
  readonly actor: string | null;
  readonly created_at: number;
  readonly bundle: Digest | null;
  readonly passed: number | null;
  readonly description: string | null;
  readonly stage: Stage | null;
  readonly updated_at: number | null;
}

interface TagRow {
  readonly model: string;
  readonly key: string;
  readonly value: string;
}

interface AliasRow {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
}
