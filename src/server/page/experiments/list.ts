/** All experiments, those made last first, with the newest run of each. */
import type { OutputOf } from "../../../contract/index.ts";
import type { BoundCall } from "../../../guard/index.ts";
import { html, type Markup } from "../html.ts";
import { table } from "../table.ts";
import { type Asked, address, experimentPath, one, runPath } from "./address.ts";
import type { Run } from "./columns.ts";
import { frame } from "./frame.ts";
import { refusalOf, renderRefusal } from "./refusal.ts";
import { momentText, stateOf } from "./words.ts";

type Experiment = OutputOf<"getExperiment">;

const EXPERIMENTS_MAX = 50;

export async function experimentsPage(call: BoundCall, asked: Asked) {
  const [filter, pageToken] = [one(asked, "filter"), one(asked, "page")];
  const found = await refusalOf(call("searchExperiments", { filter, pageToken, limit: EXPERIMENTS_MAX }));
  const rows = await Promise.all(
    (found.value?.items ?? []).map(async (experiment) => [experiment, await newestRuns(call, [experiment.id], 1)] as const),
  );
  const next = found.value?.nextPageToken;
  return {
    status: found.refused ? 400 : 200,
    ...frame(
      [],
      html`<h2>Experiments <small>those made last first; times are UTC</small></h2>
<form class="search" action="/experiments"><label>Filter <input name="filter" size="50" value="${filter ?? ""}" placeholder="name LIKE 'churn%' AND tags.team = 'a'"></label> <button>Find</button></form>
${found.refused && renderRefusal(found.refused)}
${rows.length > 0 ? renderExperiments(rows) : !found.refused && html`<p>There is none that fits.</p>`}
${next && html`<p><a href="${address("/experiments", { filter, page: next })}">Those made before</a></p>`}`,
    ),
  };
}

/** Begun last first. */
export const newestRuns = async (call: BoundCall, experiments: readonly string[], limit: number): Promise<readonly Run[]> =>
  (await call("searchTrackedRuns", { experiments: [...experiments], limit })).items;

const renderExperiments = (rows: readonly (readonly [Experiment, readonly Run[]])[]): Markup =>
  html`<div class="scroll">${table(
    ["experiment", "newest run", "", "began", "tags"],
    rows.map(([{ id, name, tags }, [newest]]) => [
      html`<a href="${experimentPath(id)}">${name}</a>`,
      newest ? html`<a href="${runPath(id, newest.id)}">${newest.name}</a>` : html`<span class="quiet">none yet</span>`,
      newest ? stateOf(newest) : "",
      newest ? momentText(newest.startedAt) : "",
      Object.entries(tags)
        .filter(([key]) => !key.startsWith("mlflow."))
        .map(([key, value]) => `${key}: ${value}`)
        .join(", "),
    ]),
    undefined,
    "texts",
  )}</div>`;
