/** What a model's features are over rows in the engine, and whether they are those that were logged. */
import type { Schema } from "../contract/index.ts";
import {
  checkFeature,
  columnsRead,
  featureQuery,
  type Node,
  quoteIdentifier as name,
  quoteLiteral as text,
} from "../express/index.ts";
import { windowSpans } from "../features/index.ts";
import type { BundleManifest } from "../registry/index.ts";
import { memberJson, memberText } from "./parity-rows.ts";

/** Columns that the features rest on: their own, the outcomes' moments, and the time. */
export function columnsNeeded({ fields, dataset }: BundleManifest): Schema {
  const read = [...Object.values(fields), ...Object.values(dataset.outcomes)].flatMap((node) => [...columnsRead(node)]);
  const needed = new Set([...read, ...(dataset.time === null ? [] : [dataset.time])]);
  return Object.fromEntries(Object.entries(dataset.columns).filter(([column]) => needed.has(column)));
}

const shapeOf = ({ dataset: { columns, outcomes, time } }: BundleManifest) => ({
  columns,
  outcomes,
  ...(time === null ? {} : { time }),
});

/**
 * A query for `__id` and the features of the rows that ask, over a relation with `__row` (a number of its own for each row), `__feeds` and `__id` (null
 * where a row only feeds).
 */
export function featuresOver(relation: string, manifest: BundleManifest): string {
  const query = featureQuery({
    ...{ shape: shapeOf(manifest), relation, fields: manifest.fields },
    ...{ rowId: "__row", keep: ["__id"], feeds: "__feeds" },
  });
  return `SELECT * FROM (${query}) WHERE __id IS NOT NULL`;
}

/** The same over a relation of many worlds, told apart by a number in `__world`: windows see the rows of their own. Of those that ask also `__world`. */
export function featuresByWorld(relation: string, manifest: BundleManifest): string {
  const { columns, ...shape } = shapeOf(manifest);
  const query = featureQuery({
    ...{ shape: { ...shape, columns: { ...columns, __world: { type: "int64", nullable: false } } }, relation },
    fields: Object.fromEntries(Object.entries(manifest.fields).map(([field, node]) => [field, inWorld(node)])),
    ...{ rowId: "__row", keep: ["__id", "__world"], feeds: "__feeds" },
  });
  return `SELECT * FROM (${query}) WHERE __id IS NOT NULL`;
}

function inWorld(node: Node): Node {
  if (node.op === "window") return { ...node, by: [...node.by, { op: "column", name: "__world" }] };
  return "args" in node ? { ...node, args: node.args.map(inWorld) } : node;
}

/** A query for a row for each request and feature whose values are not the same: `__id`, `feature`, and both values as JSON. */
export function differences(meant: string, manifest: BundleManifest): string {
  const each = Object.entries(manifest.fields).map(
    ([
      feature,
      node,
    ]) => `SELECT requests.__id, ${text(feature)} AS feature, ${memberJson("requests.__features", feature)} AS served,
      to_json(meant.${name(feature)})::VARCHAR AS meant
      FROM ${meant} AS meant JOIN requests ON requests.__id = meant.__id WHERE NOT (${isSame(feature, node, manifest)})`,
  );
  return each.join(" UNION ALL ");
}

/** A query for the requests (`__id`) of which a row of `meant` has every feature as it was logged. */
export function agreeing(meant: string, manifest: BundleManifest): string {
  const all = Object.entries(manifest.fields).map(([feature, node]) => `(${isSame(feature, node, manifest)})`);
  return `SELECT DISTINCT meant.__id FROM ${meant} AS meant JOIN requests ON requests.__id = meant.__id WHERE ${all.join(" AND ")}`;
}

/** Of `meant` and `requests`. JSON writes a double so that it is read back as it was, but for the sign of 0. */
function isSame(feature: string, node: Node, manifest: BundleManifest): string {
  const [served, meant] = [memberText("requests.__features", feature), `meant.${name(feature)}`];
  const { type, integer } = checkFeature(node, shapeOf(manifest));
  if (type !== "number") return `${served} IS NOT DISTINCT FROM ${meant}::VARCHAR`;
  const as = (sql: string) => `TRY_CAST(${served} AS ${sql}) IS NOT DISTINCT FROM TRY_CAST(${meant} AS ${sql})`;
  const both = `(${served} IS NULL) = (${meant} IS NULL) AND ${as("DOUBLE")}`;
  return integer ? `${both} AND ${as("HUGEINT")}` : both;
}

/** The data set's columns that a feature reads, the time column of its windows among them. */
export function columnsBehind(feature: string, { fields, dataset }: BundleManifest): string[] {
  const windowed = windowSpans(fields[feature]!).length > 0;
  return [...columnsRead(fields[feature]!), ...(windowed ? [dataset.time!] : [])].filter(
    (column, at, all) => all.indexOf(column) === at,
  );
}
