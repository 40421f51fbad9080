/** What changes of registered models and versions are made of. */
import type { Param, Statement } from "../../ports/records/index.ts";
import type { Tags } from "../../train/index.ts";
import { dropAlias, historyStatement } from "../aliases.ts";
import { type Doer, told, toldOfNewest } from "../ledger.ts";

/** The tables that hold a model's name but its own; not the ledger, which says what it was called. */
const OF_MODEL = ["registered_model_tags", "registered_versions", "version_notes", "version_tags", "version_papers", "aliases"];
const OF_VERSION = ["version_notes", "version_tags", "version_papers"];

/** The model, or a version of it. */
export interface Place {
  readonly model: string;
  readonly version?: number | undefined;
}

/** A model that the platform made has no row before somebody says something of it. */
export const touch = (name: string, at: number): Statement[] => [
  {
    sql: `INSERT INTO registered_models (name, description, last_version, created_at, updated_at)
      SELECT ?, NULL, 0, ?, ? WHERE EXISTS (SELECT 1 FROM model_versions WHERE model = ?) ON CONFLICT DO NOTHING`,
    params: [name, at, at, name],
  },
  { sql: "UPDATE registered_models SET updated_at = ? WHERE name = ?", params: [at, name], rows: 1 },
];

export const renamed = (name: string, to: string, by: Doer, at: number): Statement[] => [
  {
    sql: `UPDATE registered_models SET name = ? WHERE name = ? AND NOT EXISTS (SELECT 1 FROM model_versions WHERE model IN (?, ?))
      AND NOT EXISTS (SELECT 1 FROM registered_models WHERE name = ?)`,
    params: [to, name, name, to, to],
    rows: 1,
  },
  ...OF_MODEL.map((table) => ({ sql: `UPDATE ${table} SET model = ? WHERE model = ?`, params: [to, name] })),
  told({ model: name, what: "model.renamed", name: to }, by, at),
  told({ model: to, what: "model.was", name }, by, at),
];

/** Only a model without bundles goes. */
export const deleted = (name: string, by: Doer, at: number): Statement[] => [
  {
    sql: "DELETE FROM registered_models WHERE name = ? AND NOT EXISTS (SELECT 1 FROM model_versions WHERE model = ?)",
    params: [name, name],
    rows: 1,
  },
  ...OF_MODEL.map((table) => ({ sql: `DELETE FROM ${table} WHERE model = ?`, params: [name] })),
  told({ model: name, what: "model.deleted" }, by, at),
];

export const versionDeleted = (
  name: string,
  { version, aliases }: { readonly version: number; readonly aliases: readonly string[] },
  by: Doer,
  at: number,
): Statement[] => [
  { sql: "DELETE FROM registered_versions WHERE model = ? AND version = ?", params: [name, version], rows: 1 },
  ...touch(name, at),
  ...OF_VERSION.map((table) => ({ sql: `DELETE FROM ${table} WHERE model = ? AND version = ?`, params: [name, version] })),
  ...aliases.flatMap((alias) => withoutAlias(name, alias, version, by, at)),
  told({ model: name, version, what: "version.deleted" }, by, at),
];

