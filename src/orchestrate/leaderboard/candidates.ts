/** A model's versions as a leaderboard compares them: what their steps measured, took and left. */
import type { AssessmentReport } from "../../assess/index.ts";
import type { Digest } from "../../base/index.ts";
import type { ModelDefinition } from "../../define/index.ts";
import { readJson } from "../../ports/objects/index.ts";
import type { Lock } from "../../ports/python/index.ts";
import { type BundleManifest, CHALLENGER_ALIAS, CHAMPION_ALIAS, type ModelVersion } from "../../registry/index.ts";
import type { RowTimes, TrialResult } from "../../train/index.ts";
import { manifestOf, reportOf } from "../verbs/report.ts";
import type { Workspace } from "../workspace.ts";
import type { Candidate } from "./board.ts";
import { OWN_LICENSE, strictestOf } from "./licenses.ts";

/** Versions that are looked at, newest first, for one that passed. */
const VERSIONS_MAX = 100;

/** The newest version that passed, and the newest of all where a gate refused it; none: it has not been assessed. Errors: `registry.evidence-missing`. */
export async function candidatesOf(workspace: Workspace, { name }: ModelDefinition): Promise<Candidate[]> {
  const versions = await workspace.registry.versions(name, { limit: VERSIONS_MAX });
  const passed = versions.find((version) => version.passed);
  const newest = versions[0];
  const shown = [...(newest && newest !== passed ? [newest] : []), ...(passed ? [passed] : [])];
  return Promise.all(shown.map((version) => candidateOf(workspace, version)));
}

async function candidateOf(workspace: Workspace, version: ModelVersion): Promise<Candidate> {
  const { registry } = workspace;
  const [manifest, proof, report] = await Promise.all([
    registry.manifest(version),
    manifestOf(workspace, version, "prove"),
    reportOf(workspace, version),
  ]);
  const { rows, measures, intervals } = report.test as Plain<AssessmentReport["test"]>;
  return {
    ...{ model: version.model, version: version.version, standing: standingOf(version) },
    ...{ framework: manifest.python?.framework ?? "millwright", trainer: manifest.python?.script ?? manifest.estimator },
    ...{ form: manifest.python?.form ?? "inline", dataset: { ...version.lineage.dataset } },
    ...{ rows, measures, intervals },
    ...(await costOf(workspace, version, manifest)),
    latency: (proof.facts.took as unknown as RowTimes | undefined) ?? null,
    ...(await dependenciesOf(workspace, manifest)),
  };
}

function standingOf({ aliases, passed }: ModelVersion): Candidate["standing"] {
  if (aliases.includes(CHAMPION_ALIAS)) return "champion";
  if (aliases.includes(CHALLENGER_ALIAS)) return "challenger";
  return passed ? "passed" : "refused";
}

/** Of those that a version of this kind has. */
const TRAINING = ["train", "fit", "convert"];

async function costOf(workspace: Workspace, version: ModelVersion, { tuning }: BundleManifest) {
  const { ledger, objects } = workspace;
  const keyOf = (kind: string) => version.lineage.steps[`model/${version.model}:${kind}`];
  const keys = TRAINING.flatMap((kind) => keyOf(kind) ?? []);
  const tried = tuning === undefined ? [] : await readJson<readonly TrialResult[]>(objects, tuning.tried);
  const meters = await ledger.metersOf([...keys, ...tried.map(({ key }) => key)]);
  const trained = keys.flatMap((key) => meters.get(key) ?? []);
  const searched = tried.flatMap(({ key }) => meters.get(key) ?? []);
  const bundle = await manifestOf(workspace, version, "bundle");
  return {
    searched: tuning === undefined ? null : new Set(tried.map(({ trial }) => trial)).size,
    trainMs: trained.length === 0 ? null : sum(trained.map(({ wallMs }) => wallMs)),
    searchMs: tuning === undefined || searched.length === 0 ? null : sum(searched.map(({ wallMs }) => wallMs)),
    memoryBytes: Math.max(0, ...trained.map(({ peakRssBytes }) => peakRssBytes)) || null,
    sizeBytes: await sizeOf(bundle.objects, workspace),
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

/** The lock describes its environment and is no part of what is loaded. */
async function sizeOf({ lock, ...parts }: Readonly<Record<string, Digest>>, { objects }: Workspace): Promise<number | null> {
  const sizes = await Promise.all([...new Set(Object.values(parts))].map((digest) => objects.sizeOf(digest)));
  return sizes.includes(null) ? null : sum(sizes as number[]);
}

async function dependenciesOf(
  { objects }: Workspace,
  { python }: BundleManifest,
): Promise<Pick<Candidate, "license" | "licensedBy" | "packages">> {
  if (python === undefined) return { license: OWN_LICENSE, licensedBy: null, packages: [] };
  const { packages, requirements } = await readJson<Lock>(objects, python.lock);
  const strictest = strictestOf(
    [...packages].sort((a, b) => Number(isAsked(b.name, requirements)) - Number(isAsked(a.name, requirements))),
  );
  return {
    license: strictest?.license ?? "not stated",
    licensedBy: strictest?.name ?? null,
    packages: packages.map(({ name, version, license }) => ({ name, version, license })),
  };
}

/** Of packages that are as strict, one that the definition names tells more than what came with it. */
const isAsked = (name: string, requirements: readonly string[]) =>
  requirements.some((requirement) => normal(/^[\w.-]+/.exec(requirement.trim())?.[0] ?? "") === normal(name));
const normal = (name: string) => name.toLowerCase().replaceAll(/[-_.]+/g, "-");

/** Without `readonly`, which the wire types do not have. */
type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T;
