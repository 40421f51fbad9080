/** The runs of an experiment as a table: filtered and ordered as its address says, a page at a time. */
import type { OutputOf } from "../../../contract/index.ts";
import type { BoundCall } from "../../../guard/index.ts";
import { html, type Markup } from "../html.ts";
import { type Asked, address, experimentPath, fieldOf, one, runPath } from "./address.ts";
import { type Columns, columnsOf, metricOf, paramOf, type Run, valueText } from "./columns.ts";
import { frame } from "./frame.ts";
import { refusalOf, renderRefusal } from "./refusal.ts";
import { momentText, PARENT, stateOf, tookText } from "./words.ts";

const RUNS_MAX = 50;
const SAME_MAX = 12;
const WORD_MAX = 40;

interface Search {
  readonly filter: string | undefined;
  readonly order: string | undefined;
  readonly show: string | undefined;
}

/** Errors: `tracking.unknown-experiment`. */
export async function runsPage(call: BoundCall, id: string, asked: Asked) {
  const search: Search = { filter: one(asked, "filter"), order: one(asked, "order"), show: one(asked, "show") };
  const experiment = await call("getExperiment", { experiment: id });
  const found = await refusalOf(
    call("searchTrackedRuns", { experiments: [id], ...searchOf(search), pageToken: one(asked, "page"), limit: RUNS_MAX }),
  );
  const { items: runs = [], nextPageToken = null } = found.value ?? {};
  return {
    status: found.refused ? 400 : 200,
    ...frame(
      [[experiment.name, experimentPath(id)]],
      html`<h2>${experiment.name} <small>${experiment.deletedAt !== null && html`<span class="bad">deleted</span>, `}runs; times are UTC</small></h2>
${experiment.tags["mlflow.note.content"] && html`<p class="note">${experiment.tags["mlflow.note.content"]}</p>`}
${renderSearch(experiment, search)}
${found.refused && renderRefusal(found.refused)}
${runs.length > 0 ? renderRuns(id, runs, search) : !found.refused && html`<p>There is no run that fits.</p>`}
${nextPageToken && html`<p><a href="${address(experimentPath(id), { ...search, page: nextPageToken })}">More runs</a></p>`}`,
    ),
  };
}

/** As the verb takes it. */
export const searchOf = ({ filter, order, show }: Partial<Search>) => ({
  filter,
  orderBy: order === undefined ? undefined : [order],
  view: show === "deleted" ? ("deleted" as const) : undefined,
});

function renderSearch({ id }: OutputOf<"getExperiment">, { filter, order, show }: Search): Markup {
  const path = experimentPath(id);
  return html`<form class="search" action="${path}"><label>Filter <input name="filter" size="50" value="${filter ?? ""}" placeholder="metrics.loss &lt; 0.1 AND params.depth = '3'"></label>
<label>Order <input name="order" size="24" value="${order ?? ""}" placeholder="metrics.loss ASC"></label>${show && html`<input type="hidden" name="show" value="${show}">`} <button>Find</button>
<a href="${address(path, { filter, order, show: show === "deleted" ? undefined : "deleted" })}">${show === "deleted" ? "those that are not deleted" : "deleted ones"}</a></form>`;
}

function renderRuns(id: string, runs: readonly Run[], search: Search): Markup {
  const columns = columnsOf(runs, `${search.filter ?? ""} ${search.order ?? ""}`);
  const head = (field: string, text: string) => renderHead(id, field, text, search);
  return html`${renderSame(columns)}<form action="${experimentPath(id)}/compare"><p><button>Compare those ticked</button> <a href="${address(`${experimentPath(id)}/compare`, { filter: search.filter, order: search.order })}">or all that fit</a></p>
<div class="scroll"><table class="runs"><thead><tr><th scope="col"><span class="quiet">run</span></th>${head("status", "state")}${head("start_time", "began")}<th scope="col">took</th>${columns.params.map((key) => head(fieldOf("params", key), key))}${columns.metrics.map((key) => head(fieldOf("metrics", key), key))}</tr></thead>
<tbody>${runs.map((run) => renderRun(id, run, columns))}</tbody></table></div></form>
${columns.more > 0 && html`<p class="quiet">${columns.more} more parameters and metrics differ: a column is shown of what the filter or the order names.</p>`}`;
}

/** A click orders by it, the greatest first; the next one turns it round. */
function renderHead(id: string, field: string, text: string, { filter, order, show }: Search): Markup {
  const [first, second] = [`${field} DESC`, `${field} ASC`];
  const sorted = order === first ? "descending" : order === second ? "ascending" : null;
  const path = address(experimentPath(id), { filter, order: order === first ? second : first, show });
  return html`<th scope="col"${sorted && html` aria-sort="${sorted}"`}><a href="${path}">${shortened(text)}</a>${sorted && (sorted === "ascending" ? " ↑" : " ↓")}</th>`;
}

const renderRun = (id: string, run: Run, { params, metrics }: Columns): Markup =>
  html`<tr><th scope="row"><input type="checkbox" name="run" value="${run.id}" aria-label="compare ${run.name}"> <a href="${runPath(id, run.id)}">${run.name}</a>${run.tags[PARENT] && html` <a class="quiet" href="${runPath(id, run.tags[PARENT])}">nested</a>`}</th><td>${stateOf(run)}</td><td class="when">${momentText(run.startedAt)}</td><td class="when">${tookText(run)}</td>${params.map((key) => html`<td>${shortened(paramOf(run, key) ?? "")}</td>`)}${metrics.map((key) => html`<td>${valueText(metricOf(run, key))}</td>`)}</tr>`;

function renderSame({ same }: Columns): Markup | false {
  const shown = same.slice(0, SAME_MAX).map(([key, value]) => `${key} ${shortened(value)}`);
  const more = same.length - shown.length;
  return (
    same.length > 0 && html`<p class="quiet">The same in all of them: ${shown.join(", ")}${more > 0 && ` and ${more} more`}.</p>`
  );
}

export const shortened = (text: string): string => (text.length > WORD_MAX ? `${text.slice(0, WORD_MAX - 1)}…` : text);
