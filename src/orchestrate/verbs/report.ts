import type { AssessmentReport } from "../../assess/index.ts";
import { type Digest, MillError } from "../../base/index.ts";
import { readJson } from "../../ports/objects/index.ts";
import type { ModelVersion } from "../../registry/index.ts";
import type { StepManifest } from "../../steps/index.ts";
import type { Workspace } from "../workspace.ts";

/** The manifest that a step of a version's lineage left. */
export async function manifestOf({ ledger }: Workspace, version: ModelVersion, kind: string): Promise<StepManifest> {
  const key = version.lineage.steps[`model/${version.model}:${kind}`];
  const manifest = key ? await ledger.resultOf(key as Digest) : null;
  if (manifest) return manifest;
  throw new MillError(
    "registry.evidence-missing",
    `The result of ${kind} for ${version.model} version ${version.version} is gone.`,
    {
      expected: `the step result ${key}`,
      fix: `Run \`mill run model/${version.model}\`, or restore the workspace from a backup.`,
    },
  );
}

export async function reportOf(workspace: Workspace, version: ModelVersion): Promise<AssessmentReport> {
  const { report } = (await manifestOf(workspace, version, "assess")).objects;
  return readJson<AssessmentReport>(workspace.objects, report!);
}
