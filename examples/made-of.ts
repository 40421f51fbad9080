import type { StepManifest } from "../src/steps/index.ts";

/** A result as it is on record, but for what the machine took (`took`), which is another time otherwise. */
export function madeOf<R extends Readonly<Record<string, unknown>>>({ manifest, ...row }: R) {
  const { facts, ...made } = JSON.parse(String(manifest)) as StepManifest;
  const { took, ...same } = facts;
  return { ...row, ...made, facts: same };
}
