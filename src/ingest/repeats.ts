import { quoteIdentifier } from "../express/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { passesSql, type RowCheck } from "./stage.ts";

/**
 * Fills the table `repeats` (`__source`, `__ordinal`, `__check`) with the rows that repeat an earlier one in all columns of a `unique` check.
 * The first by file order stays; rows with a null in one of the columns pass; a row that an earlier check put aside is no earlier row.
 */
export async function findRepeats(staged: string, checks: readonly RowCheck[], tables: Tables): Promise<void> {
  await tables.run("CREATE TEMP TABLE repeats (__source INTEGER, __ordinal BIGINT, __check INTEGER)");
  for (const { holds, index } of checks) {
    if (!("unique" in holds)) continue;
    const keys = holds.unique.map(quoteIdentifier);
    const known = keys.map((key) => `${key} IS NOT NULL`).join(" AND ");
    const good = `SELECT __source, __ordinal, ${keys.join(", ")} FROM ${staged} ANTI JOIN repeats USING (__source, __ordinal) WHERE ${passesSql(checks)} AND ${known}`;
    await tables.run(
      `CREATE OR REPLACE TEMP TABLE repeated AS SELECT ${keys.join(", ")} FROM (${good}) GROUP BY ALL HAVING count(*) > 1`,
    );
    await tables.run(
      `INSERT INTO repeats SELECT __source, __ordinal, ${index}
       FROM (SELECT *, row_number() OVER (PARTITION BY ${keys.join(", ")} ORDER BY __source, __ordinal) AS nth FROM (${good}) SEMI JOIN repeated USING (${keys.join(", ")}))
       WHERE nth > 1`,
    );
  }
}