/** The next number of the model's one sequence, with what is said of the version. */
export function numbered(
  name: string,
  version: {
    readonly columns: Readonly<Record<string, Param>>;
    readonly description: string | null;
    readonly tags: Tags;
    readonly license: string | null;
  },
  by: Doer,
  at: number,
): Statement[] {
  const { columns, description, tags, license } = version;
  const [newest, ofModel] = ["SELECT name, last_version", "FROM registered_models WHERE name = ?"];
  const names = Object.keys(columns);
  const { source = "", run_id: runId = null, model_id: modelId = null } = columns as Record<string, string | null>;
  return [
    {
      sql: `UPDATE registered_models SET last_version = 1 + (SELECT max(number) FROM (SELECT last_version AS number UNION ALL
        SELECT version AS number FROM model_versions WHERE model = ?) AS numbers) WHERE name = ?`,
      params: [name, name],
    },
    {
      sql: `INSERT INTO registered_versions (model, version, ${names.join(", ")}) ${newest}, ${names.map(() => "?").join(", ")} ${ofModel}`,
      params: [...Object.values(columns), name],
    },
    {
      sql: `INSERT INTO version_notes (model, version, description, stage, updated_at) ${newest}, ?, 'None', ? ${ofModel}`,
      params: [description, at, name],
    },
    ...Object.entries(tags).map(([key, value]) => ({
      sql: `INSERT INTO version_tags (model, version, key, value) ${newest}, ?, ? ${ofModel}`,
      params: [key, value, name],
    })),
    ...(license === null
      ? []
      : [
          {
            sql: `INSERT INTO version_papers (model, version, content) ${newest}, ? ${ofModel}`,
            params: [JSON.stringify({ license }), name],
          },
        ]),
    toldOfNewest(
      { model: name, what: "version.created", detail: { source, runId, modelId, description, tags, license } },
      by,
      at,
    ),
  ];
}

/** A tag that is not there is not told to be taken away. */
export function untag({ model, version }: Place, key: string, by: Doer, at: number): Statement[] {
  const [table, what] =
    version === undefined
      ? (["registered_model_tags", "model.tag-removed"] as const)
      : (["version_tags", "version.tag-removed"] as const);
  const where = `model = ?${version === undefined ? "" : " AND version = ?"} AND key = ?`;
  const params = [model, ...(version === undefined ? [] : [version]), key];
  const isThere = { sql: `EXISTS (SELECT 1 FROM ${table} WHERE ${where})`, params };
  return [
    told({ model, version: version ?? null, what, name: key }, by, at, isThere),
    { sql: `DELETE FROM ${table} WHERE ${where}`, params },
  ];
}

export const tagged = ({ model, version }: Place, [key, value]: readonly [string, string], by: Doer, at: number): Statement[] => [
  version === undefined ? setModelTag(model, [key, value]) : setVersionTag(model, version, [key, value]),
  told(
    {
      ...{ model, version: version ?? null, name: key, detail: { value } },
      what: version === undefined ? "model.tag-set" : "version.tag-set",
    },
    by,
    at,
  ),
];

export const setModelTag = (name: string, [key, value]: readonly [string, string]): Statement => ({
  sql: "INSERT INTO registered_model_tags (model, key, value) VALUES (?, ?, ?) ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
  params: [name, key, value],
});

const setVersionTag = (name: string, version: number, [key, value]: readonly [string, string]): Statement => ({
  sql: `INSERT INTO version_tags (model, version, key, value) VALUES (?, ?, ?, ?)
    ON CONFLICT (model, version, key) DO UPDATE SET value = excluded.value`,
  params: [name, version, key, value],
});

export const note = (name: string, version: number, at: number): Statement => ({
  sql: `INSERT INTO version_notes (model, version, description, stage, updated_at) VALUES (?, ?, NULL, 'None', ?)
    ON CONFLICT (model, version) DO UPDATE SET updated_at = excluded.updated_at`,
  params: [name, version, at],
});

/** null: what its files say counts again. */
export const licensed = (name: string, version: number, license: string | null): Statement =>
  license === null
    ? { sql: "DELETE FROM version_papers WHERE model = ? AND version = ?", params: [name, version] }
    : {
        sql: `INSERT INTO version_papers (model, version, content) VALUES (?, ?, ?)
          ON CONFLICT (model, version) DO UPDATE SET content = excluded.content`,
        params: [name, version, JSON.stringify({ license })],
      };

export const withoutAlias = (model: string, alias: string, version: number, by: Doer, at: number): Statement[] => [
  dropAlias({ model, alias, version }),
  historyStatement({ model, alias, version, held: false }, by, at),
];
