/**
 * Sealed objects: whatever a step stored under the role `holdout`. Some kinds may open them, and each asking leaves a row.
 * An input names one as `{ "holdout": DIGEST }`; under any other name it is found by its digest.
 */
import { type Digest, isDigest, MillError, newId } from "../base/index.ts";
import type { Records, Statement } from "../ports/records/index.ts";

export interface Sealed {
  readonly digest: Digest;
  /** Field path in the input, as in `data.holdout`. */
  readonly at: string;
}

export const HOLDOUT_ROLE = "holdout";

/** Every sealed object that an input names, in the order of its fields. */
export async function sealedIn(input: unknown, records: Records): Promise<Sealed[]> {
  const named = digestsIn(input, "");
  const known = new Set<string>();
  for (const batch of chunks([...new Set(named.map(({ digest }) => digest))], BATCH)) {
    const places = batch.map(() => "?").join(", ");
    const rows = await records.query<{ digest: string }>(`SELECT digest FROM sealed_objects WHERE digest IN (${places})`, batch);
    for (const { digest } of rows) known.add(digest);
  }
  return named.filter(({ digest, at }) => known.has(digest) || at.split(".").at(-1) === HOLDOUT_ROLE);
}

const BATCH = 400;

function digestsIn(value: unknown, at: string): Sealed[] {
  if (typeof value === "string") return isDigest(value) ? [{ digest: value, at }] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => digestsIn(inner, at === "" ? name : `${at}.${name}`));
}

function* chunks<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}

/** Seals what a manifest holds under the role; committed together with the result. */
export const sealStatements = (objects: Readonly<Record<string, Digest>>): Statement[] =>
  HOLDOUT_ROLE in objects
    ? [{ sql: "INSERT INTO sealed_objects (digest) VALUES (?) ON CONFLICT DO NOTHING", params: [objects[HOLDOUT_ROLE]!] }]
    : [];

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
