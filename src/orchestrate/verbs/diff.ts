import { canonicalJson, type Json } from "../../base/index.ts";
import type { OutputOf } from "../../contract/index.ts";
import { readJson } from "../../ports/objects/index.ts";
import type { Lock } from "../../ports/python/index.ts";
import type { BundleManifest, ModelVersion } from "../../registry/index.ts";
import type { FitInput } from "../../train/index.ts";
import type { Workspace } from "../workspace.ts";
import { reportOf } from "./report.ts";

type Difference = OutputOf<"diff">["differences"][number];

/** What sets two model versions apart, field by field. */
export async function differences(workspace: Workspace, a: ModelVersion, b: ModelVersion): Promise<Difference[]> {
  const [first, second] = [await describe(workspace, a), await describe(workspace, b)];
  return (Object.keys(first) as Difference["area"][]).flatMap((area) => differing(area, first[area]!, second[area]!));
}

type Described = Record<Difference["area"], Readonly<Record<string, unknown>>>;

async function describe(workspace: Workspace, version: ModelVersion): Promise<Described> {
  const manifest = await workspace.registry.manifest(version);
  const report = await reportOf(workspace, version);
  const { script, packages } = await scriptOf(workspace, version, manifest);
  return {
    data: { dataset: version.lineage.dataset.name, version: version.lineage.dataset.version },
    definition: {
      ...{ fields: manifest.fields, label: manifest.label, estimator: manifest.estimator, threshold: manifest.threshold },
      ...script,
    },
    parameters: { ...manifest.params, steps: manifest.steps, calibration: manifest.calibration, seed: manifest.seed },
    measures: report.holdout.measures,
    environment: { ...manifest.environment, ...packages },
  };
}

/** Of a model that a script trained: its files by what was in them, how it answers, and each package. */
async function scriptOf({ ledger, objects }: Workspace, { model, lineage }: ModelVersion, { python }: BundleManifest) {
  if (python === undefined) return { script: {}, packages: {} };
  const { script, framework, form } = python;
  const fit = await ledger.stepOfResult(lineage.steps[`model/${model}:fit`]!);
  const files = fit ? ((await ledger.getStep(fit.id)).step.input as unknown as Pick<FitInput, "files">).files : [];
  const { packages } = await readJson<Lock>(objects, python.lock);
  return {
    script: { script, framework, form, ...Object.fromEntries(files.map(({ path, digest }) => [path, digest])) },
    packages: Object.fromEntries(packages.map(({ name, version }) => [`python.${name}`, version])),
  };
}

function differing(
  area: Difference["area"],
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
): Difference[] {
  const fields = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return fields
    .filter((field) => canonicalJson(a[field] ?? null) !== canonicalJson(b[field] ?? null))
    .map((field) => ({ area, field, a: (a[field] ?? null) as Json, b: (b[field] ?? null) as Json }));
}
