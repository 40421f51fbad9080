/** What a version was made from, as the records have it: its steps in order, and the objects that none of them makes. */
import type { Digest, Json } from "../../base/index.ts";
import { MillError } from "../../base/index.ts";
import type { Recipe, RecipeObject, RecipeStep } from "../../contract/index.ts";
import type { ModelVersion } from "../../registry/index.ts";
import type { StepKind } from "../../steps/index.ts";
import { STEP_KINDS } from "../step-kinds.ts";
import type { Workspace } from "../workspace.ts";
import { type Named, namedObjects } from "./named-objects.ts";

type Source = Pick<Workspace, "ledger" | "objects" | "lake">;

/**
 * The same version gives the same recipe, as long as what it needs is there; what its steps made may be gone.
 * A step whose kind reads outside of its input is given: its result stands in the recipe, and what others read of it goes along.
 * Errors: `recipe.gone` naming what is not there any more, and since when.
 */
export async function gatherRecipe(
  source: Source,
  { model, version, bundle, lineage }: ModelVersion,
  kinds: readonly Pick<StepKind, "name" | "readsOutside">[] = STEP_KINDS,
): Promise<Recipe> {
  const gone: Gone[] = [];
  const steps: RecipeStep[] = [];
  for (const [node, key] of Object.entries(lineage.steps)) {
    const found = await source.ledger.recordOf(key);
    if (found === null) {
      gone.push({ what: `the result of ${node}`, digest: key });
      continue;
    }
    const [target, kind] = node.split(":") as [string, string]; // a step may be shared with other models, and bear one of their names
    const { revision, input } = found.step;
    const given = kinds.find(({ name }) => name === kind)?.readsOutside === true;
    steps.push({ target, kind, revision, given, input, ...found.manifest });
  }
  const objects = await leaves(source, steps, gone);
  if (gone.length > 0) throw await goneError(source, `${model}@${version}`, gone);
  return { format: 1, model, version, bundle, dataset: lineage.dataset, environment: environmentOf(steps), steps, objects };
}

/** What all steps of a version ran with stands in its bundle. */
const environmentOf = (steps: readonly RecipeStep[]) =>
  (steps.find(({ kind }) => kind === "bundle")?.input as { readonly environment?: Recipe["environment"] })?.environment ?? {};

interface Gone {
  readonly what: string;
  readonly digest: Digest;
}

/** What the steps that run again read and no step before them makes; each once, in the order in which it is read. */
async function leaves({ objects }: Source, steps: readonly RecipeStep[], gone: Gone[]): Promise<RecipeObject[]> {
  const made = new Set<string>();
  const found = new Map<Digest, RecipeObject>();
  const madeOutside = namesOfGiven(steps);
  for (const step of steps.filter(({ given }) => !given)) {
    for (const named of namedObjects(step.input)) await take(named, `${named.at} of ${nameOf(step)}`);
    for (const digest of Object.values(step.objects)) made.add(digest);
  }
  return [...found.values()];

  async function take({ digest }: Named, at: string, isCertain = true): Promise<void> {
    if (made.has(digest) || found.has(digest) || gone.some((one) => one.digest === digest)) return;
    const sizeBytes = await objects.sizeOf(digest);
    const what = madeOutside.get(digest) ?? at;
    if (sizeBytes !== null) {
      found.set(digest, { digest, sizeBytes, of: what });
      for (const inner of await namedIn(digest, sizeBytes)) await take(inner, `${inner.at} in ${what}`, false);
    } else if (isCertain) gone.push({ what, digest });
  }

  async function namedIn(digest: Digest, sizeBytes: number): Promise<Named[]> {
    if (sizeBytes === 0 || sizeBytes > JSON_BYTES_MAX) return [];
    for await (const [first] of objects.read(digest, { start: 0, end: 1 })) if (first !== BRACE) return [];
    try {
      return namedObjects(JSON.parse(Buffer.from(await objects.get(digest)).toString("utf8")));
    } catch (thrown) {
      if (thrown instanceof SyntaxError) return []; // it only looked like JSON
      throw thrown;
    }
  }
}

const BRACE = "{".charCodeAt(0);
/** JSON of at most this size is looked through for objects that it names: a model may be files, and say so. */
const JSON_BYTES_MAX = 4 << 20;

function namesOfGiven(steps: readonly RecipeStep[]): Map<string, string> {
  const given = steps.filter((step) => step.given);
  return new Map(
    given.flatMap((step) => Object.entries(step.objects).map(([role, digest]) => [digest, `${role} of ${nameOf(step)}`])),
  );
}

/** `model/late:train`. */
export const nameOf = ({ target, kind }: Pick<RecipeStep, "target" | "kind">) => `${target}:${kind}`;

/** The inputs that open a holdout, by which its readings are on record. */
export const holdoutsIn = ({ steps }: Recipe): { readonly digest: Digest; readonly at: string; readonly input: Json }[] =>
  steps.flatMap(({ input }) =>
    namedObjects(input)
      .filter(({ at }) => at.split(".").at(-1) === "holdout")
      .map(({ digest, at }) => ({ digest, at, input: input as Json })),
  );

const TOLD_MAX = 10;

async function goneError({ lake }: Source, version: string, gone: readonly Gone[]): Promise<MillError> {
  const since = await removals(new Set(gone.map(({ digest }) => digest)), lake);
  const told = gone.slice(0, TOLD_MAX).map(({ what, digest }) => {
    const at = since.get(digest);
    return `${what} (${digest.slice(0, 19)}), ${at === undefined ? "by no collection" : `by the collection of ${new Date(at).toISOString()}`}`;
  });
  const more = gone.length > TOLD_MAX ? `, and ${gone.length - TOLD_MAX} more` : "";
  return new MillError("recipe.gone", `${version} cannot be made again: ${gone.map(({ what }) => what)[0]} is gone.`, {
    at: version,
    expected: "all that no step of it makes, in the store",
    got: `gone: ${told.join("; ")}${more}`,
    fix: "Bring it back from a backup with `mill restore`, or train again: that gives a new version.",
  });
}

/** When collections removed them, newest first, in milliseconds since 1970. */
async function removals(digests: ReadonlySet<Digest>, { collector }: Source["lake"]): Promise<Map<Digest, number>> {
  const found = new Map<Digest, number>();
  let after: string | undefined;
  for (;;) {
    const page = await collector.collections({ limit: 100, ...(after !== undefined && { after }) });
    for (const { id, dryRun, startedAt, endedAt, objects } of page) {
      if (dryRun || objects === 0) continue;
      for await (const { digest } of collector.proof(id))
        if (digests.has(digest) && !found.has(digest)) found.set(digest, endedAt ?? startedAt);
      if (found.size === digests.size) return found;
    }
    if (page.length < 100) return found;
    after = page.at(-1)!.id;
  }
}
