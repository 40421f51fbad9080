import { openDuckDb, stepEngine, type Tables } from "../ports/tables/index.ts";
import type { StepContext, StepKind, StepManifest } from "../steps/index.ts";
import { assemble } from "./assemble.ts";
import type { IngestedPartition, IngestInput } from "./input.ts";
import { factsOf, measurementsOf } from "./summary.ts";
import { takeIn } from "./take-in.ts";

/**
 * Files to typed rows: `part-0`, sorted by time (equal times, and rows without a time column, in file order), and `quarantine` when any row was put aside.
 * Rows of journals come behind those of the files and are treated alike, but that a record may lack columns.
 * Facts: `rowCount`, `quarantined`, `leftOut`, `from`, `to`, `profile`, `checks`, `sources`, `warnings`; with journals also `journals` and `until` (as asked), `ahead`
 * (rows later than `until`) and `repeated` (rows that came again under the same id).
 * Of a data set with partitions it puts together what `partition` has made of each: their parts as they are, in order, and one more for journals; facts
 * `partitions`: how many, the first and the last.
 * Measurements: `share` of `dataset/NAME#check/I`, `share` of `dataset/NAME#fits`, `nullShare` of each column that is all null.
 * Errors: `source.missing`, `source.unreadable`, `source.changed`, `dataset.column-missing`, `dataset.column-type`, `dataset.empty`.
 */
export const ingest: StepKind<IngestInput> = {
  name: "ingest",
  revision: 2,
  readsOutside: true,
  async run(input, context) {
    const tables = openDuckDb(stepEngine(context));
    try {
      return await (input.partitions === undefined ? ingestFiles : assemble)(input, tables, context);
    } finally {
      tables.close();
    }
  },
};

async function ingestFiles(input: IngestInput, tables: Tables, context: StepContext): Promise<StepManifest> {
  const { objects, counts, profile, sources } = await takeIn(input, tables, context);
  return { objects, facts: factsOf(input, counts, profile, sources), measurements: measurementsOf(input, counts, profile) };
}

/**
 * The files of one partition, as `ingest` reads those of a data set; a partition may have no rows, as long as none was put aside.
 * Facts: `rowCount`, `quarantined`, `leftOut`, `read`, `fitting` (rows that are neither left out nor ahead, and those of them that fit their columns), `failed`
 * (rows by index of the check), `sources`.
 * Errors: those of `ingest`.
 */
export const partition: StepKind<IngestInput> = {
  name: "partition",
  revision: 1,
  readsOutside: true,
  async run(input, context) {
    const tables = openDuckDb(stepEngine(context));
    try {
      const { objects, counts, sources } = await takeIn(input, tables, context, { empty: "when none was put aside" });
      const { kept: rowCount, quarantined, leftOut, read, fitting, failed } = counts;
      const facts = { rowCount, quarantined, leftOut, read, fitting, failed: Object.fromEntries(failed), sources };
      return { objects, facts: facts as unknown as StepManifest["facts"], measurements: [] };
    } finally {
      tables.close();
    }
  },
};

/** What `partition` has left, as `ingest` takes it. */
export function ingestedPartition(name: string, { objects, facts }: StepManifest): IngestedPartition {
  const { rowCount, quarantined, leftOut, read, fitting, failed } = facts as unknown as Omit<IngestedPartition, "part">;
  const { "part-0": part, quarantine } = objects;
  const counts = Object.entries(failed ?? {}).filter(([, count]) => count > 0);
  return {
    ...{ partition: name, part: part!, rowCount, quarantined, leftOut, read, fitting },
    ...(quarantine && { quarantine }),
    ...(counts.length > 0 && { failed: Object.fromEntries(counts) }),
  };
}
