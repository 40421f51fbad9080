/** What an ingestion says of its rows: facts and measurements. */
import type { Json } from "../base/index.ts";
import type { Measurement, Schema } from "../contract/index.ts";
import type { Profile } from "../quality/index.ts";
import type { IngestInput } from "./input.ts";

export interface Counts {
  readonly kept: number;
  readonly quarantined: number;
  readonly leftOut: number;
  readonly ahead: number;
  /** Rows that are neither left out nor ahead, and those of them that fit their columns' types. */
  readonly read: number;
  readonly fitting: number;
  /** By index of the check. */
  readonly failed: ReadonlyMap<number, number>;
  /** Rows of journals that came again under the same id. */
  readonly repeated: number;
}

/** A file or journal: its name, what was found by looking at it, and how many rows it has. */
export type SourceFacts = Readonly<Record<string, Json>>;

export function factsOf(
  { columns, time, checks, journals, until }: IngestInput,
  counts: Counts,
  profile: Profile,
  sources: readonly SourceFacts[],
): Record<string, Json> {
  const ends = time === null ? undefined : profile[time];
  return {
    rowCount: counts.kept,
    quarantined: counts.quarantined,
    leftOut: counts.leftOut,
    from: ends?.min ?? null,
    to: ends?.max ?? null,
    profile: profile as unknown as Json,
    checks: checks.map(({ index, text }) => ({
      index,
      text,
      failed: counts.failed.get(index) ?? 0,
      share: shareOf(counts, index),
    })),
    sources: sources as unknown as Json,
    warnings: allNull(columns, profile, counts).map((name) => `the column ${name} has no value in any row`),
    ...(journals && {
      journals: journals.map(({ dataset, version, rowCount }) => ({ dataset, version, rowCount })),
      until: until ?? null,
      ahead: counts.ahead,
      repeated: counts.repeated,
    }),
  };
}

const shareOf = ({ failed, fitting }: Counts, index: number) => (fitting === 0 ? null : 1 - (failed.get(index) ?? 0) / fitting);

const allNull = (columns: Schema, profile: Profile, { kept }: Counts) =>
  Object.keys(columns).filter((name) => profile[name]!.nulls === kept);

export function measurementsOf({ dataset, columns, checks, time }: IngestInput, counts: Counts, profile: Profile): Measurement[] {
  const ends = time === null ? undefined : profile[time];
  const window = ends?.min && ends.max ? { window: { from: String(ends.min), to: String(ends.max) } } : {};
  return [
    ...checks.map(
      ({ index, text }): Measurement => ({
        subject: `dataset/${dataset}#check/${index}`,
        measure: "share",
        value: shareOf(counts, index),
        count: counts.fitting,
        ...window,
        note: text,
      }),
    ),
    {
      subject: `dataset/${dataset}#fits`,
      measure: "share",
      value: counts.fitting / counts.read,
      count: counts.read,
      ...window,
      note: "rows whose values fit their columns",
    },
    ...allNull(columns, profile, counts).map(
      (name): Measurement => ({
        subject: `dataset/${dataset}#column/${name}`,
        measure: "nullShare",
        value: 1,
        count: counts.kept,
        note: "no value in any row",
      }),
    ),
  ];
}
