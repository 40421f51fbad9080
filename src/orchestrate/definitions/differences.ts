/** What sets two versions of the definitions apart, in their own words: `model/late: train.params.trees`, expressions as people say them. */
import { canonicalJson, type Json, MillError } from "../../base/index.ts";
import type { OutputOf } from "../../contract/index.ts";
import { PLURAL } from "../../define/index.ts";
import { inWords, type Node } from "../../express/index.ts";
import type { Workspace } from "../workspace.ts";
import { currentDefinitions, definitionsNamed } from "./versions.ts";

type Difference = OutputOf<"diff">["differences"][number];
type Fields = Readonly<Record<string, unknown>>;

const WORD = "definitions";

/** Whether both are written `definitions@VERSION`; a data set or model of that name counts more. Errors: `request.bad-version` where only one is. */
export async function areDefinitions({ lake, registry }: Workspace, a: string, b: string): Promise<boolean> {
  const [first, second] = [a, b].map((text) => text.startsWith(`${WORD}@`));
  if (!first && !second) return false;
  if ((await registry.versions(WORD, { limit: 1 })).length > 0 || (await lake.head(WORD)) !== null) return false;
  if (first && second) return true;
  throw new MillError("request.bad-version", `"${a}" and "${b}" are not both versions of the definitions.`, {
    expected: `${WORD}@VERSION twice`,
    got: `${a} and ${b}`,
    fix: "Compare the definitions with an earlier version of them, or with definitions@newest.",
  });
}

/** Errors: `definitions.unknown`, `definitions.ambiguous`, and those of loading mill.ts where `definitions@newest` is asked for. */
export async function definitionDifferences(
  workspace: Workspace,
  a: string,
  b: string,
): Promise<Pick<OutputOf<"diff">, "same" | "differences">> {
  const said = async (named: string) => {
    const version = named.slice(WORD.length + 1);
    const { text } = version === "newest" ? await currentDefinitions(workspace) : await definitionsNamed(workspace, version);
    return definitionsByTarget(JSON.parse(text));
  };
  const [before, after] = [await said(a), await said(b)];
  const differences = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((target) => {
    if (before[target] === undefined) return [differing(target, null, "added")];
    if (after[target] === undefined) return [differing(target, "removed", null)];
    return changesIn(`${target}:`, before[target], after[target]);
  });
  return { same: differences.length === 0, differences };
}

/** `model/late` and what stands under it. */
function definitionsByTarget(sections: Readonly<Record<string, Fields>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(PLURAL).flatMap(([kind, plural]) =>
      Object.entries(sections[plural] ?? {}).map(([name, fields]) => [`${kind}/${name}`, fields]),
    ),
  );
}

const differing = (field: string, a: Json, b: Json): Difference => ({ area: "definition", field, a, b });

/** `path` ends with what joins it to a field's name. */
function changesIn(path: string, a: unknown, b: unknown): Difference[] {
  if (canonicalJson(a ?? null) === canonicalJson(b ?? null)) return orderChanges(path, a, b);
  const pairs = pairsOf(a, b);
  if (pairs === null) return [differing(path, said(a), said(b))];
  return pairs.flatMap(([name, first, second]) => changesIn(fieldPath(path, name), first, second));
}

const fieldPath = (path: string, name: string | number) =>
  typeof name === "number" ? `${path}[${name}]` : path.endsWith(":") ? `${path} ${name}` : `${path}.${name}`;

/** Canonical JSON knows no order of fields; features are read in one. */
function orderChanges(path: string, a: unknown, b: unknown): Difference[] {
  if (!isObject(a) || !isObject(b)) return [];
  const [first, second] = [Object.keys(a).join(", "), Object.keys(b).join(", ")];
  if (first !== second) return [differing(`${path} (order)`, first, second)];
  return Object.keys(a).flatMap((name) => orderChanges(fieldPath(path, name), a[name], b[name]));
}

/** What is compared part by part: objects, and lists of as many items; null: it is compared as a whole. */
function pairsOf(a: unknown, b: unknown): (readonly [string | number, unknown, unknown])[] | null {
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length && [...a, ...b].every(isObject))
    return a.map((item, index) => [index, item, b[index]]);
  if (!isObject(a) || !isObject(b) || isNode(a) || isNode(b) || isReference(a) || isReference(b)) return null;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => [name, a[name], b[name]]);
}

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const isNode = (value: Fields): boolean => typeof value.op === "string";
const isReference = (value: Fields): boolean => typeof value.$definition === "string";

function said(value: unknown): Json {
  if (Array.isArray(value)) return value.map(said);
  if (!isObject(value)) return (value ?? null) as Json;
  if (isNode(value)) return inWords(value as unknown as Node);
  if (isReference(value)) return value.$definition as string;
  return typeof value.text === "string" ? value.text : (value as Json);
}
