import { type Digest, digestOfJson, MillError } from "../base/index.ts";
import type { Verdict } from "../contract/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import { pin } from "../ports/objects/index.ts";
import type { Records, Statement } from "../ports/records/index.ts";
import { type BundleManifest, readManifest } from "./bundle.ts";

export interface ModelVersion {
  readonly model: string;
  readonly version: number;
  /** Digest of the bundle's manifest: the version's identity. */
  readonly bundle: Digest;
  /** false: a gate refused it; it is kept, and gets no alias. */
  readonly passed: boolean;
  readonly verdict: Verdict;
  readonly card: Digest;
  readonly lineage: Lineage;
  readonly createdAt: number;
  readonly aliases: readonly string[];
}

/** Where a version comes from: the data set's version and the key of each step. */
export interface Lineage {
  readonly dataset: { readonly name: string; readonly version: number };
  readonly steps: Readonly<Record<string, Digest>>;
}

export interface NewVersion {
  readonly model: string;
  readonly bundle: Digest;
  readonly verdict: Verdict;
  readonly lineage: Lineage;
  /** Writes the model card once the version's number is known; Markdown. */
  card(version: number): Promise<string>;
  readonly actor: string;
}

export type Registered = { readonly version: ModelVersion; readonly changed: boolean };

/** Model versions, the aliases that point at them, and what happened to both. */
export interface Registry {
  /**
   * Adds a version, or finds the one with this bundle and keeps its new verdict. A passed version becomes `champion`, unless it was rolled back last.
   * One transaction; safe to repeat.
   */
  register(version: NewVersion): Promise<Registered>;
  /** Errors: `registry.unknown-model`, `registry.unknown-version`. */
  version(model: string, versionOrAlias: string | number): Promise<ModelVersion>;
  champion(model: string): Promise<ModelVersion | null>;
  /**
   * What a candidate must beat: the newest champion that is another model. One that was rolled back is out of the running, and a bundle that differs
   * only in words or environment (same trained model, same threshold) is the same model.
   */
  rivalOf(model: string, bundle: Digest): Promise<ModelVersion | null>;
  versions(model: string, page: { readonly limit: number; readonly before?: number }): Promise<ModelVersion[]>;
  manifest(version: ModelVersion): Promise<BundleManifest>;
  /** Points an alias at a version. */
  setAlias(model: string, alias: string, version: number, by: { readonly actor: string; readonly why: string }): Promise<void>;
  history(model: string): Promise<{ alias: string; version: number; at: number; actor: string; why: string }[]>;
}

export const CHAMPION_ALIAS = "champion";

export function createRegistry({
  records,
  objects,
  now = Date.now,
}: {
  records: Records;
  objects: Objects;
  now?: () => number;
}): Registry {
  const find = async (where: string, params: readonly (string | number)[]) => {
    const rows = await records.query<VersionRow>(`SELECT v.* FROM model_versions v WHERE ${where}`, params);
    return Promise.all(rows.map(async (row) => fromRow(row, await aliasesOf(row.model, row.version))));
  };

  const registry: Registry = {
    async register(candidate) {
      const [existing] = await find("v.model = ? AND v.bundle = ?", [candidate.model, candidate.bundle]);
      if (existing) return judgeAgain(existing, candidate);
      const [last] = await registry.versions(candidate.model, { limit: 1 });
      const number = (last?.version ?? 0) + 1;
      const card = await objects.put(Buffer.from(await candidate.card(number)));
      const outcome = await records.commit([
        insertVersion(candidate, number, card, now()),
        ...pin(holder(candidate.model, number), [candidate.bundle, card, ...(await held(candidate.bundle))]),
        ...(candidate.verdict.passed
          ? aliasStatements(candidate.model, CHAMPION_ALIAS, number, candidate.actor, "passed every gate", now())
          : []),
      ]);
      if (!outcome.committed) return registry.register(candidate);
      return { version: await registry.version(candidate.model, number), changed: true };
    },

    async version(model, versionOrAlias) {
      const number = Number(versionOrAlias);
      const [found] = Number.isInteger(number)
        ? await find("v.model = ? AND v.version = ?", [model, number])
        : await find("v.model = ? AND v.version = (SELECT version FROM aliases WHERE model = v.model AND alias = ?)", [
            model,
            versionOrAlias,
          ]);
      if (found) return found;
      throw await unknownVersion(registry, model, String(versionOrAlias));
    },

    async champion(model) {
      const [found] = await find(CHAMPION_IS, [model, CHAMPION_ALIAS]);
      return found ?? null;
    },

    async rivalOf(model, bundle) {
      const candidate = await readManifest(bundle, objects);
      for (const version of reigns(await registry.history(model)).reverse()) {
        const champion = await registry.version(model, version);
        if (!isSameModel(candidate, await registry.manifest(champion))) return champion;
      }
      return null;
    },

    versions: (model, { limit, before }) =>
      find(`v.model = ? AND v.version < ? ORDER BY v.version DESC LIMIT ?`, [model, before ?? Number.MAX_SAFE_INTEGER, limit]),

    manifest: (version) => readManifest(version.bundle, objects),

    async setAlias(model, alias, version, { actor, why }) {
      await registry.version(model, version);
      await records.commit(aliasStatements(model, alias, version, actor, why, now()));
    },

    history: (model) =>
      records.query("SELECT alias, version, at, actor, why FROM alias_history WHERE model = ? ORDER BY at", [model]),
  };

  /** The same model again: under other rules it may have another verdict, and after a detour it may be champion again. */
  async function judgeAgain(existing: ModelVersion, candidate: NewVersion): Promise<Registered> {
    const { model, version } = existing;
    const [lastReign] = (await registry.history(model)).filter(({ alias }) => alias === CHAMPION_ALIAS).reverse();
    const promote = candidate.verdict.passed && lastReign?.version !== version && lastReign?.why !== rolledBackFrom(version);
    const sameVerdict = digestOfJson(existing.verdict) === digestOfJson(candidate.verdict);
    if (sameVerdict && !promote) return { version: existing, changed: false };
    const card = await objects.put(Buffer.from(await candidate.card(version)));
    await records.commit([
      {
        sql: "UPDATE model_versions SET passed = ?, verdict = ?, card = ?, lineage = ? WHERE model = ? AND version = ?",
        params: [
          candidate.verdict.passed ? 1 : 0,
          JSON.stringify(candidate.verdict),
          card,
          JSON.stringify(candidate.lineage),
          model,
          version,
        ],
        rows: 1,
      },
      ...pin(holder(model, version), [card]),
      ...(promote ? aliasStatements(model, CHAMPION_ALIAS, version, candidate.actor, "passed every gate", now()) : []),
    ]);
    return { version: await registry.version(model, version), changed: true };
  }

  async function aliasesOf(model: string, version: number): Promise<string[]> {
    const rows = await records.query<{ alias: string }>(
      "SELECT alias FROM aliases WHERE model = ? AND version = ? ORDER BY alias",
      [model, version],
    );
    return rows.map(({ alias }) => alias);
  }

  async function held(bundle: Digest): Promise<Digest[]> {
    const { onnx, trained } = await readManifest(bundle, objects);
    return [onnx, trained];
  }
  return registry;
}

