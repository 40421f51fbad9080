import { MillError } from "../base/index.ts";
import {
  type Columns,
  checkFeature,
  type FeatureFields,
  type KnownColumns,
  type Node,
  type OperationName,
} from "../express/index.ts";
import { type DatasetDefinition, type FeaturesDefinition, KIND } from "./definitions.ts";
import { namedNodes } from "./expressions.ts";
import { callback, definitionName, definitionOf, fieldNames, within, wrong } from "./options.ts";
import type { DatasetTypes, Features, Typed } from "./typed.ts";

/**
 * What a model may look at, from one data set: expressions that are known when a prediction is asked for. Outcomes are drawn together over earlier
 * rows, as in `f.delay.mean().by(f.origin).last("3h")`.
 * Errors: `define.*` and `express.*`, naming the feature.
 */
export function features<const N extends string, D extends Columns, O extends string, T extends string, F extends FeatureFields>(
  name: N,
  from: Typed<"dataset", DatasetTypes<D, O, T>>,
  build: (f: KnownColumns<D, O>) => F,
): Features<N, D, F, O, T>;
export function features(name: unknown, from: unknown, build: unknown): FeaturesDefinition {
  const at = `features "${definitionName("features", name)}"`;
  const source = definitionOf<DatasetDefinition>(`${at}: from`, from, "dataset");
  const fields = namedNodes(at, callback(at, build, "(f) => ({ distance: f.distance })"), source);
  if (Object.keys(fields).length === 0) wrong(at, "at least one feature", {});
  fieldNames(at, Object.keys(fields));
  for (const [field, node] of Object.entries(fields)) {
    within(`${at}.${field}`, () => checkFeature(node, source));
    refusePersonal(`${at}.${field}`, node, source);
  }
  return Object.freeze({ [KIND]: "features" as const, name: name as string, from: source, fields });
}

/** A column that names a person by itself is no feature; what is only compared, counted or grouped by it is. */
function refusePersonal(at: string, node: Node, source: DatasetDefinition): void {
  const column = columnsPassedOn(node).find((name) => source.columns[name]?.personal === "direct");
  if (column === undefined) return;
  throw new MillError("define.personal", `${at}: "${column}" names a person directly, so it may not be a raw feature.`, {
    at,
    expected: 'a feature without columns marked personal: "direct"',
    got: `the column "${column}"`,
    fix: `Leave it out, or draw rows together by it, as in f.amount.mean().by(f.${column}).last("30d").`,
  });
}

/** Operations whose result still shows what was put in. */
const PASSES_ON: ReadonlySet<OperationName> = new Set([
  "orElse",
  "lower",
  "plus",
  "minus",
  "times",
  "dividedBy",
  "abs",
  "log",
  "plusMinutes",
  "minutesUntil",
]);

function columnsPassedOn(node: Node): readonly string[] {
  if (node.op === "column") return [node.name];
  if (node.op === "literal" || node.op === "window" || !PASSES_ON.has(node.op)) return [];
  return node.args.flatMap(columnsPassedOn);
}
