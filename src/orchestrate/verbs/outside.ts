import { join } from "node:path";
import { type Digest, type Json, MillError } from "../../base/index.ts";
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
    interpreter: () => interpreterOf(workspace),
    file: (path) => fileOf(workspace, project, path),
    text: async (path) => Buffer.from(await workspace.objects.get(await fileOf(workspace, project, path))).toString("utf8"),
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

/** null: there is none; the step says so. */
const interpreterOf = ({ environments }: Workspace) =>
  environments.interpreter().catch((thrown) => {
    if (thrown instanceof MillError && thrown.code === "python.missing") return null;
    throw thrown;
  });

/** As the definitions know it: kept from an earlier run of theirs, or as it still lies in the folder. */
async function fileOf({ objects }: Workspace, { files, folder }: Project, path: string): Promise<Digest> {
  const digest = files.get(path)!;
  if (await objects.touch(digest)) return digest;
  const found = await objects.putFile(join(folder, path)).catch((cause) => {
    throw changedFile(path, "it is not there", cause);
  });
  if (found !== digest) throw changedFile(path, "it has another content by now");
  return digest;
}

const changedFile = (path: string, got: string, cause?: unknown) =>
  new MillError("define.file", `The file "${path}" is not what it was when the definitions were read: ${got}.`, {
    ...{ at: path, got, cause },
    expected: "the file as the definitions know it",
    fix: "Run again by the definitions as they are now; or bring the file back to what it was.",
  });

const startsOf = (boundary: Boundary): OlderParts | null =>
  "salt" in boundary ? null : { testFrom: boundary.testFrom, holdoutFrom: boundary.holdoutFrom };

/** The parts that hold the rows. Errors: `lake.unknown-version`. */
async function withParts(rows: JournalRows, lake: Lake): Promise<IngestJournal> {
  const { parts } = await lake.manifest(await lake.version(rows.dataset, rows.version));
  return { ...rows, parts: parts.map(({ digest }) => digest) };
}
