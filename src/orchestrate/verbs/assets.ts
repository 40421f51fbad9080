/** Problems, data sets and features: what the project states, and the versions of its data. */
import type { Handlers, Measurement, Row, Verdict } from "../../contract/index.ts";
import type { DatasetDefinition } from "../../define/index.ts";
import { checkFeature, quoteLiteral, type Shape } from "../../express/index.ts";
import type { DatasetVersion } from "../../lake/index.ts";
import { checkInput } from "../dataset-nodes.ts";
import type { Workspace } from "../workspace.ts";
import { named } from "./named.ts";
import { columnsOf, instant, instantOrNull, pageThrough, versionCursor } from "./wire.ts";

type AssetVerbs = Pick<
  Handlers,
  | "listProblems"
  | "getProblem"
  | "listDatasets"
  | "getDataset"
  | "listDatasetVersions"
  | "getDatasetVersion"
  | "check"
  | "listFeatures"
  | "getFeatures"
>;

export function assetVerbs(workspace: Workspace): AssetVerbs {
  const { lake, objects } = workspace;

  const datasetSummary = async (name: string, about: string | null) => {
    const head = await lake.head(name);
    return {
      name,
      about,
      version: head?.version ?? null,
      rowCount: head?.rowCount ?? null,
      changedAt: instantOrNull(head?.createdAt),
    };
  };

  const versionSummary = (version: DatasetVersion) => ({
    name: version.dataset,
    version: version.version,
    parent: version.parent,
    rowCount: version.rowCount,
    createdAt: instant(version.createdAt),
    madeBy: version.madeBy,
  });

  /** A data set that the platform itself writes, as an endpoint's predictions, or one that is no longer defined. */
  const loggedDataset = async (head: DatasetVersion) => ({
    ...(await datasetSummary(head.dataset, null)),
    columns: columnsOf((await lake.manifest(head)).columns ?? {}),
    time: null,
    license: null,
    split: null,
  });

  return {
    async listProblems(page) {
      const { problems } = await workspace.project();
      const shown = [...problems.values()].map(({ name, question, task, owner }) => ({ name, question, task, owner }));
      return pageThrough(shown, ({ name }) => name, page);
    },

    async getProblem({ name }) {
      const project = await workspace.project();
      const problem = named(project.problems, name, "problem");
      const models = [...project.models.values()].filter((model) => model.solves.name === name).map((model) => model.name);
      return { ...JSON.parse(JSON.stringify(problem)), models };
    },

    async listDatasets(page) {
      const { datasets } = await workspace.project();
      const logs = (await lake.names()).filter((name) => !datasets.has(name));
      const { items, next } = pageThrough([...datasets.keys(), ...logs], (name) => name, page);
      return { items: await Promise.all(items.map((name) => datasetSummary(name, datasets.get(name)?.about ?? null))), next };
    },

    async getDataset({ name }) {
      const { datasets } = await workspace.project();
      const head = await lake.head(name);
      if (head && !datasets.has(name)) return loggedDataset(head);
      const dataset = named(datasets, name, "data set");
      const frozen = await lake.frozenSplit(name);
      return {
        ...(await datasetSummary(name, dataset.about ?? null)),
        columns: columnsOf(dataset.columns),
        time: dataset.time ?? null,
        license: dataset.license ?? null,
        split: dataset.split
          ? { rule: dataset.split, boundary: frozen?.boundary ?? null, frozenAt: instantOrNull(frozen?.frozenAt) }
          : null,
      };
    },

    async listDatasetVersions({ name, limit = 100, cursor }) {
      if ((await lake.head(name)) === null) named((await workspace.project()).datasets, name, "data set");
      const found = await lake.versions(name, { limit: limit + 1, ...versionCursor(cursor) });
      const items = found.slice(0, limit);
      return { items: items.map(versionSummary), next: found.length > limit ? String(items.at(-1)!.version) : null };
    },

    async getDatasetVersion({ name, version }) {
      const found = await lake.version(name, version);
      const { parts, facts = {} } = await lake.manifest(found);
      return {
        ...versionSummary(found),
        parts: parts.map(({ digest, rowCount }) => ({ digest, rowCount: rowCount ?? null })),
        quarantined: (facts.quarantined as number | undefined) ?? null,
        leftOut: (facts.leftOut as number | undefined) ?? null,
        from: (facts.from as string | null | undefined) ?? null,
        to: (facts.to as string | null | undefined) ?? null,
        profile: (facts.profile as Record<string, unknown> | undefined) ?? {},
      };
    },

    async check({ name }) {
      const project = await workspace.project();
      const dataset = named(project.datasets, name, "data set");
      const head = await lake.head(name);
      const { facts = {}, quarantine = null, measurements = [] } = head ? await lake.manifest(head) : {};
      const verdict = head && (await verdictOn(workspace, dataset, measurements));
      return {
        name,
        version: head?.version ?? null,
        rowCount: head?.rowCount ?? null,
        quarantined: (facts.quarantined as number | undefined) ?? null,
        leftOut: (facts.leftOut as number | undefined) ?? null,
        verdict,
        checks: verdict ? heldChecks(verdict, facts.checks as unknown as CheckFacts) : dataset.checks.map(notHeld),
        quarantine: quarantine ? await quarantineReasons(workspace, await objects.pathOf(quarantine)) : [],
      };
    },

    async listFeatures(page) {
      const { features } = await workspace.project();
      const shown = [...features.values()].map(({ name, from, fields }) => ({
        name,
        dataset: from.name,
        fields: Object.keys(fields),
      }));
      return pageThrough(shown, ({ name }) => name, page);
    },

    async getFeatures({ name }) {
      const project = await workspace.project();
      const { from, fields } = named(project.features, name, "feature set");
      return {
        name,
        dataset: from.name,
        fields: Object.entries(fields).map(([field, expression]) => ({
          name: field,
          type: checkFeature(expression, shapeOf(from)).type,
          expression,
        })),
        models: [...project.models.values()].filter((model) => model.from.name === name).map((model) => model.name),
      };
    },
  };
}

