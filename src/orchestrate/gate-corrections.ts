/**
 * The checks of a data set as a hook of its repository: what people bring to its branch must hold to them as the platform's own rows do, of which those
 * that fail were put aside. So they hold for every row, whatever share of what comes in may fail.
 */
import { canonicalJson, type Json } from "../base/index.ts";
import type { DatasetDefinition } from "../define/index.ts";
import { compileSql } from "../express/index.ts";
import type { Lake, NewHook } from "../lake/index.ts";

/** Named so that it is told from the hooks that people make. */
const NAME = "checks-of-the-data-set";

/** Makes the hook what the definition says, where it is not. */
export async function gateCorrections(dataset: DatasetDefinition, { hooks }: Lake): Promise<void> {
  const standing = (await hooks.list(dataset.name)).find(({ name }) => name === NAME);
  const wanted = hookOf(dataset);
  const same = standing && wanted && canonicalJson(standing.rule as Json) === canonicalJson(wanted.rule as unknown as Json);
  if (wanted && !same) await hooks.put(dataset.name, wanted);
  if (!wanted && standing) await hooks.remove(dataset.name, NAME);
}

function hookOf({ checks, columns }: DatasetDefinition): NewHook | null {
  if (checks.length === 0) return null;
  const unique = checks.flatMap(({ holds }) => ("unique" in holds ? [holds.unique] : []));
  const rows = checks.flatMap(({ holds, text }) => ("unique" in holds ? [] : [{ sql: compileSql(holds, columns), text }]));
  return { name: NAME, event: "pre-merge", branches: ["main"], kind: "table", rule: { table: "", unique, checks: rows } };
}
