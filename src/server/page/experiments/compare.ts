/** Several runs side by side: what differs, their curves over each other, and a metric against a parameter. */
import type { BoundCall } from "../../../guard/index.ts";
import { canBeDrawn, drawCurves, lineClass } from "../curve-plot.ts";
import { html, type Markup } from "../html.ts";
import { drawScatter } from "../scatter-plot.ts";
import { type Asked, address, all, experimentPath, one, runPath } from "./address.ts";
import { isOfMachine, metricOf, paramOf, type Run, type Value, valueText } from "./columns.ts";
import { curveOf } from "./curve-of.ts";
import { frame } from "./frame.ts";
import { refusalOf, renderRefusal } from "./refusal.ts";
import { searchOf, shortened } from "./runs.ts";
import { stateOf, tookText } from "./words.ts";

const RUNS_MAX = 100;
/** More columns nobody reads; more curves nobody tells apart. */
const COLUMNS_MAX = 20;
const CURVES_MAX = 8;
const CHARTS_MAX = 8;

/** Errors: `tracking.unknown-experiment`. */
export async function comparePage(call: BoundCall, id: string, asked: Asked) {
  const experiment = await call("getExperiment", { experiment: id });
  const ticked = all(asked, "run").slice(0, RUNS_MAX);
  const search =
    ticked.length > 0
      ? { filter: `run_id IN (${ticked.map((run) => `'${run.replaceAll("'", "''")}'`).join(", ")})`, view: "all" as const }
      : searchOf({ filter: one(asked, "filter"), order: one(asked, "order") });
  const found = await refusalOf(call("searchTrackedRuns", { experiments: [id], ...search, limit: RUNS_MAX }));
  const runs = found.value?.items ?? [];
  const path = `${experimentPath(id)}/compare`;
  const content =
    runs.length === 0
      ? html`<p>There is no run to compare.</p>`
      : html`${renderAgainst(id, runs, asked)}${await renderCurves(call, runs.slice(0, CURVES_MAX), one(asked, "scale") === "log")}
<p class="quiet">${runs.length > CURVES_MAX && `Curves are those of the first ${CURVES_MAX} runs. `}${logLink(path, asked)}</p>
${renderDifferences(id, runs.slice(0, COLUMNS_MAX))}${runs.length > COLUMNS_MAX && html`<p class="quiet">The tables show the first ${String(COLUMNS_MAX)} runs.</p>`}`;
  return {
    status: found.refused ? 400 : 200,
    ...frame(
      [
        [experiment.name, experimentPath(id)],
        ["comparison", address(path, asked)],
      ],
      html`<h2>${runs.length === 1 ? "1 run" : `${runs.length} runs`} <small>of ${experiment.name}${found.value?.nextPageToken && `, the first ${RUNS_MAX} that fit`}</small></h2>
${found.refused && renderRefusal(found.refused)}${content}`,
    ),
  };
}

function logLink(path: string, asked: Asked): Markup {
  const isLog = one(asked, "scale") === "log";
  return html`<a href="${address(path, { ...asked, scale: isLog ? undefined : "log" })}">${isLog ? "Linear heights" : "Powers of ten upward"}</a>`;
}

/** A metric against a parameter, or another metric: a dot a run. */
function renderAgainst(id: string, runs: readonly Run[], asked: Asked): Markup | false {
  const [params, metrics] = [differing(runs, paramKeys, paramOf), metricKeys(runs)];
  const [xs, ys] = [[...params.map((key) => `params.${key}`), ...metrics.map((key) => `metrics.${key}`)], metrics];
  const x = xs.find((name) => name === one(asked, "x")) ?? xs[0];
  const y = ys.find((name) => name === one(asked, "y")) ?? ys[0];
  if (runs.length < 2 || x === undefined || y === undefined) return false;
  const hidden = ["run", "filter", "order", "scale"].flatMap((name) =>
    all(asked, name).map((value) => html`<input type="hidden" name="${name}" value="${value}">`),
  );
  const options = (names: readonly string[], chosen: string) =>
    names.map((name) => html`<option value="${name}"${name === chosen && html` selected`}>${shortened(name)}</option>`);
  return html`<form class="search" action="${experimentPath(id)}/compare">${hidden}<label>Metric <select name="y">${options(ys, y)}</select></label> <label>against <select name="x">${options(xs, x)}</select></label> <button>Draw</button></form>
${drawScatter({
  ...{ across: x, upward: y },
  dots: runs.map((run) => ({
    name: run.name,
    link: runPath(id, run.id),
    x: x.startsWith("params.") ? paramOf(run, x.slice(7)) : drawable(metricOf(run, x.slice(8))),
    y: drawable(metricOf(run, y)) ?? Number.NaN,
  })),
})}`;
}

const drawable = (value: Value | undefined) => (value !== undefined && canBeDrawn(Number(value)) ? Number(value) : undefined);

async function renderCurves(call: BoundCall, runs: readonly Run[], logarithmic: boolean): Promise<Markup> {
  const charts = await Promise.all(
    metricKeys(runs)
      .slice(0, CHARTS_MAX)
      .map(async (key) => ({ key, curves: await Promise.all(runs.map((run) => curveOf(call, run, key))) })),
  );
  const drawn = charts.filter(({ curves }) => curves.some(({ points }) => points.length > 1));
  return html`${
    drawn.length > 0 &&
    html`<p class="legend">${runs.map(({ name }, index) => html`<span class="key"><svg width="22" height="12" aria-hidden="true"><line class="${lineClass(index)}" x1="0" x2="22" y1="6" y2="6"/></svg> ${name}</span>`)}</p>`
  }<div class="charts">${drawn.map(({ key, curves }) =>
    drawCurves({
      ...{ title: key, told: "", across: curves.find(({ points }) => points.length > 1)!.across, logarithmic },
      curves: curves.map(({ points }, index) => ({ name: runs[index]!.name, points })),
    }),
  )}</div>`;
}

function renderDifferences(id: string, runs: readonly Run[]): Markup {
  const params = differing(runs, paramKeys, paramOf);
  const measures = differing(runs, metricKeysOf, metricOf);
  const row = (key: string, text: (run: Run) => Markup | string) =>
    html`<tr><th scope="row">${shortened(key)}</th>${runs.map((run) => html`<td>${text(run)}</td>`)}</tr>`;
  return html`<h3>What differs</h3><div class="scroll"><table class="runs"><thead><tr><th scope="col"></th>${runs.map(({ id: run, name }) => html`<th scope="col"><a href="${runPath(id, run)}">${name}</a></th>`)}</tr></thead>
<tbody>${row("state", stateOf)}${row("took", tookText)}${params.map((key) => row(key, (run) => shortened(paramOf(run, key) ?? "")))}</tbody>
<tbody>${measures.map((key) => row(key, (run) => valueText(metricOf(run, key))))}</tbody></table></div>`;
}

const paramKeys = ({ params }: Run) => Object.keys(params);
const metricKeysOf = ({ metrics }: Run) => metrics.map(({ key }) => key);

/** Keys by name whose values are not the same in all runs. */
function differing(
  runs: readonly Run[],
  keysOf: (run: Run) => readonly string[],
  read: (run: Run, key: string) => string | number | undefined,
): string[] {
  const keys = [...new Set(runs.flatMap(keysOf))].sort();
  return keys.filter((key) => new Set(runs.map((run) => read(run, key))).size > 1);
}

/** Of at least one run, those of most runs first; measures of the machine last. */
function metricKeys(runs: readonly Run[]): string[] {
  const counts = new Map<string, number>();
  for (const key of runs.flatMap(metricKeysOf)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts]
    .sort(([a, m], [b, n]) => Number(isOfMachine(a)) - Number(isOfMachine(b)) || n - m || (a < b ? -1 : 1))
    .map(([key]) => key);
}
