/**
 * The timeline as panels below each other on one axis of days. Places across are shares of the width and heights are pixels, so that texts and dots keep
 * their size on every screen; only paths, which know no shares, are stretched.
 */
import { dayText } from "./day-axis.ts";
import { html, type Markup } from "./html.ts";
import type { Scale } from "./scale.ts";
import { count, money, number } from "./table.ts";
import type { Drift, Point, Reading, Timeline } from "./timeline.ts";

export function drawTimeline(timeline: Timeline): Markup {
  return html`<div class="timeline"><div class="panels">
${drawQuality(timeline)}${drawGain(timeline)}${drawDrift(timeline)}${drawRows(timeline)}${drawLanes(timeline)}${drawOver(timeline)}
</div><svg class="axis" width="100%" height="20" aria-hidden="true">${timeline.ticks.map(({ x, text }) => html`<text class="tick middle" x="${share(x)}" y="14">${text}</text>`)}</svg></div>`;
}

/** Fills that tell apart without colour; once a page. */
export const FILLS: Markup = html`<svg class="fills" width="0" height="0" aria-hidden="true"><defs>
${["gain", "loss", "v1", "v3"].map((name) => html`<pattern id="hatch-${name}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="fill-${name}" width="6" height="6"/><rect class="stripe-${name}" width="2.5" height="6"/></pattern>`)}
<pattern id="dots-v2" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="fill-v2" width="6" height="6"/><circle class="stripe-v2" cx="3" cy="3" r="1.6"/></pattern>
</defs></svg>`;

/** Classes and words of what happened; what is not known here has the plain mark. */
export const MARK_CLASSES: Readonly<Record<string, string>> = {
  alert: "mark-alert",
  loss: "mark-alert",
  retraining: "mark-retraining",
  canary: "mark-canary",
  deployment: "mark-canary",
  rollback: "mark-rollback",
};
export const markClass = (what: string): string => (Object.hasOwn(MARK_CLASSES, what) ? MARK_CLASSES[what]! : "mark-other");

const FILL_CLASSES = ["v0", "v1", "v2", "v3"];
const HEIGHTS = { quality: 150, gain: 96, drift: 130, rows: 76, lane: 15 };
/** Room above and below, for dots and texts at the edge. */
const EDGE = 8;
/** So many days have a dot each. */
const DOTS_MAX = 70;
/** Below it too few of a day's labels have come to judge the day by. */
const LABELLED_ENOUGH = 0.9;

function drawQuality({ quality, points, daysPerPoint }: Timeline): Markup {
  if (quality === null) return panelWithout("Quality", "no label has come yet, and nothing could be estimated");
  const { measure, band, scale } = quality;
  const y = heights(scale, HEIGHTS.quality);
  const newest = points.findLast(({ realised, estimated }) => realised ?? estimated)!;
  const realised = runs(points, ({ realised }) => realised);
  const estimated = runs(points, ({ estimated }) => estimated);
  const content = html`${band && html`<rect class="expected" x="0" width="100%" y="${y(band.high)}" height="${round(y(band.low) - y(band.high))}"/>`}
