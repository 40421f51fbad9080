/** Names that point at versions: setting one moves it, and each move is written down for good. */
import type { Statement } from "../ports/records/index.ts";

export const CHAMPION_ALIAS = "champion";
export const CHALLENGER_ALIAS = "challenger";

/** Who changed what serves, and why. */
export interface By {
  readonly actor: string;
  /** In words. */
  readonly why: string;
}

export interface Alias {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
}

export function aliasStatements(given: Alias, by: By, at: number): Statement[] {
  const { model, alias, version } = given;
  return [
    { sql: "DELETE FROM aliases WHERE model = ? AND alias = ?", params: [model, alias] },
    { sql: "INSERT INTO aliases (model, alias, version) VALUES (?, ?, ?)", params: [model, alias, version], rows: 1 },
    historyStatement({ ...given, held: true }, by, at),
  ];
}

export const dropAlias = ({ model, alias, version }: Alias): Statement => ({
  sql: "DELETE FROM aliases WHERE model = ? AND alias = ? AND version = ?",
  params: [model, alias, version],
});

/** Later than all before it, whatever the clock says: the order of the history decides who reigns. */
export const historyStatement = (
  { model, alias, version, held }: Alias & { held: boolean },
  { actor, why }: By,
  at: number,
): Statement => ({
  sql: `INSERT INTO alias_history (model, alias, version, held, at, actor, why)
    SELECT ?, ?, ?, ?, CASE WHEN newest >= ? THEN newest + 1 ELSE ? END, ?, ?
    FROM (SELECT coalesce(max(at), 0) AS newest FROM alias_history WHERE model = ?) AS before`,
  params: [model, alias, version, held ? 1 : 0, at, at, actor, why, model],
});