/** The versions that were champion, oldest first, without those that were rolled back. */
function reigns(history: Awaited<ReturnType<Registry["history"]>>): number[] {
  const champions: number[] = [];
  for (const { alias, version, why } of history) {
    if (alias !== CHAMPION_ALIAS) continue;
    if (champions.length > 0 && why === rolledBackFrom(champions.at(-1)!)) champions.pop();
    if (champions.at(-1) !== version) champions.push(version);
  }
  return champions;
}

const isSameModel = (a: BundleManifest, b: BundleManifest) => a.trained === b.trained && a.threshold === b.threshold;

interface VersionRow {
  model: string;
  version: number;
  bundle: Digest;
  passed: number;
  verdict: string;
  card: Digest;
  lineage: string;
  created_at: number;
}

const holder = (model: string, version: number) => `model/${model}/${version}`;

/** The reason under which an alias leaves a version that was rolled back: `register` does not bring that one back by itself. */
export const rolledBackFrom = (version: number) => `rolled back from version ${version}`;

const CHAMPION_IS = "v.model = ? AND v.version = (SELECT version FROM aliases WHERE model = v.model AND alias = ?)";

const fromRow = (row: VersionRow, aliases: readonly string[]): ModelVersion => ({
  model: row.model,
  version: row.version,
  bundle: row.bundle,
  passed: row.passed === 1,
  verdict: JSON.parse(row.verdict),
  card: row.card,
  lineage: JSON.parse(row.lineage),
  createdAt: row.created_at,
  aliases,
});

function insertVersion(candidate: NewVersion, version: number, card: Digest, at: number): Statement {
  const { model, bundle, verdict, lineage } = candidate;
  return {
    sql: `INSERT INTO model_versions (model, version, bundle, passed, verdict, card, lineage, created_at)
      SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM model_versions WHERE model = ? AND (version = ? OR bundle = ?))`,
    params: [
      model,
      version,
      bundle,
      verdict.passed ? 1 : 0,
      JSON.stringify(verdict),
      card,
      JSON.stringify(lineage),
      at,
      model,
      version,
      bundle,
    ],
    rows: 1,
  };
}

function aliasStatements(model: string, alias: string, version: number, actor: string, why: string, at: number): Statement[] {
  return [
    { sql: "DELETE FROM aliases WHERE model = ? AND alias = ?", params: [model, alias] },
    { sql: "INSERT INTO aliases (model, alias, version) VALUES (?, ?, ?)", params: [model, alias, version], rows: 1 },
    {
      // Later than all before it, whatever the clock says: the order of the history decides who reigns.
      sql: `INSERT INTO alias_history (model, alias, version, at, actor, why)
        SELECT ?, ?, ?, CASE WHEN newest >= ? THEN newest + 1 ELSE ? END, ?, ?
        FROM (SELECT coalesce(max(at), 0) AS newest FROM alias_history WHERE model = ?) AS before`,
      params: [model, alias, version, at, at, actor, why, model],
      rows: 1,
    },
  ];
}

async function unknownVersion(registry: Registry, model: string, asked: string): Promise<MillError> {
  const versions = await registry.versions(model, { limit: 20 });
  if (versions.length === 0) {
    return new MillError("registry.unknown-model", `The model "${model}" has no version.`, {
      got: model,
      fix: `Run \`mill run model/${model}\`.`,
    });
  }
  const known = versions.flatMap((v) => [String(v.version), ...v.aliases]);
  return new MillError("registry.unknown-version", `The model "${model}" has no version "${asked}".`, {
    expected: `one of ${known.join(", ")}`,
    got: asked,
    fix: `List them with \`mill status model/${model}\`.`,
  });
}
