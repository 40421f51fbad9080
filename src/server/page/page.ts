/** The overview as one HTML document: no script, nothing from elsewhere. Draws what it is given. */
import { formatSpan } from "../../base/index.ts";
import type { OutputOf } from "../../contract/index.ts";
import { renderBackfills } from "./backfills.ts";
import { drawCalibration, drawRoc } from "./curves.ts";
import { documentOf } from "./document.ts";
import { renderNewest } from "./experiments/newest.ts";
import { drawGraph } from "./graph-drawing.ts";
import { html, type Markup } from "./html.ts";
import { renderLake } from "./lake.ts";
import { renderLeaderboard } from "./leaderboard.ts";
import { renderMonitor } from "./monitor.ts";
import { FILLS } from "./monitor-drawing.ts";
import type { Overview } from "./overview.ts";
import { count, minuteText, number, table } from "./table.ts";

type ModelVersion = OutputOf<"getModelVersion">;
type Endpoint = OutputOf<"getEndpoint">;
type Slices = ModelVersion["report"]["holdout"]["slices"];

const SLICE_ROWS_MAX = 12;

/** The document, and the content security policy that it is sent with. */
export function renderPage(
  overview: Overview,
  { version, address }: { readonly version: string; readonly address: string },
): { html: string; policy: string } {
  const { graph, models, leaderboards, endpoints, monitors, schedules, backfills, work, copy, tracked, lake, days } = overview;
  const body = html`<header><h1>Millwright</h1><span class="quiet">${version}</span><nav><a href="/experiments">Experiments</a><a href="/registry">Models</a><a href="/openapi.json">API</a><a href="/metrics">Metrics</a><a href="/v1/status">Status</a><a href="/login">Account</a></nav></header>
<main>${copy && renderCopy(copy)}${monitors.length > 0 && FILLS}${monitors.map(({ monitor, closed }) => renderMonitor(monitor, closed, days))}<h2>Assets <small>${graph.nodes.length} steps, left to right</small></h2>
${drawGraph(graph)}
${work.runs.length + work.pauses.length > 0 && renderWork(work)}
${backfills.length > 0 && renderBackfills(backfills)}
${schedules.length > 0 && renderSchedules(schedules)}
${tracked.length > 0 && renderNewest(tracked)}
${endpoints.map((endpoint) => renderEndpoint(endpoint, address))}
${leaderboards.map(renderLeaderboard)}
${models.map(({ model, shown }) => (shown ? renderVersion(shown) : html`<h2>Model ${model.name}</h2><p>No version yet: <code>mill run model/${model.name}</code> makes one.</p>`))}
${lake.repositories.length > 0 && renderLake(lake.repositories, lake.more)}
</main>`;
  return documentOf(body);
}

const renderCopy = ({ takenAt }: NonNullable<Overview["copy"]>): Markup =>
  html`<p><b class="wait">A copy, of ${minuteText(takenAt)} UTC</b>: this workspace was restored from a backup. It sends no notice and starts nothing by itself until <code>mill take-over</code> says that it takes the place of its source.</p>`;

const renderWork = ({ runs, pauses }: Overview["work"]): Markup => html`<section><h2>Work <small>times are UTC</small></h2>
${table(
  ["", "", "by", "since"],
  [
    ...runs.map(({ id, targets, actor, startedAt }) => [
      html`<span class="wait">runs</span>`,
      `${targets.join(", ") || "everything"}: run ${id}`,
      actor,
      minuteText(startedAt),
    ]),
    ...pauses.map(({ what, name, by, since }) => [
      html`<span class="wait">paused</span>`,
      `${what} ${name}`,
      by,
      minuteText(since),
    ]),
  ],
  undefined,
  "texts",
)}</section>`;

const renderSchedules = (
  schedules: Overview["schedules"],
): Markup => html`<section><h2>Schedules <small>times are UTC</small></h2>
${table(
  ["schedule", "runs", "when", "next", "last"],
  schedules.map(({ name, targets, when, paused, next, last }) => [
    name,
    targets.join(", "),
    when.join("; "),
    paused ? html`<span class="wait">paused by ${paused.by}</span>` : next ? minuteText(next) : "",
    last ? html`<span class="${TICK_CLASSES[last.state] ?? "bad"}">${last.state}</span> ${last.error ?? last.cause}` : "never",
  ]),
  undefined,
  "texts",
)}</section>`;

const TICK_CLASSES: Readonly<Record<string, string>> = { succeeded: "good", running: "wait", skipped: "wait" };

function renderVersion(model: ModelVersion): Markup {
  const { name, version, aliases, report, verdict, lineage, problem } = model;
  const said = model.passed
    ? html`<span class="good">passed its gate</span>`
    : html`<span class="bad">refused by its gate</span>`;
  return html`<section><h2>Model ${name} <small>version ${version}${aliases.length > 0 ? ` (${aliases.join(", ")})` : ""}, ${said}, ${minuteText(model.createdAt)}</small></h2>
<p><b>${problem.question}</b> <span class="quiet">${problem.name}, ${model.task}</span></p>
<div class="columns"><div>${renderMeasures(report)}</div>${report.holdout.roc.length > 1 && drawRoc(report.holdout)}${report.holdout.calibration.length > 0 && drawCalibration(report.holdout)}</div>
<h3>Gate <small>problem, principle, requirement, measurement</small></h3>
${renderChain(verdict)}
${renderSlices(report.holdout.slices)}
<div class="columns"><div><h3>Features</h3>${model.python ? html`<p>${model.features.join(", ")}: a model of ${model.python.framework} tells no shares of them.</p>` : renderImportance(model)}</div><div><h3>Lineage</h3>
<p>Data set <a href="/v1/datasets/${lineage.dataset.name}/versions/${lineage.dataset.version}">${lineage.dataset.name} version ${lineage.dataset.version}</a>; ${madeBy(model)}, seed ${model.seed}; the holdout has been read ${model.holdoutReadings} ${model.holdoutReadings === 1 ? "time" : "times"}.</p>
${table(
  ["step", "took", "key"],
  lineage.steps.map(({ kind, wallMs, key }) => [kind, wallMs === null ? "" : formatSpan(wallMs), key.slice(7, 19)]),
)}
<p>${proofText(model.proof)} <a href="/v1/models/${name}/versions/${version}/card">Model card</a></p></div></div></section>`;
}

