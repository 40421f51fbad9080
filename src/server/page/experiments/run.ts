/** One run: what it was given and gave, its metrics as curves, what it read and made, and whom it belongs to. */
import type { OutputOf } from "../../../contract/index.ts";
import type { BoundCall } from "../../../guard/index.ts";
import { drawCurves } from "../curve-plot.ts";
import { html, type Markup } from "../html.ts";
import { count, table } from "../table.ts";
import { type Asked, address, experimentPath, one, runPath } from "./address.ts";
import { renderArtifacts } from "./artifacts.ts";
import { isOfMachine, type Run, valueText } from "./columns.ts";
import { curveOf } from "./curve-of.ts";
import { frame } from "./frame.ts";
import { momentText, PARENT, stateOf, tookText } from "./words.ts";

type Version = OutputOf<"searchRegisteredVersions">["items"][number];

/** Charts of a page. */
const CHARTS_MAX = 24;
const CHILDREN_MAX = 20;
const VERSIONS_MAX = 20;

/** Errors: `tracking.unknown-run`. */
export async function runPage(call: BoundCall, id: string, asked: Asked) {
  const run = await call("getTrackedRun", { run: id });
  const metrics = sortedMetrics(run);
  const after = one(asked, "after");
  const first = after === undefined ? 0 : metrics.findIndex(({ key }) => key === after) + 1;
  const charted = metrics.slice(first, first + CHARTS_MAX);
  const [experiment, children, versions, curves, artifacts] = await Promise.all([
    call("getExperiment", { experiment: run.experimentId }),
    call("searchTrackedRuns", {
      experiments: [run.experimentId],
      filter: `tags.\`${PARENT}\` = '${run.id}'`,
      limit: CHILDREN_MAX,
    }),
    call("searchRegisteredVersions", { filter: `run_id = '${run.id}'`, limit: VERSIONS_MAX }),
    Promise.all(charted.map(async ({ key }) => ({ key, curve: await curveOf(call, run, key) }))),
    renderArtifacts(call, run, one(asked, "folder") ?? ""),
  ]);
  const path = runPath(run.experimentId, run.id);
  const logarithmic = one(asked, "scale") === "log";
  const drawn = curves.filter(({ curve }) => curve.points.length > 1);
  const next = metrics.length > first + CHARTS_MAX ? charted.at(-1)!.key : undefined;
  return {
    status: 200,
    ...frame(
      [
        [experiment.name, experimentPath(experiment.id)],
        [run.name, path],
      ],
      html`<h2>${run.name} <small>${stateOf(run)}${run.userId !== "" && `, by ${run.userId}`}, began ${momentText(run.startedAt)} UTC${tookText(run) && `, took ${tookText(run)}`}</small></h2>
${run.tags["mlflow.note.content"] && html`<p class="note">${run.tags["mlflow.note.content"]}</p>`}
${renderPlace(run, children.items, versions.items)}
${renderCurves(run, drawn, logarithmic)}
<p class="quiet">${drawn.length > 0 && html`<a href="${address(path, { after, scale: logarithmic ? undefined : "log" })}">${logarithmic ? "Linear heights" : "Powers of ten upward"}</a> `}${next && html`<a href="${address(path, { after: next, scale: one(asked, "scale") })}">More metrics</a>`}</p>
<div class="columns"><div><h3>Parameters <small>${count(Object.keys(run.params).length)}</small></h3>${pairs("parameter", run.params)}</div>
<div><h3>Metrics <small>${count(metrics.length)}, the latest</small></h3>${table(
        ["metric", "value", "step"],
        metrics.map(({ key, value, step }) => [key, valueText(value), String(step)]),
      )}</div>
<div><h3>Tags</h3>${pairs("tag", run.tags)}</div></div>
${run.datasets.length > 0 && renderInputs(run)}
${artifacts}`,
    ),
  };
}

/** What a program says of itself before what is said of its machine. */
const sortedMetrics = ({ metrics }: Run) =>
  [...metrics].sort((a, b) => Number(isOfMachine(a.key)) - Number(isOfMachine(b.key)) || (a.key < b.key ? -1 : 1));

type Drawn = { readonly key: string; readonly curve: Awaited<ReturnType<typeof curveOf>> };

const renderCurves = ({ metrics }: Run, drawn: readonly Drawn[], logarithmic: boolean): Markup =>
  html`<div class="charts">${drawn.map(({ key, curve }) =>
    drawCurves({
      title: key,
      told: `${valueText(metrics.find((metric) => metric.key === key)!.value)} at last${curve.undrawn > 0 ? `, ${count(curve.undrawn)} points are no numbers` : ""}`,
      ...{ across: curve.across, curves: [{ name: key, points: curve.points }], logarithmic },
    }),
  )}</div>`;

function renderPlace(run: Run, children: readonly Run[], versions: readonly Version[]): Markup {
  const { experimentId, tags } = run;
  const parent = tags[PARENT];
  const link = (id: string, name: string) => html`<a href="${runPath(experimentId, id)}">${name}</a> `;
  const made = run.modelOutputs.map(({ modelId }) => elsewhere("logged-models", modelId));
  const rows: readonly (readonly [string, Markup | string | undefined | false])[] = [
    ["id", run.id],
    ["step", tags["mill.step"] && elsewhere("steps", tags["mill.step"])],
    ["run of mill", tags["mill.run"] && elsewhere("runs", tags["mill.run"])],
    ["model", tags["mill.model"] && elsewhere("models", tags["mill.model"])],
    ["nested in", parent && link(parent, parent)],
    ["holds", children.length > 0 && html`${children.map(({ id, name }) => link(id, name))}`],
    ["program", tags["mlflow.source.name"]],
    ["commit", tags["mlflow.source.git.commit"]],
    ["made models", made.length > 0 && html`${made}`],
    ["registered as", versions.length > 0 && html`${versions.map(renderVersion)}`],
  ];
  return html`<dl>${rows.filter(([, text]) => text).map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}</dl>`;
}

const elsewhere = (kind: string, id: string): Markup => html`<a href="/v1/${kind}/${encodeURIComponent(id)}">${id}</a> `;

const renderVersion = ({ name, version, aliases }: Version): Markup =>
  html`<a href="/v1/registered-models/${encodeURIComponent(name)}/versions/${version}">${name} ${version}</a>${aliases.length > 0 && ` (${aliases.join(", ")})`} `;

const pairs = (name: string, values: Readonly<Record<string, string>>): Markup =>
  table(
    [name, "value"],
    Object.entries(values)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, html`<span class="value">${value}</span>`]),
    undefined,
    "texts",
  );

const renderInputs = ({ datasets }: Run): Markup =>
  html`<h3>Data that it read</h3><div class="scroll">${table(
    ["data set", "digest", "for", "source", "of type"],
    datasets.map(({ name, digest, tags, source, sourceType }) => [
      name,
      digest,
      tags["mlflow.data.context"] ?? "",
      html`<span class="value">${source}</span>`,
      sourceType,
    ]),
    undefined,
    "texts",
  )}</div>`;