${stretched(
  HEIGHTS.quality,
  html`${realised.map((run) => area(run, y))}${estimated.map((run) => curve("estimated", run, y))}${realised.map((run) => curve("curve", run, y))}`,
)}
${points.length <= DOTS_MAX && points.map((point) => dotOf(point, y))}`;
  const told = newest.realised ?? newest.estimated!;
  return panel({
    title: measure,
    told: html`<b>${number(told.value)}</b> ${newest.realised ? "realised" : "estimated"} on ${dayText(newest.to)}${intervalText(told)}`,
    legend: [
      key(html`<line class="curve" x1="0" x2="22" y1="6" y2="6"/>`, "realised, 95 % interval"),
      points.length <= DOTS_MAX &&
        points.some(isPartly) &&
        key(html`<circle class="dot partly" cx="11" cy="6" r="3"/>`, "fewer than 9 in 10 labels yet"),
      estimated.length > 0 && key(html`<line class="estimated" x1="0" x2="22" y1="6" y2="6"/>`, "estimated"),
      band && key(html`<rect class="expected" width="22" height="12"/>`, "the reference's days"),
      daysPerPoint > 1 && html`<span class="key">each point: ${daysPerPoint} days</span>`,
    ],
    description: `${measure} by day; newest ${number(told.value)} on ${dayText(newest.to)}`,
    height: HEIGHTS.quality,
    scale,
    y,
    content,
  });
}

function dotOf(point: Point, y: (value: number) => number): Markup | null {
  const { realised, estimated } = point;
  if (realised) {
    const partly = isPartly(point) ? "dot partly" : "dot";
    return html`<circle class="${partly}" cx="${middle(point)}" cy="${y(realised.value)}" r="2.6"/>`;
  }
  return estimated && html`<circle class="dot guess" cx="${middle(point)}" cy="${y(estimated.value)}" r="2.2"/>`;
}

const isPartly = ({ realised, labelled, rows }: Point) => realised !== null && labelled < LABELLED_ENOUGH * rows;

function drawGain({ gain, points }: Timeline): Markup {
  if (gain === null) return html``;
  const y = heights(gain.scale, HEIGHTS.gain);
  const zero = y(0);
  const bars = points.map(({ gain: one, x, width }) => {
    if (one === null) return null;
    const top = Math.min(y(one.value), zero);
    const kind = `${one.value < 0 ? "loss" : "gain"}${one.estimated ? " guess" : ""}`;
    return html`<rect class="bar ${kind}" x="${share(x + 0.14 * width)}" width="${share(0.72 * width)}" y="${top}" height="${round(Math.max(1, Math.abs(y(one.value) - zero)))}"/>`;
  });
  const estimated = points.some(({ gain: one }) => one?.estimated);
  return panel({
    title: "Gain",
    told: html`<b>${money(gain.total, gain.currency)}</b> in these days${estimated && `, ${money(gain.estimated, gain.currency)} of it estimated`}`,
    legend: [
      key(html`<rect class="bar gain" x="5" width="12" height="12"/>`, "realised"),
      estimated && key(html`<rect class="bar gain guess" x="5" width="12" height="12"/>`, "estimated"),
    ],
    description: `Gain by day; ${money(gain.total, gain.currency)} in all`,
    height: HEIGHTS.gain,
    scale: gain.scale,
    y,
    content: html`${bars}<line class="zero" x1="0" x2="100%" y1="${zero}" y2="${zero}"/>`,
  });
}

function drawDrift({ drift, points }: Timeline): Markup {
  if (drift === null) return panelWithout("Drift", "no day could be held against the reference");
  const y = heights(drift.scale, HEIGHTS.drift);
  const features = runs(points, ({ drift: one }) => one && { value: one.ratio, interval: null });
  const predictions = runs(points, ({ predictionDrift: one }) => (one === null ? null : { value: one, interval: null }));
  const newest = points.findLast(({ drift: one }) => one !== null);
  const names = drift.named.map(
    ({ x, feature, ratio }) =>
      html`<circle class="dot passed" cx="${share(x)}" cy="${y(ratio)}" r="3.2"/><text class="name ${x > 0.8 ? "end" : x > 0.2 && "middle"}" x="${share(x)}" y="${y(ratio) - 7}">${shortened(feature)} ${ratioText({ feature, ratio })}</text>`,
  );
  return panel({
    title: "Drift",
    told: newest?.drift
      ? html`<b>${ratioText(newest.drift)}</b> the bound on ${dayText(newest.to)}, most by ${newest.drift.feature}`
      : html`of the predictions`,
    legend: [
      key(html`<line class="drift" x1="0" x2="22" y1="6" y2="6"/>`, "the feature that drifts most"),
      predictions.length > 0 && key(html`<line class="predictions" x1="0" x2="22" y1="6" y2="6"/>`, "predictions"),
      key(html`<line class="bound" x1="0" x2="22" y1="6" y2="6"/>`, "bound: unlike every day of the reference"),
    ],
    description: `Greatest drift by day as a multiple of its bound${drift.named.length > 0 ? `; passed by ${[...new Set(drift.named.map(({ feature }) => feature))].join(", ")}` : ""}`,
    height: HEIGHTS.drift,
    scale: drift.scale,
    y,
    content: html`<line class="bound" x1="0" x2="100%" y1="${y(1)}" y2="${y(1)}"/>
