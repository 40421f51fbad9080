/**
 * Reading what a user wrote, so that plain JavaScript is told as clearly as TypeScript: each reader checks one value and says where it stands,
 * what was expected and what came. `at` is a path such as `dataset "flights": columns.delay`.
 */
import { type Duration, didYouMean, MillError, parseDuration } from "../base/index.ts";
import { show } from "../express/index.ts";
import { KIND, type Kind } from "./definitions.ts";

export type Given = Readonly<Record<string, unknown>>;

const NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** The name of a definition: lower-case letters, digits and hyphens. */
export function definitionName(kind: Kind, name: unknown): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  throw new MillError("define.bad-name", `${show(name)} is no name for a ${kind}.`, {
    at: kind,
    expected: "1 to 63 lower-case letters, digits and hyphens, beginning with a letter",
    got: show(name),
    fix: `Name it as in ${kind}("${suggestedName(name)}", { ... }).`,
  });
}

function suggestedName(name: unknown): string {
  const plain = String(name)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "");
  return typeof name === "string" && NAME.test(plain) ? plain : "late-arrival";
}

const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

/** Names of features and slices become columns and graph inputs: letters, digits and `_`, no two alike but for case. */
export function fieldNames(at: string, names: readonly string[]): void {
  for (const name of names) {
    if (FIELD_NAME.test(name)) continue;
    throw new MillError("define.bad-name", `${at}: ${show(name)} is no name for a field.`, {
      at,
      expected: "1 to 63 letters, digits and _, beginning with a letter",
      got: show(name),
      fix: "Rename it, as in recentDelay.",
    });
  }
  distinctNames(at, names);
}

/** Tables know no case in names, so `Hour` and `hour` are one. */
export function distinctNames(at: string, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const other = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), name);
    if (other === undefined) continue;
    throw new MillError(
      "define.duplicate",
      `${at}: "${other}" and "${name}" are the same name: tables do not tell their case apart.`,
      {
        at,
        expected: "names that differ in more than case",
        got: `"${other}" and "${name}"`,
        fix: `Rename one of them.`,
      },
    );
  }
}

/** An object with none but the known keys. */
export function fieldsOf(at: string, given: unknown, known: readonly string[]): Given {
  const fields = record(at, given);
  for (const key of Object.keys(fields)) {
    if (known.includes(key)) continue;
    throw new MillError("define.unknown-option", `${at} has no option "${key}".${didYouMean(key, known)}`, {
      at,
      expected: `one of ${known.join(", ")}`,
      got: `"${key}"`,
      fix: "Remove it or correct its name.",
    });
  }
  return fields;
}

export function record(at: string, given: unknown): Given {
  const plain =
    typeof given === "object" && given !== null && !Array.isArray(given) && (given as Given)[KIND as never] === undefined;
  return plain ? (given as Given) : wrong(at, "an object", given);
}

export function text(at: string, given: unknown): string {
  if (typeof given === "string" && given.trim() !== "") return given;
  return wrong(at, "a text that is not empty", given);
}

export const optionalText = (at: string, given: unknown): string | undefined =>
  given === undefined ? undefined : text(at, given);

export interface Range {
  readonly above?: number;
  readonly atLeast?: number;
  readonly below?: number;
  readonly atMost?: number;
  readonly integer?: true;
}

export function number(at: string, given: unknown, range: Range = {}): number {
  const { above = -Infinity, below = Infinity, atLeast = -Infinity, atMost = Infinity, integer = false } = range;
  const fits =
    typeof given === "number" &&
    Number.isFinite(given) &&
    given > above &&
    given < below &&
    given >= atLeast &&
    given <= atMost &&
    (!integer || Number.isSafeInteger(given));
  return fits ? given : wrong(at, inWords(range), given);
}

function inWords({ above, atLeast, below, atMost, integer }: Range): string {
  const bounds = [
    above === undefined ? [] : [`above ${above}`],
    atLeast === undefined ? [] : [`at least ${atLeast}`],
    below === undefined ? [] : [`below ${below}`],
    atMost === undefined ? [] : [`at most ${atMost}`],
  ].flat();
  return `${integer ? "an integer" : "a finite number"}${bounds.length > 0 ? ` ${bounds.join(" and ")}` : ""}`;
}

export function oneOf<const T extends string>(at: string, given: unknown, allowed: readonly T[]): T {
  if (allowed.includes(given as T)) return given as T;
  const near = typeof given === "string" ? didYouMean(given, allowed) : "";
  return wrong(at, `one of ${allowed.join(", ")}`, given, near);
}

export function list(at: string, given: unknown): readonly unknown[] {
  return Array.isArray(given) ? given : wrong(at, "a list", given);
}

export function duration(at: string, given: unknown): Duration {
  if (typeof given !== "string") return wrong(at, 'a duration, as in "3h" or "90d"', given);
  parseDuration(given, at);
  return given as Duration;
}

export type Callback = (...given: readonly unknown[]) => unknown;

export function callback(at: string, given: unknown, example: string): Callback {
  return typeof given === "function" ? (given as Callback) : wrong(at, `a function, as in ${example}`, given);
}

/** A definition of the kind, as the word of that name makes it. */
export function definitionOf<T>(at: string, given: unknown, kind: Kind): T {
  const found = typeof given === "object" && given !== null ? (given as { [KIND]?: Kind })[KIND] : undefined;
  if (found === kind) return given as T;
  const got = found === undefined ? show(given) : `a definition of kind "${found}"`;
  const cycle = given === undefined ? " Is it defined above this line, and exported from the file it is imported from?" : "";
  throw new MillError("define.wrong-kind", `${at} takes what ${kind}(...) returns, got ${got}.${cycle}`, {
    at,
    expected: `what ${kind}(...) returns`,
    got,
    fix: `Hand in the definition itself, as in ${at.split(": ").at(-1)}: my${kind[0]!.toUpperCase()}${kind.slice(1)}.`,
  });
}

export function wrong(at: string, expected: string, given: unknown, more = ""): never {
  if (given === undefined)
    throw new MillError("define.missing", `${at} is missing: state ${expected}.`, {
      at,
      expected,
      got: "nothing",
      fix: `Add it.`,
    });
  throw new MillError("define.bad-value", `${at}: expected ${expected}, got ${show(given)}.${more}`, {
    at,
    expected,
    got: show(given),
    fix: more.trim() || "Correct the value.",
  });
}

/** Runs what a user wrote in a callback; an error of an expression is told with the place it stands in. */
export function within<T>(at: string, run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    if (!(thrown instanceof MillError) || thrown.message.startsWith(at)) throw thrown;
    const { code, message, expected, got, fix } = thrown;
    throw new MillError(code, `${at}: ${message}`, { at, expected, got, fix, cause: thrown });
  }
}
