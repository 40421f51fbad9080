/**
 * The asset graph as SVG, from left to right: a node's layer is the longest way to it, and within a layer nodes stand near what they come from
 * (one sweep of barycentres; Sugiyama, Tagawa and Toda 1981).
 */
import { formatSpan } from "../../base/index.ts";
import { type OutputOf, placeText } from "../../contract/index.ts";
import { html, type Markup } from "./html.ts";

type Graph = OutputOf<"graph">;
type GraphNode = Graph["nodes"][number];

export interface Place {
  readonly node: GraphNode;
  readonly layer: number;
  readonly row: number;
}

const BOX = { width: 112, height: 58 };
const GAP = { x: 26, y: 14 };
const NAME_MAX = 17;
const MARGIN = 8;

const WORDS: Readonly<Record<GraphNode["state"], string>> = {
  current: "current",
  run: "to run",
  waiting: "waiting",
  refused: "refused",
};

export function drawGraph(graph: Graph): Markup {
  if (graph.nodes.length === 0) return html`<p>The project defines nothing yet.</p>`;
  const places = layOut(graph);
  const at = new Map(places.map((place) => [place.node.id, place]));
  const width =
    2 * MARGIN +
    extent(
      places.map(({ layer }) => layer),
      BOX.width,
      GAP.x,
    );
  const height =
    2 * MARGIN +
    extent(
      places.map(({ row }) => row),
      BOX.height,
      GAP.y,
    );
  const edges = withoutShortcuts(graph.edges.filter(({ from, to }) => at.has(from) && at.has(to)));
  return html`<div class="graph"><svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${summary(graph)}">
${edges.map(({ from, to }) => drawEdge(at.get(from)!, at.get(to)!))}
${places.map(drawNode)}
</svg></div>`;
}

export function layOut({ nodes, edges }: Graph): Place[] {
  const known = new Set(nodes.map(({ id }) => id));
  const before = new Map<string, string[]>(nodes.map(({ id }) => [id, []]));
  for (const { from, to } of edges) if (known.has(from) && known.has(to)) before.get(to)!.push(from);
  const layers = layersOf(nodes, before);

  const rows = new Map<string, number>();
  return Object.values(Object.groupBy(nodes, ({ id }) => layers.get(id)!)).flatMap((layer) => {
    const wish = (id: string) => mean(before.get(id)!.map((from) => rows.get(from)!));
    const ordered = layer!.map((node) => ({ node, wish: wish(node.id) })).sort((a, b) => (a.wish ?? 0) - (b.wish ?? 0));
    let free = 0;
    return ordered.map(({ node, wish }) => {
      const row = Math.max(free, Math.round(wish ?? 0));
      free = row + 1;
      rows.set(node.id, row);
      return { node, layer: layers.get(node.id)!, row };
    });
  });
}

/** Longest way from a node without a predecessor. A cycle, which a plan never has, would end at the number of nodes. */
function layersOf(nodes: readonly GraphNode[], before: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const layers = new Map(nodes.map(({ id }) => [id, 0]));
  for (let round = 0, moved = true; moved && round < nodes.length; round++) {
    moved = false;
    for (const { id } of nodes) {
      const layer = Math.max(0, ...before.get(id)!.map((from) => layers.get(from)! + 1));
      if (layer !== layers.get(id)) moved = true;
      layers.set(id, layer);
    }
  }
  return layers;
}

/** An edge beside a longer way says nothing new, and would cross the boxes of that way. */
export function withoutShortcuts(edges: Graph["edges"]): Graph["edges"] {
  const next = Map.groupBy(edges, ({ from }) => from);
  const reaches = (from: string, goal: string, seen: Set<string>): boolean =>
    (next.get(from) ?? []).some(({ to }) => to === goal || (!seen.has(to) && reaches(to, goal, seen.add(to))));
  return edges.filter(
    ({ from, to }) => !next.get(from)!.some((other) => other.to !== to && reaches(other.to, to, new Set([from]))),
  );
}

const mean = (values: readonly number[]) =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
const extent = (indices: readonly number[], size: number, gap: number) => (Math.max(...indices) + 1) * (size + gap) - gap;
const left = ({ layer }: Place) => MARGIN + layer * (BOX.width + GAP.x);
const top = ({ row }: Place) => MARGIN + row * (BOX.height + GAP.y);

function drawNode(place: Place): Markup {
  const { node } = place;
  const [x, y] = [left(place), top(place)];
  const time = node.wallMs === null ? "" : `, ${formatSpan(node.wallMs)}`;
  return html`<g class="node ${node.state}"><title>${node.id}: ${node.detail}${placeText(node)}</title><rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="6"/>
<text class="kind" x="${x + 8}" y="${y + 17}">${node.kind}</text><text x="${x + 8}" y="${y + 33}">${shortened(nameOf(node.target))}</text>
<text class="state" x="${x + 8}" y="${y + 49}">${WORDS[node.state]}${time}${placeText({ on: node.on })}</text></g>
`;
}

function drawEdge(from: Place, to: Place): Markup {
  const [x1, y1, x2, y2] = [left(from) + BOX.width, top(from) + BOX.height / 2, left(to), top(to) + BOX.height / 2];
  const middle = (x1 + x2) / 2;
  return html`<path class="edge" d="M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}"/>
`;
}

const nameOf = (target: string) => target.slice(target.indexOf("/") + 1);
const shortened = (name: string) => (name.length > NAME_MAX ? `${name.slice(0, NAME_MAX - 1)}…` : name);

function summary({ nodes }: Graph): string {
  const counts = Object.entries(Object.groupBy(nodes, ({ state }) => state)).map(
    ([state, found]) => `${found.length} ${WORDS[state as GraphNode["state"]]}`,
  );
  return `Asset graph: ${nodes.length} steps, ${counts.join(", ")}`;
}
