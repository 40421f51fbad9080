/** What a step whose bytes may vary has to hold to: the same inputs, the same words, and every number near what it was. */
import { canonicalJson, type Json } from "../base/index.ts";
import type { StepManifest } from "../steps/index.ts";

/** Of values above 1 as a share of them. */
export const TOLERANCE = 0.01;

interface NumberApart {
  readonly name: string;
  readonly before: number;
  readonly now: number;
}

/** One sentence where what differs is bytes, and numbers within the tolerance; null: it is more than that. */
export function variation(recorded: StepManifest, again: StepManifest): string | null {
  if (!sameNames(recorded.objects, again.objects) || canonicalJson(recorded.measurements) !== canonicalJson(again.measurements))
    return null;
  const numbers = numbersOf(facts(recorded), facts(again), "");
  if (numbers === null || numbers.some((one) => apart(one) > TOLERANCE)) return null;
  const [furthest] = numbers.sort((a, b) => apart(b) - apart(a));
  const held = `other bytes from the same inputs and the same environment, as its script may give`;
  if (furthest === undefined) return `${held}; it logged no number`;
  const { name, now, before } = furthest;
  return `${held}; of ${numbers.length} numbers furthest apart is ${name}: ${now}, was ${before} (up to ${TOLERANCE} is taken as the same)`;
}

const facts = ({ facts: { took, ...rest } }: StepManifest) => rest;
const sameNames = (a: object, b: object) => canonicalJson(Object.keys(a).sort()) === canonicalJson(Object.keys(b).sort());
const apart = ({ before, now }: NumberApart) => Math.abs(now - before) / Math.max(1, Math.abs(before));

/** Every pair of numbers in two values that are the same but for these; null: they are not. */
function numbersOf(a: Json | undefined, b: Json | undefined, name: string): NumberApart[] | null {
  if (typeof a === "number" && typeof b === "number") return [{ name, before: a, now: b }];
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return canonicalJson(a ?? null) === canonicalJson(b ?? null) ? [] : null;
  if (!sameNames(a, b)) return null;
  const found: NumberApart[] = [];
  for (const key of Object.keys(a)) {
    const inner = numbersOf(
      (a as Record<string, Json>)[key],
      (b as Record<string, Json>)[key],
      name === "" ? key : `${name}.${key}`,
    );
    if (inner === null) return null;
    found.push(...inner);
  }
  return found;
}