/** The verdict on a version by what was measured of it; null before the checks, as they are defined now, have judged it. */
async function verdictOn(
  { ledger }: Workspace,
  dataset: DatasetDefinition,
  measurements: readonly Measurement[],
): Promise<Verdict | null> {
  const judged = await ledger.resultOf(ledger.keyOf("check", checkInput(dataset, measurements)));
  return (judged?.facts.verdict as Verdict | undefined) ?? null;
}

type CheckFacts = readonly { readonly index: number; readonly failed: number }[];

/** Every requirement of the verdict: the checks in their order, then that enough rows fit their columns. */
const heldChecks = ({ chain }: Verdict, facts: CheckFacts) =>
  chain.map(({ requirement, measurement, passed }, index) => {
    const { value = null, count } = measurement ?? {};
    const failed = facts.find((one) => one.index === index)?.failed;
    const rest = value === null || count === undefined ? null : Math.round((1 - value) * count);
    return { text: requirement.because!, share: value, atLeast: requirement.value, failed: failed ?? rest, passed };
  });

const notHeld = ({ text, share }: DatasetDefinition["checks"][number]) => ({
  text,
  share: null,
  atLeast: share,
  failed: null,
  passed: null,
});

const shapeOf = ({ columns, outcomes, time }: DatasetDefinition): Shape => ({ columns, outcomes, ...(time ? { time } : {}) });

const REASONS_MAX = 20;

async function quarantineReasons({ tables }: Workspace, path: string) {
  const duck = tables();
  try {
    const rows = await duck.rows(`
      SELECT __reason AS reason, __column AS "column", count(*) AS n, to_json(any_value(q)) AS example
      FROM read_parquet(${quoteLiteral(path)}) q GROUP BY ALL ORDER BY n DESC, reason LIMIT ${REASONS_MAX}`);
    return rows.map((row: Row) => ({
      reason: String(row.reason),
      column: row.column === null ? null : String(row.column),
      count: Number(row.n),
      example: JSON.parse(String(row.example)) as unknown,
    }));
  } finally {
    duck.close();
  }
}
