import type { Json } from "../../base/index.ts";
import type { DatasetDefinition, Project } from "../../define/index.ts";
import type { Boundary, IngestJournal, OlderParts } from "../../ingest/index.ts";
import type { Generation, JournalRows, Lake } from "../../lake/index.ts";
import { installedOnnxruntime } from "../../ports/scoring/index.ts";
import { correctedRows } from "../corrected.ts";
import { generationMoved, type Outside } from "../graph-node.ts";
import { type Partitions, standingPartitions } from "../partitions/standing.ts";
import type { Workspace } from "../workspace.ts";

/** The outside of a project's graph: its files, its generations as they stand now and its champions. For one plan or run. */
export function outsideOf(workspace: Workspace, project: Project): Outside {
  const { sources, registry, lake } = workspace;
  const looked = new Map<DatasetDefinition, Promise<Partitions>>();
  const seen = new Map<string, Promise<readonly Generation[]>>();
  /** The standing generations, oldest first, as they were at the first look. */
  const standing = (name: string) => {
    const found = seen.get(name) ?? lake.generations(name).then((all) => all.filter(({ abandonedAt }) => abandonedAt === null));
    seen.set(name, found);
    return found;
  };

  return {
    runtime: installedOnnxruntime(),
    sources: (dataset) => sources.of(dataset, project.folder),
    partitions(dataset) {
      const found = looked.get(dataset) ?? standingPartitions({ ...workspace, folder: project.folder }, dataset);
      looked.set(dataset, found);
      return found;
    },
    lookAgain: (dataset) => void looked.delete(dataset),
    async frozenSplit({ name, split }) {
      const frozen = await lake.frozenSplit(name, split as Json | undefined);
      const [then, now] = [(await standing(name)).at(-1), await lake.generation(name)];
      if (then !== undefined && then.generation !== now?.generation) throw generationMoved(name);
      return frozen;
    },
    async generation({ name }) {
      const [before, growth] = (await standing(name)).slice(-2);
      if (growth === undefined) return null;
      const { generation: number, journals, trainFrom, until } = growth;
      return {
        ...{ number, trainFrom, until },
        journals: (await Promise.all(journals.map((journal) => withParts(journal, lake)))).filter(({ rowCount }) => rowCount > 0),
        older: startsOf(before!.boundary as unknown as Boundary),
      };
    },
    corrected: ({ name }, ingestion) => correctedRows(workspace, name, ingestion),
    async champion(model, bundle) {
      const rival = await registry.rivalOf(model.name, bundle);
      if (rival === null) return null;
      const { trained, threshold, classes, fields } = await registry.manifest(rival);
      return { version: rival.version, trained, threshold, classes, fields };
    },
  };
}

const startsOf = (boundary: Boundary): OlderParts | null =>
  "salt" in boundary ? null : { testFrom: boundary.testFrom, holdoutFrom: boundary.holdoutFrom };

/** The parts that hold the rows. Errors: `lake.unknown-version`. */
async function withParts(rows: JournalRows, lake: Lake): Promise<IngestJournal> {
  const { parts } = await lake.manifest(await lake.version(rows.dataset, rows.version));
  return { ...rows, parts: parts.map(({ digest }) => digest) };
}
