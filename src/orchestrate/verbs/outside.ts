import type { Json } from "../../base/index.ts";
import type { Project } from "../../define/index.ts";
import { installedOnnxruntime } from "../../ports/scoring/index.ts";
import type { Outside } from "../graph.ts";
import type { Workspace } from "../workspace.ts";

/** The outside of a project's graph: its files and its champions. */
export function outsideOf({ sources, registry, lake }: Workspace, project: Project): Outside {
  return {
    runtime: installedOnnxruntime(),
    sources: (dataset) => sources.of(dataset, project.folder),
    frozenSplit: ({ name, split }) => lake.frozenSplit(name, split as Json | undefined),
    async champion(model, bundle) {
      const rival = await registry.rivalOf(model.name, bundle);
      if (rival === null) return null;
      const { trained, threshold, classes, fields } = await registry.manifest(rival);
      return { version: rival.version, trained, threshold, classes, fields };
    },
  };
}
