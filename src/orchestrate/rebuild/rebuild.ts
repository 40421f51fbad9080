/**
 * A model version made again from its recipe, on a machine that has nothing else: each step runs by the same kinds as ever, and what it leaves is held
 * against what it left.
 *
 *     given    its result is taken as recorded, because what it read lies outside
 *     same     every object, fact and measurement is the recorded one
 *     within   it varies by nature, or stands behind a step that does: its measurements are within the tolerance
 *     differs  anything else, and what could not run
 */
import { type Digest, type Json, MillError } from "../../base/index.ts";
import type { Recipe, RecipeStep } from "../../contract/index.ts";
import type { Ledger, Progress, StepKind, StepManifest } from "../../steps/index.ts";
import { decidedOtherwise, differencesOf, measuresApart } from "./compare.ts";
import { nameOf } from "./gather.ts";
import { namedObjects, withObjects } from "./named-objects.ts";
import { type Here, obstaclesOf } from "./obstacles.ts";

export type Standing = "given" | "same" | "within" | "differs";

export interface RebuiltStep {
  readonly target: string;
  readonly kind: string;
  readonly standing: Standing;
  /** What is not the same; empty when nothing. */
  readonly sentence: string;
  readonly wallMs: number;
}

/** What happens during a rebuild, in order; `id` as in `model/late:train`. */
export type RebuildLine =
  | { readonly event: "step-started"; readonly id: string; readonly why: string }
  | ({ readonly event: "step-progress"; readonly id: string } & Progress)
  | {
      readonly event: "step-finished";
      readonly id: string;
      readonly standing: Standing;
      readonly wallMs: number;
      readonly sentence: string;
    };

export interface Rebuilt {
  readonly model: string;
  readonly version: number;
  /** No step differs. */
  readonly same: boolean;
  /** By how much measures may be apart where a step varies: of values above 1 as a share of them. */
  readonly tolerance: number;
  readonly steps: readonly RebuiltStep[];
  /** What the bundle step left, by role: the rebuilt model; null: it did not run. */
  readonly bundle: Readonly<Record<string, Digest>> | null;
}

/** Where the steps run. Results that are there already, by an earlier rebuild that was cut off, are taken. */
export interface Bench {
  readonly ledger: Pick<Ledger, "execute">;
  readonly kinds: readonly Pick<StepKind, "name" | "readsOutside" | "varies">[];
  readonly here: Here;
  readonly threads: number;
  readonly memoryMb: number;
}

export interface RebuildOptions {
  readonly tolerance: number;
  /** Run although the same cannot come out. */
  readonly anyway: boolean;
  readonly signal: AbortSignal;
}

/** Errors: `recipe.unlike` before anything runs, `step.cancelled`. */
export async function rebuild(
  bench: Bench,
  recipe: Recipe,
  { tolerance, anyway, signal }: RebuildOptions,
  push: (line: RebuildLine) => void,
): Promise<Rebuilt> {
  const obstacles = await obstaclesOf(recipe, bench.here);
  if (obstacles.length > 0 && !anyway) throw unlike(recipe, obstacles);
  const made = new Map<string, Made>();
  const steps: RebuiltStep[] = [];
  let bundle: Rebuilt["bundle"] = null;
  const toRun = recipe.steps.filter((step) => !isGiven(step, bench));
  for (const recorded of recipe.steps) {
    const id = nameOf(recorded);
    const { target, kind } = recorded;
    if (!toRun.includes(recorded)) {
      steps.push({ target, kind, standing: "given", sentence: "taken as recorded", wallMs: 0 });
      continue;
    }
    push({ event: "step-started", id, why: `${toRun.indexOf(recorded) + 1} of ${toRun.length}` });
    const onProgress = (progress: Progress) => push({ event: "step-progress", id, ...progress });
    const { manifest, ...step } = await rebuildStep(bench, recorded, made, { tolerance, signal, onProgress });
    push({ event: "step-finished", id, standing: step.standing, wallMs: step.wallMs, sentence: step.sentence });
    steps.push(step);
    if (kind === "bundle") bundle = manifest?.objects ?? null;
  }
  const same = steps.every(({ standing }) => standing !== "differs");
  return { model: recipe.model, version: recipe.version, same, tolerance, steps, bundle };
}

/** What stands for a recorded object; `digest` is null where its step left none. */
interface Made {
  readonly digest: Digest | null;
  readonly standing: Standing;
  readonly by: string;
}

