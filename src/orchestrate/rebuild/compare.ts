/** What a step left, held against what is on record. */
import { canonicalJson } from "../../base/index.ts";
import type { Measurement } from "../../contract/index.ts";
import type { StepManifest } from "../../steps/index.ts";

/** Names of the objects and facts that are not the same, `measurements` among them; what a machine took (`took`) is no part of what was made. */
export function differencesOf(a: StepManifest, b: StepManifest): string[] {
  const named = ({ objects, facts: { took, ...facts }, measurements }: StepManifest): Readonly<Record<string, unknown>> => ({
    ...facts,
    ...objects,
    measurements,
  });
  const [first, second] = [named(a), named(b)];
  return [...new Set([...Object.keys(first), ...Object.keys(second)])].filter(
    (name) => canonicalJson(first[name] ?? null) !== canonicalJson(second[name] ?? null),
  );
}

export interface Apart {
  readonly measure: string;
  readonly recorded: number | null;
  readonly rebuilt: number | null;
  /** Difference, of values above 1 as a share of what is on record; infinite where one of them is missing. */
  readonly by: number;
}

/** The measures of both, furthest apart first. */
export function measuresApart(recorded: StepManifest, rebuilt: StepManifest): Apart[] {
  const [before, now] = [byName(recorded.measurements), byName(rebuilt.measurements)];
  const names = [...new Set([...before.keys(), ...now.keys()])];
  const apart = names.map((measure): Apart => {
    const [a, b] = [before.get(measure), now.get(measure)];
    return { measure, recorded: a ?? null, rebuilt: b ?? null, by: distance(a, b) };
  });
  return apart.sort((a, b) => b.by - a.by);
}

function byName(measurements: readonly Measurement[]): Map<string, number | null> {
  return new Map(
    measurements.map(({ subject, measure, window, value }) => [
      [measure, "of", subject, ...(window ? [window.from, window.to] : [])].join(" "),
      value,
    ]),
  );
}

function distance(a: number | null | undefined, b: number | null | undefined): number {
  if (a === b) return 0;
  if (typeof a !== "number" || typeof b !== "number") return Number.POSITIVE_INFINITY;
  return Math.abs(a - b) / Math.max(1, Math.abs(a));
}

/** Whether a judge decided otherwise. */
export const decidedOtherwise = (recorded: StepManifest, rebuilt: StepManifest): boolean => passed(recorded) !== passed(rebuilt);

const passed = ({ facts: { verdict } }: StepManifest) => (verdict as { readonly passed?: boolean } | undefined)?.passed;
