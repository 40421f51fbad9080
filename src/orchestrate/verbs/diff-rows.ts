import { MillError } from "../../base/index.ts";
import type { OutputOf } from "../../contract/index.ts";
import type { Workspace } from "../workspace.ts";

const EXAMPLES_MAX = 10;

/** The data set that both `flights@1` and `flights@2` name; null: the first names none, or a model of this name counts. */
export async function datasetOfBoth({ lake, registry }: Workspace, a: string, b: string): Promise<string | null> {
  const [first, second] = [a, b].map((text) => text.split("@")[0]!);
  if ((await registry.versions(first!, { limit: 1 })).length > 0 || (await lake.head(first!)) === null) return null;
  if (first === second) return first!;
  throw new MillError("request.bad-version", `"${a}" and "${b}" are not versions of one data set.`, {
    expected: `${first}@VERSION twice`,
    got: `${a} and ${b}`,
    fix: "Compare versions of the same data set.",
  });
}

/** What sets two versions of a data set apart, row by row. Errors: `request.bad-version`, `lake.unknown-version`. */
export async function rowDifferences(
  { lake }: Workspace,
  dataset: string,
  a: string,
  b: string,
): Promise<Pick<OutputOf<"diff">, "same" | "differences" | "rows">> {
  const [before, after] = [await versionIn(lake, dataset, a), await versionIn(lake, dataset, b)];
  const { keyed, added, removed, changed, changedColumns, columns, rows } = await lake.diffVersions(dataset, before, after, {
    limit: EXAMPLES_MAX,
  });
  const definition = (field: string, a: string | null, b: string | null) => ({ area: "definition" as const, field, a, b });
  const differences = [
    ...columns.added.map((name) => definition(name, null, "added")),
    ...columns.removed.map((name) => definition(name, "removed", null)),
    ...columns.retyped.map(({ name, before, after }) => definition(name, before, after)),
  ];
  return {
    same: added + removed + changed + differences.length === 0,
    differences,
    rows: {
      ...{ keyed, added, removed, changed, changedColumns },
      examples: rows.map(({ kind, before, after }) => ({ kind, before, after })),
    },
  };
}

/** `flights@3`, or `flights@newest`. */
async function versionIn(lake: Workspace["lake"], dataset: string, text: string): Promise<number> {
  const name = text.split("@")[1] ?? "";
  if (/^[1-9]\d{0,8}$/.test(name)) return Number(name);
  if (name === "newest") return (await lake.head(dataset))!.version;
  throw new MillError("request.bad-version", `"${text}" names no version.`, {
    expected: `${dataset}@VERSION, as in ${dataset}@1, or ${dataset}@newest`,
    got: text,
    fix: `mill lake tags ${dataset} lists them, and mill lake diff compares any two refs.`,
  });
}
