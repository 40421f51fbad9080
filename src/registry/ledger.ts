/**
 * Who did what to which model and version, when and why: one sequence for all models, each entry in the transaction of what it tells. Entries are only ever
 * added. Those of a model outlive it, and one that was renamed leads back to what happened under its name before.
 */
import type { Json } from "../base/index.ts";
import type { Param, Records, Statement } from "../ports/records/index.ts";

export const LEDGER_EVENTS = [
  ...["model.created", "model.renamed", "model.was", "model.described", "model.deleted", "model.tag-set", "model.tag-removed"],
  ...["version.created", "version.judged", "version.described", "version.staged", "version.deleted"],
  ...["version.tag-set", "version.tag-removed", "alias.set", "alias.removed"],
] as const;
export type LedgerEvent = (typeof LEDGER_EVENTS)[number];

/** Who changed something, and why, in words; left out: nothing was said. */
export interface Doer {
  readonly actor: string;
  readonly why?: string | undefined;
}

/** Who changed what serves: never without a reason. */
export interface By extends Doer {
  readonly why: string;
}

export interface LedgerEntry {
  /** From 1, in the order of what happened to all models. */
  readonly seq: number;
  readonly model: string;
  readonly version: number | null;
  readonly what: LedgerEvent;
  /** Of an alias or tag its name; of a model that was renamed the other name. */
  readonly name: string | null;
  readonly detail: Readonly<Record<string, Json>>;
  /** Milliseconds since 1970, as the clock stood. */
  readonly at: number;
  readonly actor: string;
  /** "": nothing was said. */
  readonly why: string;
}

export type NewLedgerEntry = Pick<LedgerEntry, "model" | "what"> & Partial<Pick<LedgerEntry, "version" | "name" | "detail">>;

const COLUMNS = "seq, model, version, what, name, detail, at, actor, why";
/** Writers of the same records take turns. */
const NEXT = "(SELECT coalesce(max(seq), 0) + 1 FROM registry_ledger)";

/** `where`: told only where this holds. */
export const told = (
  { model, version = null, ...entry }: NewLedgerEntry,
  by: Doer,
  at: number,
  where?: { readonly sql: string; readonly params: readonly Param[] },
): Statement => ({
  sql: `INSERT INTO registry_ledger (${COLUMNS}) SELECT ${NEXT}, ?, ?, ?, ?, ?, ?, ?, ? WHERE ${where?.sql ?? "1 = 1"}`,
  params: [model, version, ...paramsOf(entry, by, at), ...(where?.params ?? [])],
});

/** Of the version that was numbered last, in the same transaction. */
export const toldOfNewest = ({ model, ...entry }: Omit<NewLedgerEntry, "version">, by: Doer, at: number): Statement => ({
  sql: `INSERT INTO registry_ledger (${COLUMNS}) SELECT ${NEXT}, name, last_version, ?, ?, ?, ?, ?, ? FROM registered_models WHERE name = ?`,
  params: [...paramsOf(entry, by, at), model],
});

/** Of each version of the model that has the stage, but one. */
export const toldOfStaged = (
  { model, version, stage, ...entry }: Omit<NewLedgerEntry, "version"> & { readonly version: number; readonly stage: string },
  by: Doer,
  at: number,
): Statement => ({
  sql: `INSERT INTO registry_ledger (${COLUMNS}) SELECT ${NEXT} - 1 + row_number() OVER (ORDER BY version), model, version, ?, ?, ?, ?, ?, ?
    FROM version_notes WHERE model = ? AND version <> ? AND stage = ?`,
  params: [...paramsOf(entry, by, at), model, version, stage],
});

const paramsOf = (
  { what, name = null, detail = {} }: Omit<NewLedgerEntry, "model" | "version">,
  { actor, why = "" }: Doer,
  at: number,
): Param[] => [what, name, JSON.stringify(detail), at, actor, why];

/** What happened to a model, newest first, also under the names that it had before. `before`: the last one seen. */
export async function readLedger(
  records: Pick<Records, "query">,
  model: string,
  { limit, before = Number.MAX_SAFE_INTEGER }: { readonly limit: number; readonly before?: number | undefined },
): Promise<LedgerEntry[]> {
  const names = await namesOf(records, model);
  const where = names.map(() => "(model = ? AND seq <= ?)").join(" OR ");
  return readEntries(records, `(${where}) AND seq < ? ORDER BY seq DESC LIMIT ?`, [...names.flat(), before, limit]);
}

/** The name and those that it had before, each with the entry until which. */
async function namesOf(
  records: Pick<Records, "query">,
  model: string,
): Promise<readonly (readonly [name: string, until: number])[]> {
  const names: (readonly [string, number])[] = [[model, Number.MAX_SAFE_INTEGER]];
  for (const [name, until] of names) {
    const renamed = await records.query<{ name: string; seq: number }>(
      "SELECT name, seq FROM registry_ledger WHERE model = ? AND what = 'model.was' AND seq <= ? ORDER BY seq",
      [name, until],
    );
    names.push(...renamed.map((row) => [row.name, row.seq] as const));
    if (names.length > NAMES_MAX) break;
  }
  return names;
}

/** As many earlier names are followed. */
const NAMES_MAX = 100;

/** `where`: a condition, with order and limit. */
export async function readEntries(
  records: Pick<Records, "query">,
  where: string,
  params: readonly Param[],
): Promise<LedgerEntry[]> {
  const rows = await records.query<Omit<LedgerEntry, "detail"> & { readonly detail: string }>(
    `SELECT ${COLUMNS} FROM registry_ledger WHERE ${where}`,
    params,
  );
  return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) }));
}
