/** What keeps steps from leaving the same here, told before any of them runs. */
import { canonicalJson, type Json } from "../../base/index.ts";
import type { Recipe, RecipeStep } from "../../contract/index.ts";
import { nameOf } from "./gather.ts";

/** What a rebuild has here. */
export interface Here {
  /** By kind. */
  readonly revisions: ReadonlyMap<string, number>;
  readonly environment: Readonly<Record<string, string | number>>;
  /** Version of the ONNX Runtime; null: none. */
  readonly runtime: string | null;
  /** The Python of this machine; null: none. Asked only when a step was made with one. */
  interpreter(): Promise<Json | null>;
}

/** A sentence each; none: all that was recorded is as it is here. Pure but for the interpreter. */
export async function obstaclesOf({ steps, environment }: Recipe, here: Here): Promise<string[]> {
  const said: string[] = [];
  for (const name of new Set([...Object.keys(environment), ...Object.keys(here.environment)])) {
    const [then, now] = [environment[name], here.environment[name]];
    if (canonicalJson(then ?? null) !== canonicalJson(now ?? null))
      said.push(`${name} was ${text(then)}, and is ${text(now)} here`);
  }
  for (const step of steps) {
    const { kind, revision, given } = step;
    const own = here.revisions.get(kind);
    if (given) continue;
    if (own === undefined) said.push(`${nameOf(step)}: this Millwright has no steps of the kind ${kind}`);
    else if (own !== revision)
      said.push(`${nameOf(step)}: the code of ${kind} was at revision ${revision}, and is at ${own} here`);
    const { runtime } = fieldsOf(step);
    if (runtime !== undefined && runtime !== here.runtime)
      said.push(`${nameOf(step)}: it was made with ${runtimeText(runtime)}, and here is ${runtimeText(here.runtime)}`);
  }
  for (const step of steps) {
    const { interpreter } = fieldsOf(step);
    if (interpreter == null) continue;
    const own = await here.interpreter();
    if (canonicalJson(own) !== canonicalJson(interpreter))
      said.push(`${nameOf(step)}: its lock is for ${pythonText(interpreter)}, and here is ${pythonText(own)}`);
  }
  return said;
}

const fieldsOf = ({ input }: RecipeStep) =>
  (typeof input === "object" && input !== null ? input : {}) as { readonly runtime?: unknown; readonly interpreter?: unknown };

const text = (value: unknown) => (value === undefined ? "not known" : String(value));
const runtimeText = (version: unknown) => (version === null ? "no ONNX Runtime" : `ONNX Runtime ${String(version)}`);

function pythonText(interpreter: unknown): string {
  const { python, platform } = (interpreter ?? {}) as { readonly python?: string; readonly platform?: string };
  return python === undefined ? "no Python" : `Python ${python} on ${platform}`;
}
