/** The nodes of a data set: its partitions where it has some, its ingestion, its checks, its split. */
import type { Json } from "../base/index.ts";
import type { Measurement } from "../contract/index.ts";
import type { DatasetDefinition } from "../define/index.ts";
import { type GraphNode, type Growth, type Outside, partsOf, plain, withoutTexts } from "./graph-node.ts";

export function datasetNodes(dataset: DatasetDefinition): GraphNode[] {
  const target = `dataset/${dataset.name}`;
  const ingested = `${target}:ingest`;
  const partitioned = `${target}:partition`;
  const { name, columns, time, entity } = dataset;
  const ingestion = async (outside: Outside) =>
    plain({
      ...grownRows(await outside.generation(dataset)),
      ...(dataset.partitions === undefined
        ? { sources: await outside.sources(dataset) }
        : { sources: [], partitions: (await outside.partitions(dataset)).ingested }),
      ...rowsRead(dataset),
    });
  const isPartitioned = dataset.partitions !== undefined;
  const nodes: GraphNode[] = [
    ...(isPartitioned ? [partitionNode(dataset)] : []),
    {
      id: ingested,
      target,
      kind: "ingest",
      needs: isPartitioned ? [partitioned] : [],
      kept: async (outside) => outside.corrected(dataset, await ingestion(outside)),
      input: (_, outside) => ingestion(outside),
    },
    {
      id: `${target}:check`,
      target,
      kind: "check",
      needs: [ingested],
      input: async (results) => checkInput(dataset, results.get(ingested)!.measurements),
    },
  ];
  const { split } = dataset;
  if (split !== undefined) {
    nodes.push({
      id: `${target}:split`,
      target,
      kind: "split",
      needs: [ingested, `${target}:check`],
      kept: async (outside) => {
        const frozen = await outside.frozenSplit(dataset);
        if (frozen === null) return null;
        const { boundary, version, generation, stepKey } = frozen;
        const manifest = { objects: {}, facts: { boundary, ...(generation > 1 && { generation }) }, measurements: [] };
        return {
          manifest,
          key: stepKey,
          why: `frozen with version ${version}${generation > 1 ? `, generation ${generation}` : ""}`,
        };
      },
      input: async (results, outside) =>
        plain({
          dataset: name,
          ...grownSplit(await outside.generation(dataset)),
          parts: partsOf(results.get(ingested)!),
          columns: withoutTexts(columns),
          time: time ?? null,
          entity,
          split,
        }),
    });
  }
  return nodes;
}

const partitionNode = (dataset: DatasetDefinition): GraphNode => ({
  id: `dataset/${dataset.name}:partition`,
  target: `dataset/${dataset.name}`,
  kind: "partition",
  needs: [],
  partitions: dataset,
  input: async () => null,
});

/** What the step of one partition is asked, of its files as steps are given them. */
export const partitionInput = (dataset: DatasetDefinition, sources: Json): Json => plain({ ...rowsRead(dataset), sources });

/** What is done to the rows of a data set's files. */
const rowsRead = ({ name, columns, where, time, checks }: DatasetDefinition) => ({
  dataset: name,
  columns: withoutTexts(columns),
  where: where ?? null,
  time: time ?? null,
  checks: checks.map(({ holds, text }, index) => ({ holds, text, index })),
});

/** Named only where there are any, so that the key of a data set that has not grown is what it always was. */
function grownRows(growth: Growth | null) {
  if (growth === null || growth.journals.length === 0) return {};
  const { journals, until } = growth;
  return { journals, ...(until !== null && { until }) };
}

function grownSplit(growth: Growth | null) {
  if (growth === null) return {};
  const { number, trainFrom, older } = growth;
  return { generation: { number, trainFrom, older } };
}

/** What a data set's check step is asked: the checks as they are now, of what was measured. */
export const checkInput = ({ name, checks }: DatasetDefinition, measurements: readonly Measurement[]): Json =>
  plain({ dataset: name, checks: checks.map(({ share, text }) => ({ share, text })), measurements });