function renderMeasures({ test, holdout }: ModelVersion["report"]): Markup {
  const rows = Object.keys(holdout.measures).map((name) => [
    name,
    number(holdout.measures[name]),
    holdout.intervals[name]?.map(number).join(" to ") ?? "",
    number(test.measures[name]),
    number(holdout.constant[name]),
  ]);
  const caption = `${count(holdout.rows)} rows in the holdout, ${count(test.rows)} in test; a constant for comparison`;
  return table(["measure", "holdout", "95 % interval", "test", "constant"], rows, caption);
}

function renderChain({ chain, problem }: ModelVersion["verdict"]): Markup {
  if (chain.length === 0) return html`<p>No requirement is stated.</p>`;
  return html`${problem && html`<p>${problem.question}</p>`}<ol class="chain">${chain.map(
    ({ passed, requirement, measurement, sentence }) =>
      html`<li>${passed ? html`<span class="good">passed</span>` : html`<span class="bad">failed</span>`} ${requirement.because && html`<i>${requirement.because}:</i> `}${sentence}${
        measurement &&
        html` <span class="quiet">(${measurement.subject}${measurement.count === undefined ? "" : `, ${count(measurement.count)} rows`})</span>`
      }</li>`,
  )}</ol>`;
}

function renderSlices(slices: Slices): Markup {
  return html`${Object.entries(slices).map(([name, groups]) => {
    const measures = Object.keys(groups[0]?.measures ?? {});
    const rows = [...groups].sort((a, b) => b.rows - a.rows).slice(0, SLICE_ROWS_MAX);
    const caption = groups.length > rows.length ? `the ${rows.length} largest of ${groups.length}` : undefined;
    return html`<h3>Holdout by ${name}</h3><div class="scroll">${table(
      [name, "rows", ...measures],
      rows.map((group) => [group.value, count(group.rows), ...measures.map((measure) => number(group.measures[measure]))]),
      caption,
    )}</div>`;
  })}`;
}

const FORMS = { inline: "answers in this process", onnx: "answers as an ONNX graph", python: "answers in a Python process" };

const madeBy = ({ estimator, python }: ModelVersion): string =>
  python === undefined
    ? estimator
    : `${python.script} with ${python.framework}, ${FORMS[python.form]}, ${python.packages.length} packages, licence ${python.license ?? "not stated"}`;

function renderImportance({ importance }: ModelVersion): Markup {
  const rows = Object.entries(importance).sort(([, a], [, b]) => b - a);
  return table(
    ["feature", "importance"],
    rows.map(([name, share]) => [name, `${(share * 100).toFixed(1)} %`]),
  );
}

function renderEndpoint(endpoint: Endpoint, address: string): Markup {
  const { name, model, version, ready, threshold, request, exampleRow, predictions, previous, answers } = endpoint;
  const state = answers?.down
    ? html`<span class="bad">does not answer since ${minuteText(answers.down.since)}: ${answers.down.why}</span>`
    : ready
      ? html`<span class="good">ready</span>`
      : html`<span class="bad">not ready</span>`;
  const row = JSON.stringify({ rows: [exampleRow ?? Object.fromEntries(request.map((column) => [column.name, null]))] });
  return html`<section><h2>Endpoint ${name} <small>${state}, ${model} version ${version ?? "none"}${answers === undefined || answers.form === "inline" ? "" : ` (${FORMS[answers.form]})`}${previous === null ? "" : `, before: ${previous}`}, ${count(predictions)} predictions since the start</small></h2>
<div class="columns"><div>${renderRequest(request)}</div>
<div><p>${threshold === null ? "" : `Decides "true" from a probability of ${number(threshold)}.`}</p><pre>curl ${address}/v1/endpoints/${name}/predict \\
  -H 'content-type: application/json' \\
  -d '${row.replaceAll("'", "'\\''")}'</pre>
<p class="quiet">Open Inference Protocol: <code>${address}/v2/models/${name}/infer</code></p></div></div></section>`;
}

function renderRequest(request: Endpoint["request"]): Markup {
  const remarks = ({ about, unit, optional }: Endpoint["request"][number]) =>
    [about, unit && `in ${unit}`, optional && "may be left out"].filter(Boolean).join(", ");
  const rows = request.map((column) => [column.name, `${column.type}${column.nullable ? " or null" : ""}`, remarks(column)]);
  return table(["column", "type", "remarks"], rows, undefined, "texts");
}

function proofText(proof: ModelVersion["proof"]): string {
  if (!proof.proven) return `The ONNX graph was not run beside the model: ${proof.why ?? "no reason is known"}.`;
  return `The ONNX graph gave the model's answers on ${count(proof.rows ?? 0)} rows (largest difference ${(proof.largest ?? 0).toExponential(1)}, ${proof.flips ?? 0} decisions differ).`;
}
