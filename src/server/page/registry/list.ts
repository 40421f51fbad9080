/** The registered models by name: those of the project, and those that people registered. */
import type { BoundCall } from "../../../guard/index.ts";
import { type Asked, address, one } from "../experiments/address.ts";
import { refusalOf, renderRefusal } from "../experiments/refusal.ts";
import { html } from "../html.ts";
import { table } from "../table.ts";
import { frame, modelPath, momentText, pairsText } from "./frame.ts";

const MODELS_MAX = 100;

export async function modelsPage(call: BoundCall, asked: Asked) {
  const [filter, pageToken] = [one(asked, "filter"), one(asked, "page")];
  const found = await refusalOf(call("searchRegisteredModels", { filter, pageToken, limit: MODELS_MAX }));
  const models = found.value?.items ?? [];
  const next = found.value?.nextPageToken;
  const rows = models.map(({ name, gated, latest, aliases, tags, updatedAt, description }) => [
    html`<a href="${modelPath(name)}">${name}</a>`,
    gated ? "gates" : "people",
    latest.length === 0 ? "" : String(Math.max(...latest.map(({ version }) => version))),
    pairsText(aliases),
    pairsText(tags),
    momentText(updatedAt),
    description ?? "",
  ]);
  return {
    status: found.refused ? 400 : 200,
    ...frame(
      null,
      html`<h2>Models <small>by name; times are UTC</small></h2>
<form class="search" action="/registry"><label>Filter <input name="filter" size="50" value="${filter ?? ""}" placeholder="name LIKE 'churn%' AND tags.team = 'a'"></label> <button>Find</button></form>
${found.refused && renderRefusal(found.refused)}
${rows.length > 0 ? html`<div class="scroll">${table(["model", "decided by", "newest", "aliases", "tags", "changed", "about"], rows, undefined, "texts")}</div>` : !found.refused && html`<p>There is none that fits.</p>`}
${next && html`<p><a href="${address("/registry", { filter, page: next })}">More</a></p>`}`,
    ),
  };
}
