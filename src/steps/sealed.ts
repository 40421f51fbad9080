/** Sealed inputs: `{ "holdout": DIGEST }` anywhere in a step's input is opened for some kinds only, and each asking leaves a row. */
import { type Digest, isDigest, MillError, newId } from "../base/index.ts";
import type { Statement } from "../ports/records/index.ts";

export interface Sealed {
  readonly digest: Digest;
  /** Field path in the input, as in `data.holdout`. */
  readonly at: string;
}

/** Every sealed value in an input, in the order of its fields. */
export function sealedIn(input: unknown, at = ""): Sealed[] {
  if (typeof input !== "object" || input === null) return [];
  return Object.entries(input).flatMap(([name, value]) => {
    const path = at === "" ? name : `${at}.${name}`;
    if (name === "holdout" && typeof value === "string" && isDigest(value)) return [{ digest: value, at: path }];
    return sealedIn(value, path);
  });
}

export interface Reading {
  readonly sealed: readonly Sealed[];
  readonly kind: string;
  readonly target: string;
  readonly input: unknown;
  readonly granted: boolean;
  readonly atMs: number;
}

/** The rows that record who asked to read a holdout; a granted reading is committed together with the start of the attempt. */
export function readingStatements({ sealed, kind, target, input, granted, atMs }: Reading): Statement[] {
  const { dataset, model } = (input ?? {}) as { readonly dataset?: unknown; readonly model?: unknown };
  const name = (value: unknown) => (typeof value === "string" ? value : null);
  return sealed.map(({ digest }) => ({
    sql: "INSERT INTO holdout_readings (id, dataset, digest, reader, model, granted, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    params: [newId(atMs), name(dataset) ?? "", digest, `${kind} of ${target}`, name(model), granted ? 1 : 0, atMs],
  }));
}

export const holdoutLocked = (kind: string, [first]: readonly Sealed[], opens: readonly string[]) =>
  new MillError("split.holdout-locked", `A step of kind "${kind}" may not read the holdout; the attempt was recorded.`, {
    at: first?.at,
    expected: `a step of kind ${opens.join(", ") || "that opens it; none does"}`,
    got: kind,
    fix: "Use the test part for tuning, thresholds and calibration; the holdout is read once, by the assessment.",
  });
