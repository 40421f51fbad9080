/** Names that point at versions: setting one moves it, and each move is written down for good. */
import type { Statement } from "../ports/records/index.ts";
import { type Doer, told } from "./ledger.ts";

export const CHAMPION_ALIAS = "champion";
export const CHALLENGER_ALIAS = "challenger";

export interface Alias {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
}

export function aliasStatements(given: Alias, by: Doer, at: number): Statement[] {
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

export const historyStatement = (
  { alias, held, ...place }: Alias & { readonly held: boolean },
  by: Doer,
  at: number,
): Statement => told({ ...place, what: held ? "alias.set" : "alias.removed", name: alias }, by, at);
