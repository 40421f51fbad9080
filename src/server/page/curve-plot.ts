/**
 * Curves over each other. However many points there are, what is drawn is as many as a screen can tell apart: of each column of pixels the first, the
 * least, the greatest and the last, which give the same picture (M4; Jugel, Jerzak, Hackenbroich, Markl: "M4: A Visualization-Oriented Time Series Data
 * Aggregation", VLDB 2014). Places across are shares of the width and heights are pixels, as in the timeline.
 */
import { html, type Markup } from "./html.ts";
import { linearScale, logScale, type Scale } from "./scale.ts";

export interface Curve {
  readonly name: string;
  /** Rising in x. A y that is no number, or none that can be drawn, leaves a gap. */
  readonly points: readonly Place[];
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface CurvePlot {
  readonly title: string;
  /** Its main number, in words. */
  readonly told: string;
  /** What lies across, as in `step`. */
  readonly across: string;
  readonly curves: readonly Curve[];
  /** Powers of ten upward, where all values are above 0. */
  readonly logarithmic?: boolean | undefined;
}

const HEIGHT = 170;
const EDGE = 8;
const COLUMNS = 500;
/** Differences of greater numbers are infinite. */
const DRAWN_MAX = 1e300;

/** Kinds of lines, by colour and dashes; the next ones begin anew. */
export const lineClass = (index: number): string => `s${index % 8}`;

export function drawCurves({ title, told, across, curves, logarithmic }: CurvePlot): Markup {
  const drawn = curves.map(({ points }) => points.filter(({ x, y }) => canBeDrawn(x) && canBeDrawn(y)));
  const values = drawn.flatMap((points) => points.map(({ y }) => y));
  const scale = logarithmic && values.every((value) => value > 0) ? logScale(values) : linearScale(values);
  const [from, to] = drawn.flat().reduce(([low, high], { x }) => [Math.min(low, x), Math.max(high, x)], [Infinity, -Infinity]);
  const acrossOf = (x: number) => (to > from ? (x - from) / (to - from) : 0.5);
  const ticks =
    values.length === 0
      ? []
      : to > from
        ? linearScale([from, to]).ticks.filter(({ value }) => value >= from && value <= to)
        : [{ value: from, text: String(from) }];
  return html`<figure class="panel curves"><figcaption><span class="told"><b class="panel-name">${title}</b> ${told}</span></figcaption>
${gutter(scale, HEIGHT)}<svg class="plot" width="100%" height="${HEIGHT}" role="img"><title>${title}</title>${grid(scale, HEIGHT)}
<svg width="100%" height="${HEIGHT}" viewBox="0 0 1000 ${HEIGHT}" preserveAspectRatio="none">${curves.map(({ points }, index) => html`<path class="${lineClass(index)}" d="${path(points, acrossOf, scale)}"/>`)}</svg></svg>
<svg class="below" width="100%" height="18" aria-hidden="true">${ticks.map(({ value, text }) => html`<text class="tick ${acrossOf(value) > 0.95 ? "end" : acrossOf(value) > 0.05 && "middle"}" x="${share(acrossOf(value))}" y="13">${text}${value === ticks.at(-1)!.value && ` ${across}`}</text>`)}</svg></figure>
`;
}

export const gutter = (scale: Scale, height: number): Markup =>
  html`<svg class="gutter" width="52" height="${height}" aria-hidden="true">${scale.ticks.map(({ value, text }) => html`<text class="tick end" x="46" y="${round(heightIn(scale, height)(value) + 4)}">${text}</text>`)}</svg>`;

export const grid = (scale: Scale, height: number): Markup =>
  html`${scale.ticks.map(({ value }) => html`<line class="grid" x1="0" x2="100%" y1="${heightIn(scale, height)(value)}" y2="${heightIn(scale, height)(value)}"/>`)}`;

/** From the top. */
export const heightIn =
  (scale: Scale, height: number) =>
  (value: number): number =>
    round(EDGE + (1 - scale.heightOf(value)) * (height - 2 * EDGE));

export const share = (part: number): string => `${Math.round(part * 100_000) / 1000}%`;

function path(points: readonly Place[], acrossOf: (x: number) => number, scale: Scale): string {
  const y = heightIn(scale, HEIGHT);
  const at = (place: Place) => `${round(acrossOf(place.x) * 1000)} ${y(place.y)}`;
  const parts = stretches(points).map((part) => byPixels(part, (x) => Math.min(COLUMNS - 1, Math.floor(acrossOf(x) * COLUMNS))));
  return parts.map((part) => `M${part.map(at).join("L")}${part.length === 1 ? "h.01" : ""}`).join("");
}

/** Between gaps. */
function stretches(points: readonly Place[]): Place[][] {
  const all: Place[][] = [];
  let open = false;
  for (const place of points) {
    const drawn = canBeDrawn(place.x) && canBeDrawn(place.y);
    if (drawn && !open) all.push([]);
    if (drawn) all.at(-1)!.push(place);
    open = drawn;
  }
  return all;
}

/** Of each column the first, the least, the greatest and the last place, in their order. */
export function byPixels(points: readonly Place[], columnOf: (x: number) => number): Place[] {
  const kept: Place[] = [];
  for (let first = 0; first < points.length; ) {
    const column = columnOf(points[first]!.x);
    let [least, greatest, end] = [first, first, first];
    for (; end < points.length && columnOf(points[end]!.x) === column; end++) {
      if (points[end]!.y < points[least]!.y) least = end;
      if (points[end]!.y > points[greatest]!.y) greatest = end;
    }
    for (const at of [...new Set([first, least, greatest, end - 1])].sort((a, b) => a - b)) kept.push(points[at]!);
    first = end;
  }
  return kept;
}

export const canBeDrawn = (value: number) => Math.abs(value) <= DRAWN_MAX;
const round = (value: number) => Math.round(value * 10) / 10;
