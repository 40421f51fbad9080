import { canonicalJson, type Json, MillError } from "../base/index.ts";
import type { Records } from "../ports/records/index.ts";

/** The split of a data set, as it was frozen at its first use. */
export interface FrozenSplit {
  readonly dataset: string;
  /** The rule that was asked for, and the boundary that it gave then. */
  readonly spec: Json;
  readonly boundary: Json;
  /** The version whose rows the boundary was chosen by. */
  readonly version: number;
  readonly frozenAt: number;
}

interface SplitRow {
  readonly spec: string;
  readonly boundary: string;
  readonly version: number;
  readonly frozenAt: number;
}

/** null: not frozen yet. With a rule: errors with `split.frozen` when another one was frozen. */
export async function readSplit(records: Records, dataset: string, spec?: Json): Promise<FrozenSplit | null> {
  const [row] = await records.query<SplitRow>(
    `SELECT spec, boundary, dataset_version AS version, frozen_at AS "frozenAt" FROM generations
      WHERE dataset = ? AND frozen_at IS NOT NULL AND abandoned_at IS NULL ORDER BY generation DESC LIMIT 1`,
    [dataset],
  );
  if (!row) return null;
  const frozen = { ...row, dataset, spec: JSON.parse(row.spec) as Json, boundary: JSON.parse(row.boundary) as Json };
  if (spec !== undefined && canonicalJson(spec) !== canonicalJson(frozen.spec)) throw otherRule(frozen, spec);
  return frozen;
}

function otherRule({ dataset, spec, version }: FrozenSplit, got: Json): MillError {
  return new MillError(
    "split.frozen",
    `The split of the data set "${dataset}" was frozen with version ${version}, and the definition now asks for another one.`,
    {
      at: `dataset "${dataset}": split`,
      expected: canonicalJson(spec),
      got: canonicalJson(got),
      fix: "Put the old split back, or give the data set a new name: rows that were once held out must not be trained on.",
    },
  );
}

/** Freezes a split once; the same rule again changes nothing. Errors: `split.frozen`. */
export async function freezeSplit(records: Records, split: Omit<FrozenSplit, "frozenAt">, nowMs: number): Promise<FrozenSplit> {
  const { dataset, spec, boundary, version } = split;
  await records.commit([
    {
      sql: `INSERT INTO generations (dataset, generation, spec, boundary, dataset_version, journals, opened_at, frozen_at)
        VALUES (?, 1, ?, ?, ?, '[]', ?, ?) ON CONFLICT DO NOTHING`,
      params: [dataset, canonicalJson(spec), canonicalJson(boundary), version, nowMs, nowMs],
    },
  ]);
  return (await readSplit(records, dataset, spec))!;
}
