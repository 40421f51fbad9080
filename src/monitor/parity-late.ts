import { columnsRead, compileSql, type Node, quoteIdentifier as name, type WindowNode } from "../express/index.ts";
import type { BundleManifest } from "../registry/index.ts";

/**
 * A query over `requests` and `events`: the requests (`__id`) that have an event in one of their windows which arrived after them, or no more than
 * `underWayMs` before; `surely`: one of them arrived after. A request is answered at the moment it arrives, so such an event fed nothing yet.
 */
export function lateRequests({ fields, dataset }: BundleManifest, underWayMs: number): string {
  const { columns, time, outcomes } = dataset;
  const of = (side: "events" | "requests") => (node: Node) =>
    compileSql(node, columns, { columnRef: (column) => `${side}.${name(column)}` });
  const moment = (side: "events" | "requests", node: Node) => `epoch_us(${of(side)(node)})`;
  const [happened, asked] = (["events", "requests"] as const).map((side) => moment(side, { op: "column", name: time! }));
  const each = distinctPasses(fields, outcomes).map(({ by, spanMicros, read }) => {
    const met = [
      ...by.map((key) => `${of("events")(key)} = ${of("requests")(key)}`),
      `${happened} >= ${asked} - ${spanMicros}`,
      ...[happened, ...read.map((outcome) => moment("events", outcomes[outcome]!))].map((known) => `${known} < ${asked}`),
      `events.__at >= requests.__at - ${underWayMs}`,
    ];
    return `SELECT requests.__id, events.__at > requests.__at AS after FROM requests JOIN events ON ${met.join(" AND ")}`;
  });
  return `SELECT __id, bool_or(after) AS surely FROM (${each.join(" UNION ALL ")}) GROUP BY __id`;
}

interface Pass extends Pick<WindowNode, "by" | "spanMicros"> {
  /** The outcomes that must be known. */
  readonly read: readonly string[];
}

/** The windows of all fields, those that look at the same rows once. */
function distinctPasses(fields: BundleManifest["fields"], outcomes: BundleManifest["dataset"]["outcomes"]): Pass[] {
  const passes = Object.values(fields)
    .flatMap(windowsIn)
    .map(({ by, spanMicros, value }) => {
      const columns = value === null ? new Set<string>() : columnsRead(value);
      return { by, spanMicros, read: Object.keys(outcomes).filter((outcome) => columns.has(outcome)) };
    });
  return [...new Map(passes.map((pass) => [JSON.stringify(pass), pass])).values()];
}

function windowsIn(node: Node): WindowNode[] {
  if (node.op === "window") return [node];
  return "args" in node ? node.args.flatMap(windowsIn) : [];
}
