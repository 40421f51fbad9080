import { canonicalJson } from "../../base/index.ts";
import type { Column, Schema } from "../../contract/index.ts";
import type { Side } from "./relation.ts";
import type { TableContent } from "./table.ts";

/** Why two versions of a table do not fit together, whatever their rows hold. */
export interface ColumnConflict {
  readonly column: string;
  readonly why: "type" | "removed" | "not-nullable" | "key";
  /** What each side says of it; null: it does not have it. */
  readonly ours: string | null;
  readonly theirs: string | null;
}

/** What is declared of the columns, merged: a side may add columns that may be null; what both have is of one type. Nothing declared: null. */
export function mergeColumns(
  base: TableContent,
  ours: TableContent,
  theirs: TableContent,
): { readonly columns: Schema | null; readonly conflicts: readonly ColumnConflict[] } {
  const conflicts: ColumnConflict[] = [];
  const [ourKey, theirKey] = [ours.key ?? [], theirs.key ?? []].map((key) => key.join(", ")) as [string, string];
  if (ourKey !== theirKey) conflicts.push({ column: ourKey, why: "key", ours: ourKey, theirs: theirKey });
  if (ours.columns === null || theirs.columns === null) return { columns: ours.columns ?? theirs.columns, conflicts };
  const merged: [string, Column][] = [];
  for (const name of new Set([...Object.keys(ours.columns), ...Object.keys(theirs.columns)])) {
    const [b, o, t] = [base.columns?.[name], ours.columns[name], theirs.columns[name]];
    const conflict = (why: ColumnConflict["why"]) =>
      conflicts.push({ column: name, why, ours: o?.type ?? null, theirs: t?.type ?? null });
    if (o && t) {
      if (o.type !== t.type) conflict("type");
      merged.push([name, mergeColumn(b, o, t)]);
    } else if (b) conflict("removed");
    else {
      if (!(o ?? t)!.nullable) conflict("not-nullable");
      merged.push([name, (o ?? t)!]);
    }
  }
  return { columns: Object.fromEntries(merged), conflicts };
}

/** Of what is said about a column ours counts, where theirs alone did not change it; it may be null when either side lets it. */
function mergeColumn(base: Column | undefined, ours: Column, theirs: Column): Column {
  const untouched = base !== undefined && canonicalJson(base) === canonicalJson(ours);
  return { ...(untouched ? theirs : ours), nullable: ours.nullable || theirs.nullable };
}

/** The same for what the files hold; a side without files says nothing. */
export function typeConflicts(base: Side, ours: Side, theirs: Side): ColumnConflict[] {
  if (ours.paths.length === 0 || theirs.paths.length === 0) return [];
  return [...new Set([...ours.types.keys(), ...theirs.types.keys()])].flatMap((column): ColumnConflict[] => {
    const [o, t] = [ours.types.get(column) ?? null, theirs.types.get(column) ?? null];
    if (o !== null && t !== null) return o === t ? [] : [{ column, why: "type", ours: o, theirs: t }];
    return base.types.has(column) ? [{ column, why: "removed", ours: o, theirs: t }] : [];
  });
}