${stretched(HEIGHTS.drift, html`${predictions.map((run) => curve("predictions", run, y))}${features.map((run) => curve("drift", run, y))}`)}${names}`,
  });
}

function drawRows({ rows, points }: Timeline): Markup {
  const y = heights(rows.scale, HEIGHTS.rows);
  const fillOf = (version: number) => FILL_CLASSES[rows.versions.indexOf(version) % FILL_CLASSES.length]!;
  const bars = points.map(({ versions, x, width }) => {
    let below = 0;
    return versions.map(({ version, rows: of }) => {
      const [bottom, top] = [y(below), y((below += of))];
      return html`<rect class="bar ${fillOf(version)}" x="${share(x + 0.08 * width)}" width="${share(0.84 * width)}" y="${top}" height="${round(bottom - top)}"/>`;
    });
  });
  return panel({
    title: "Predictions",
    told: html`<b>${count(points.reduce((all, point) => all + point.rows, 0))}</b> in these days, by version`,
    legend: rows.versions.map((version) =>
      key(html`<rect class="bar ${fillOf(version)}" width="14" height="12" x="4"/>`, `version ${version}`),
    ),
    description: `Predictions by day and version, of versions ${rows.versions.join(", ")}`,
    height: HEIGHTS.rows,
    scale: rows.scale,
    y,
    content: html`${bars}`,
  });
}

/** When alerts were open. */
function drawLanes({ lanes }: Timeline): Markup {
  if (lanes.length === 0) return html``;
  const height = lanes.length * HEIGHTS.lane + 2;
  const top = (index: number) => index * HEIGHTS.lane + 2;
  return html`<figure class="panel lanes"><figcaption><span class="told"><b class="panel-name">Alerts</b> when they were open</span><span class="legend">${key(html`<g class="span"><rect x="2" width="18" height="11" rx="3"/></g>`, "closed")}${key(html`<g class="span open"><rect x="2" width="18" height="11" rx="3"/></g>`, "open still")}</span></figcaption>
<svg class="gutter" width="52" height="${height}" aria-hidden="true">${lanes.map(({ kind }, index) => html`<text class="tick end" x="46" y="${top(index) + 10}">${kind}</text>`)}</svg>
<svg class="plot" width="100%" height="${height}" role="img"><title>When alerts were open</title>${lanes.map(({ spans }, index) =>
    spans.map(
      ({ x, width, open, sentence }) =>
        html`<g class="span${open && " open"}"><title>${sentence}</title><svg x="${share(x)}" y="${top(index)}" width="${share(Math.max(width, 0.004))}" height="11"><rect width="100%" height="11" rx="3"/></svg></g>`,
    ),
  )}</svg></figure>
`;
}

/** Over all panels: days that tell their numbers when pointed at, marks of what happened, and where days were cut out. */
function drawOver(timeline: Timeline): Markup {
  const { points, breaks, marks, flags } = timeline;
  return html`<svg class="over" width="100%" height="100%" role="img"><title>What happened: the numbers are told below</title>
${points.map((point) => html`<rect class="day" x="${share(point.x)}" width="${share(point.width)}" y="0" height="100%"><title>${told(point, timeline)}</title></rect>`)}
${breaks.map((x) => html`<svg class="break" x="${share(x)}"><rect x="-5" width="10" y="0" height="100%"/><text class="tick middle" x="0" y="60">//</text><title>days without predictions are left out</title></svg>`)}
${marks.map(({ x, happening }) => x !== null && html`<line class="${markClass(happening.what)}" x1="${share(x)}" x2="${share(x)}" y1="${FLAGS}" y2="100%"/>`)}
${flags.map(({ x, row, text }) => html`<svg class="flag" x="${share(x)}"><rect x="${-flagWidth(text) / 2}" y="${FLAG * row + 1}" width="${flagWidth(text)}" height="17" rx="8"/><text class="middle" x="0" y="${FLAG * row + 13.5}">${text}</text></svg>`)}
</svg>`;
}

/** Height of a row of flags, and of both. */
const FLAG = 20;
const FLAGS = 2 * FLAG;
const flagWidth = (text: string) => 11 + 7 * text.length;

/** A point in words, a line each. */
function told(
  { from, to, rows, versions, labelled, realised, estimated, gain, drift, predictionDrift }: Point,
  timeline: Timeline,
): string {
  const measure = timeline.quality?.measure;
  const days = from === to ? dayText(from) : `${dayText(from)} to ${dayText(to)}`;
  return [
    days,
    realised && `${measure} ${number(realised.value)}${intervalText(realised)}`,
    estimated && `${measure} ${number(estimated.value)} estimated`,
    gain && `gain ${money(gain.value, timeline.gain!.currency)}${gain.estimated ? " estimated" : ""}`,
    drift && `drift ${ratioText(drift)} the bound (${drift.feature})`,
    predictionDrift !== null && `drift of predictions ${ratioText({ feature: "", ratio: predictionDrift })} the bound`,
    `${count(rows)} predictions (${versions.map((one) => `version ${one.version}: ${count(one.rows)}`).join(", ")}), ${count(labelled)} with label`,
  ]
    .filter(Boolean)
    .join("\n");
}

interface PanelOptions {
  readonly title: string;
  /** The panel's main number, in words. */
  readonly told: Markup;
  readonly legend: readonly (Markup | null | false)[];
  readonly description: string;
  readonly height: number;
  readonly scale: Scale;
  readonly y: (value: number) => number;
  readonly content: Markup;
}

function panel({ title, told, legend, description, height, scale, y, content }: PanelOptions): Markup {
  return html`<figure class="panel"><figcaption><span class="told"><b class="panel-name">${title}</b> ${told}</span><span class="legend">${legend}</span></figcaption>