const isGiven = ({ kind, given }: RecipeStep, { kinds }: Bench) =>
  given || kinds.find(({ name }) => name === kind)?.readsOutside === true;

async function rebuildStep(
  { ledger, kinds, threads, memoryMb }: Bench,
  recorded: RecipeStep,
  made: Map<string, Made>,
  { tolerance, signal, onProgress }: Omit<RebuildOptions, "anyway"> & { onProgress(progress: Progress): void },
): Promise<RebuiltStep & { readonly manifest: StepManifest | null }> {
  const { target, kind } = recorded;
  const started = performance.now();
  const told = (standing: Standing, sentence: string, manifest: StepManifest | null) => {
    for (const [role, digest] of Object.entries(recorded.objects))
      if (!made.has(digest)) made.set(digest, { digest: manifest?.objects[role] ?? null, standing, by: nameOf(recorded) });
    return { target, kind, standing, sentence, wallMs: performance.now() - started, manifest };
  };
  const reads = namedObjects(recorded.input).flatMap(({ digest }) => made.get(digest) ?? []);
  const missing = reads.find(({ digest }) => digest === null);
  if (missing) return told("differs", `it did not run: it reads what ${missing.by} did not leave`, null);

  const others = new Map([...made].flatMap(([before, { digest }]) => (digest === null ? [] : [[before, digest]])));
  const input = withObjects(recorded.input as Json, others);
  const outcome = await ledger
    .execute({ kind, input, target, runId: null, threads, memoryMb, signal, onProgress })
    .catch((thrown) => {
      if (thrown instanceof MillError && thrown.code === "step.unknown-kind") return { state: "failed" as const, error: thrown };
      throw thrown;
    });
  if (outcome.state === "cancelled") throw cancelled();
  if (outcome.state === "failed") return told("differs", `it did not run to its end: ${outcome.error.message}`, null);

  const { manifest } = outcome;
  const before = recorded as unknown as StepManifest;
  const differs = differencesOf(before, manifest);
  if (differs.length === 0) return told("same", outcome.state === "reused" ? "made before" : "", manifest);
  const behind = reads.find(({ standing }) => standing === "differs");
  if (behind) return told("differs", `${list(differs)} came out otherwise, behind ${behind.by}`, manifest);
  const isLoose = reads.some(({ standing }) => standing === "within") || kinds.find(({ name }) => name === kind)?.varies === true;
  if (!isLoose) return told("differs", `${list(differs)} came out otherwise`, manifest);
  return told(...withinTolerance(before, manifest, { tolerance, differs }), manifest);
}

function withinTolerance(
  before: StepManifest,
  after: StepManifest,
  { tolerance, differs }: { readonly tolerance: number; readonly differs: readonly string[] },
): [Standing, string] {
  if (decidedOtherwise(before, after)) return ["differs", "the verdict came out otherwise"];
  const apart = measuresApart(before, after);
  const furthest = apart[0];
  if (furthest === undefined) return ["within", `${list(differs)} came out otherwise, as may be; nothing is measured`];
  const { measure, recorded, rebuilt, by } = furthest;
  const far = apart.filter((one) => one.by > tolerance).length;
  const said = `${measure} is ${valueText(rebuilt)}, was ${valueText(recorded)}`;
  if (far > 0) return ["differs", `${far} of ${apart.length} measures are further apart than ${tolerance}: ${said}`];
  return [
    "within",
    by === 0 ? `all ${apart.length} measures are the same` : `of ${apart.length} measures furthest apart: ${said}`,
  ];
}

const valueText = (value: number | null) => (value === null ? "nothing" : String(Number(value.toPrecision(6))));
const NAMED_MAX = 6;
const list = (names: readonly string[]) =>
  names.length > NAMED_MAX ? `${names.slice(0, NAMED_MAX).join(", ")} and ${names.length - NAMED_MAX} more` : names.join(", ");

const unlike = ({ model, version }: Recipe, obstacles: readonly string[]) =>
  new MillError("recipe.unlike", `${model}@${version} would not come out the same here: ${obstacles.join("; ")}.`, {
    at: `${model}@${version}`,
    expected: "the code, the environment and the machine that it was made with",
    got: obstacles.join("; "),
    fix: "Rebuild with that version of Millwright and Node, where these are the same; or --anyway, to see what comes out.",
  });

const cancelled = () =>
  new MillError("step.cancelled", "The rebuild was cancelled before it was done.", {
    fix: "Run the same command again; with --keep it goes on from the steps that are done.",
  });
