import { type Digest, digestOfJson, MillError } from "../base/index.ts";
import type { Verdict } from "../contract/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import { pin, readJson } from "../ports/objects/index.ts";
import type { Records, Statement } from "../ports/records/index.ts";
import type { ForeignModel } from "../train/index.ts";
import { aliasStatements, CHALLENGER_ALIAS, CHAMPION_ALIAS, dropAlias, historyStatement } from "./aliases.ts";
import { type BundleManifest, partsOf, readManifest } from "./bundle.ts";
import { type By, readEntries, told } from "./ledger.ts";

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
  /** Objects beside its own that stay as long as it does: the rows that it was made from. */
  readonly keeps?: readonly Digest[];
  /** What it becomes when it passed: `challenger` where a rollout goes first. Default `champion`. */
  readonly standing?: "champion" | "challenger";
  /** Writes the model card once the version's number is known; Markdown. */
  card(version: number): Promise<string>;
  readonly actor: string;
}

export interface AliasChange {
  readonly alias: string;
  readonly version: number;
  /** false: the alias was taken from the version. */
  readonly held: boolean;
  readonly at: number;
  readonly actor: string;
  readonly why: string;
}

export type Registered = { readonly version: ModelVersion; readonly changed: boolean };

/** Model versions, the aliases that point at them, and what happened to both. */
export interface Registry {
  /**
   * Adds a version, or finds the one with this bundle and keeps its new verdict. A passed version gets the alias of its standing, unless it was rolled
   * back or retired last. One transaction; safe to repeat.
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
  setAlias(model: string, alias: string, version: number, by: By): Promise<void>;
  /** Makes a version the champion, and no challenger any more. Safe to repeat. Errors: as `version`. */
  promote(model: string, version: number, by: By): Promise<void>;
  /**
   * A version is no challenger any more, and `register` does not make it champion or challenger again until another has become champion.
   * Safe to repeat. Errors: as `version`.
   */
  retire(model: string, version: number, by: By): Promise<void>;
  /** The version that each alias points at. */
  aliases(model: string): Promise<Record<string, number>>;
  /** Oldest first. */
  history(model: string): Promise<AliasChange[]>;
}

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
      const next = await nextNumber(candidate.model);
      const { number } = next;
      const card = await objects.put(Buffer.from(await candidate.card(number)));
      const outcome = await records.commit([
        insertVersion(candidate, number, card, now()),
        ...toldOfBundle(candidate, next, now()),
        ...pin(holder(candidate.model, number), [
          candidate.bundle,
          card,
          ...(await held(candidate.bundle)),
          ...(candidate.keeps ?? []),
        ]),
        ...(candidate.verdict.passed ? standingStatements(candidate, number, now()) : []),
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
        const [champion] = await find("v.model = ? AND v.version = ?", [model, version]); // none: a version without a bundle, that somebody registered
        if (champion && !isSameModel(candidate, await registry.manifest(champion))) return champion;
      }
      return null;
    },

    versions: (model, { limit, before }) =>
      find(`v.model = ? AND v.version < ? ORDER BY v.version DESC LIMIT ?`, [model, before ?? Number.MAX_SAFE_INTEGER, limit]),

    manifest: (version) => readManifest(version.bundle, objects),

    async setAlias(model, alias, version, by) {
      await registry.version(model, version);
      await records.commit(aliasStatements({ model, alias, version }, by, now()));
    },

    async promote(model, version, by) {
      const { aliases } = await registry.version(model, version);
      await records.commit([
        dropAlias({ model, alias: CHALLENGER_ALIAS, version }),
        ...(aliases.includes(CHAMPION_ALIAS) ? [] : aliasStatements({ model, alias: CHAMPION_ALIAS, version }, by, now())),
      ]);
    },

    async retire(model, version, by) {
      await registry.version(model, version);
      if (isRetired(await registry.history(model), version)) return;
      const challenger = { model, alias: CHALLENGER_ALIAS, version };
      await records.commit([dropAlias(challenger), historyStatement({ ...challenger, held: false }, by, now())]);
    },

    async aliases(model) {
      const rows = await records.query<{ alias: string; version: number }>(
        "SELECT alias, version FROM aliases WHERE model = ? ORDER BY alias",
        [model],
      );
      return Object.fromEntries(rows.map(({ alias, version }) => [alias, version]));
    },

    async history(model) {
      const entries = await readEntries(records, "model = ? AND what IN ('alias.set', 'alias.removed') ORDER BY seq", [model]);
      return entries.map(({ what, name, version, at, actor, why }) => ({
        ...{ alias: name!, version: version!, held: what === "alias.set" },
        ...{ at, actor, why },
      }));
    },
  };

  /** The same model again: under other rules it may have another verdict, and after a detour it may be champion again. */
  async function judgeAgain(existing: ModelVersion, candidate: NewVersion): Promise<Registered> {
    const { model, version } = existing;
    const rises = candidate.verdict.passed && mayRise(await registry.history(model), existing, candidate);
    const sameVerdict = digestOfJson(existing.verdict) === digestOfJson(candidate.verdict);
    if (sameVerdict && !rises) return { version: existing, changed: false };
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
      told({ model, version, what: "version.judged", detail: verdictIn(candidate) }, candidate, now()),
      ...pin(holder(model, version), [card]),
      ...(rises ? standingStatements(candidate, version, now()) : []),
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

  /** Numbers are shared with versions that people register. */
  async function nextNumber(model: string): Promise<NextNumber> {
    const [row] = await records.query<{ last: number | null }>(
      `SELECT max(number) AS last FROM (SELECT version AS number FROM model_versions WHERE model = ?
        UNION ALL SELECT last_version AS number FROM registered_models WHERE name = ?) AS numbers`,
      [model, model],
    );
    const last = row?.last ?? null;
    return { number: (last ?? 0) + 1, isNew: last === null };
  }

  async function held(bundle: Digest): Promise<Digest[]> {
    const { onnx, trained, python } = await readManifest(bundle, objects);
    const parts = python === undefined || python.form === "inline" ? {} : partsOf(await readJson<ForeignModel>(objects, trained));
    return [trained, ...(onnx === null ? [] : [onnx]), ...(python ? [python.lock] : []), ...Object.values(parts)];
  }
  return registry;
}

