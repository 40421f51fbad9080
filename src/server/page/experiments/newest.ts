/**
 * The newest runs, on the front page. MLflow's client prints where its run stands as `ADDRESS/#/experiments/ID/runs/ID`: what follows `#` comes to no server,
 * and leads a browser to the element of that id.
 */
import { html, type Markup } from "../html.ts";
import { table } from "../table.ts";
import { experimentPath, runPath } from "./address.ts";
import { metricOf, type Run, valueText } from "./columns.ts";
import { momentText, stateOf, tookText } from "./words.ts";

const METRICS_MAX = 2;

export interface Newest {
  readonly run: Run;
  /** The name of its experiment. */
  readonly experiment: string;
}

export function renderNewest(runs: readonly Newest[]): Markup {
  const seen = new Set<string>();
  const rows = runs.map(({ run, experiment: name }) => {
    const [experiment, path] = [experimentPath(run.experimentId), runPath(run.experimentId, run.id)];
    const isFirst = !seen.has(experiment);
    seen.add(experiment);
    return [
      html`<a id="${path}" href="${path}">${run.name}</a>`,
      html`<a${isFirst && html` id="${experiment}"`} href="${experiment}">${name}</a>`,
      stateOf(run),
      html`<span class="when">${momentText(run.startedAt)}</span>`,
      html`<span class="when">${tookText(run)}</span>`,
      metricsText(run),
    ];
  });
  return html`<section><h2>Experiments <small>the newest runs; times are UTC; <a href="/experiments">all</a></small></h2>
<div class="scroll">${table(["run", "experiment", "", "began", "took", "metrics"], rows, undefined, "texts")}</div></section>`;
}

function metricsText(run: Run): string {
  const shown = run.metrics.slice(0, METRICS_MAX).map(({ key }) => `${key} ${valueText(metricOf(run, key))}`);
  const more = run.metrics.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}