<svg class="gutter" width="52" height="${height}" aria-hidden="true">${scale.ticks.map(({ value, text }) => html`<text class="tick end" x="46" y="${round(y(value) + 4)}">${text}</text>`)}</svg>
<svg class="plot" width="100%" height="${height}" role="img"><title>${title} by day</title><desc>${description}</desc>
${scale.ticks.map(({ value }) => html`<line class="grid" x1="0" x2="100%" y1="${y(value)}" y2="${y(value)}"/>`)}${content}</svg></figure>
`;
}

const panelWithout = (title: string, why: string): Markup =>
  html`<figure class="panel"><figcaption><span class="told"><b class="panel-name">${title}</b> <span class="quiet">${why}</span></span></figcaption></figure>
`;

const key = (sample: Markup, text: string): Markup =>
  html`<span class="key"><svg width="22" height="12" aria-hidden="true">${sample}</svg> ${text}</span>`;

const heights =
  (scale: Scale, height: number) =>
  (value: number): number =>
    round(EDGE + (1 - scale.heightOf(value)) * (height - 2 * EDGE));

type Placed = Reading & { readonly x: number };

/** Points that follow each other without a gap and have a value. */
function runs(points: readonly Point[], readingOf: (point: Point) => Reading | null): Placed[][] {
  const all: Placed[][] = [];
  let end = Number.NaN;
  for (const point of points) {
    const reading = readingOf(point);
    if (reading === null) continue;
    if (Math.abs(point.x - end) > 1e-9 || all.length === 0) all.push([]);
    all.at(-1)!.push({ ...reading, x: point.x + point.width / 2 });
    end = point.x + point.width;
  }
  return all;
}

const STRETCH = 1000;
const stretched = (height: number, content: Markup): Markup =>
  html`<svg width="100%" height="${height}" viewBox="0 0 ${STRETCH} ${height}" preserveAspectRatio="none">${content}</svg>`;

/** A single day is a short line, that it be seen without its neighbours. */
function curve(name: string, run: readonly Placed[], y: (value: number) => number): Markup {
  const at = ({ x, value }: Placed) => `${round(x * STRETCH)} ${y(value)}`;
  return html`<path class="${name}" d="M${run.map(at).join("L")}${run.length === 1 && "h.01"}"/>`;
}

/** Between the ends of the intervals; a day whose neighbours have none has a line. */
function area(run: readonly Placed[], y: (value: number) => number): Markup {
  const bounded = run.filter(({ interval }) => interval !== null);
  if (bounded.length === 0) return html``;
  const half = run.length === 1 ? 2 : 0;
  const edge = (end: 0 | 1) =>
    bounded.flatMap(({ x, interval }) =>
      (half > 0 ? [-half, half] : [0]).map((by) => `${round(x * STRETCH + by)} ${y(interval![end])}`),
    );
  return html`<path class="interval" d="M${[...edge(0), ...edge(1).reverse()].join("L")}Z"/>`;
}

const NAME_MAX = 22;
const shortened = (name: string) => (name.length > NAME_MAX ? `${name.slice(0, NAME_MAX - 1)}…` : name);
const intervalText = ({ interval }: Reading) => (interval === null ? "" : ` (${interval.map(number).join(" to ")})`);
export const ratioText = ({ ratio }: Drift): string => `${ratio >= 10 ? Math.round(ratio) : ratio.toFixed(1)}×`;
const share = (part: number) => `${Math.round(part * 100_000) / 1000}%`;
const middle = ({ x, width }: Point) => share(x + width / 2);
const round = (value: number) => Math.round(value * 10) / 10;