/** Whether a version that is asked for again gets the alias of its standing: what was rolled back or retired last does not come back by itself. */
function mayRise(history: readonly AliasChange[], { version, aliases }: ModelVersion, { standing }: NewVersion): boolean {
  const lastReign = history.findLast(({ alias }) => alias === CHAMPION_ALIAS);
  if (lastReign?.version === version || lastReign?.why === rolledBackFrom(version)) return false;
  if (isRetired(history, version)) return false;
  return standing !== "challenger" || !aliases.includes(CHALLENGER_ALIAS);
}

/** Whether a challenger was retired, and no version has become champion since. */
function isRetired(history: readonly AliasChange[], version: number): boolean {
  const retired = history.findLastIndex((one) => !one.held && one.version === version);
  return retired >= 0 && !history.slice(retired).some(({ alias }) => alias === CHAMPION_ALIAS);
}

/** The versions that were champion, oldest first, without those that were rolled back. */
function reigns(history: readonly AliasChange[]): number[] {
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
      SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM model_versions WHERE model = ? AND (version = ? OR bundle = ?))
        AND NOT EXISTS (SELECT 1 FROM registered_models WHERE name = ? AND last_version >= ?)`,
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
      model,
      version,
    ],
    rows: 1,
  };
}

const toldOfBundle = (candidate: NewVersion, { number, isNew }: NextNumber, at: number): Statement[] => {
  const { model, bundle, actor } = candidate;
  const detail = { source: platformSource(model, number), bundle, ...verdictIn(candidate) };
  return [
    ...(isNew ? [told({ model, what: "model.created" }, { actor }, at)] : []),
    told({ model, version: number, what: "version.created", detail }, { actor }, at),
  ];
};

interface NextNumber {
  readonly number: number;
  /** Nobody has used the name so far. */
  readonly isNew: boolean;
}

const verdictIn = ({ verdict }: NewVersion) => ({ passed: verdict.passed });

/** The source of a version that the platform made. */
export const platformSource = (model: string, version: number) => `mill:/${model}/${version}`;

function standingStatements({ model, standing = "champion", actor }: NewVersion, version: number, at: number): Statement[] {
  if (standing === "challenger")
    return aliasStatements({ model, alias: CHALLENGER_ALIAS, version }, { actor, why: "passed every gate" }, at);
  return [
    dropAlias({ model, alias: CHALLENGER_ALIAS, version }),
    ...aliasStatements({ model, alias: CHAMPION_ALIAS, version }, { actor, why: "passed every gate" }, at),
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
