/** How an endpoint does: health, alerts, the rollout under way, the timeline, and what happened when. */
import type { Alert, DayReport } from "../../contract/index.ts";
import { dayOf, dayText } from "./day-axis.ts";
import { html, type Markup } from "./html.ts";
import { drawTimeline, markClass, ratioText } from "./monitor-drawing.ts";
import { count, minuteText, money, number, table } from "./table.ts";
import { driftsOf, type Mark, type Monitor, marksOf, type Point, type Timeline, timelineOf } from "./timeline.ts";

type Rollout = NonNullable<Monitor["rollout"]>;

const HEALTH: Readonly<Record<Monitor["health"]["state"], { readonly tone: string; readonly sign: string }>> = {
  healthy: { tone: "good", sign: "✓" },
  alerted: { tone: "wait", sign: "!" },
  broken: { tone: "bad", sign: "✕" },
  unknown: { tone: "quiet", sign: "?" },
};
/** Older ones are folded away. */
const MARKS_OPEN = 15;
const ALERTS_MAX = 20;
const FEATURES_MAX = 30;
const DAYS_OFFERED = [30, 60, 365];

/** How many of the newest days the page shows, as asked for in its address (`/?days=365`); undefined where it says nothing that can be read. */
export function daysAskedFor(query: unknown): number | undefined {
  const { days } = query as { readonly days?: unknown };
  return typeof days === "string" && /^[1-9]\d{0,2}$|^1000$/.test(days) ? Number(days) : undefined;
}

export function renderMonitor(monitor: Monitor, closed: readonly Alert[], shown?: number): Markup {
  const { name, health, dataTime, rollout, alerts, happenings } = monitor;
  const timeline = timelineOf(monitor, closed);
  const { tone, sign } = HEALTH[health.state];
  return html`<section class="monitor"><h2>${name} <small>${dataTime === null ? "no data time yet" : `data time ${minuteText(dataTime)}`}</small>${timeline && html`<nav aria-label="Days shown">${DAYS_OFFERED.map((days) => html`<a href="/?days=${days}"${days === shown && html` aria-current="true"`}>${days} days</a>`)}</nav>`}</h2>
<p class="health ${tone}"><span class="state"><span aria-hidden="true">${sign}</span> ${health.state}</span> <bdi>${health.sentence}</bdi></p>
${renderAlerts(alerts)}
${rollout && renderRollout(rollout)}
${timeline && drawTimeline(timeline)}
${renderHappenings(timeline?.marks ?? marksOf(happenings))}
${renderCounts(monitor)}
${timeline && renderDays(timeline)}</section>`;
}

function renderAlerts(alerts: readonly Alert[]): Markup {
  if (alerts.length === 0) return html``;
  const more = alerts.length - ALERTS_MAX;
  return html`<ol class="alerts">${alerts
    .slice(0, ALERTS_MAX)
    .map(
      ({ kind, severity, sentence, openedAt, openedAsOf }) =>
        html`<li><b class="kind-of">${kind}</b> <bdi>${sentence}</bdi> <span class="quiet">severity ${severity.toFixed(2)}, open since ${minuteText(openedAsOf ?? openedAt)}</span></li>`,
    )}</ol>${more > 0 && html`<p class="quiet">and ${more} more: <code>GET /v1/alerts?state=open</code></p>`}`;
}

function renderRollout({ model, version, base, step, steps, share, sinceAsOf, candidate, champion }: Rollout): Markup {
  const percent = (part: number) => `${Number((part * 100).toFixed(1))} %`;
  const row = (name: string, arm: Rollout["candidate"]) => [
    `${name}, version ${arm.version}`,
    count(arm.requests),
    count(arm.rows),
    count(arm.errors),
    arm.p99Ms === null ? "-" : `${arm.p99Ms.toFixed(2)} ms`,
  ];
  return html`<div class="rollout"><p><b>Rollout under way:</b> ${model} version ${version} answers ${percent(share)} of the requests, version ${base} the rest${sinceAsOf !== null && `; since ${minuteText(sinceAsOf)}`}.</p>
<ol class="steps">${steps.map((one, index) => html`<li${index === step ? html` class="now" aria-current="step"` : index < step ? html` class="past"` : null}>${percent(one)}</li>`)}</ol>
${table(["answers by", "requests", "rows", "errors", "p99 to compute"], [row("candidate", candidate), row("champion", champion)], "since this step began")}</div>`;
}

/** The last part of the story, numbered as in the chart. */
function renderHappenings(marks: readonly Mark[]): Markup {
  if (marks.length === 0) return html``;
  const [older, newer] = [marks.slice(0, -MARKS_OPEN), marks.slice(-MARKS_OPEN)];
  return html`<h3>What happened when <small>data time, then the wall clock (UTC)</small></h3>
${older.length > 0 && html`<details><summary>${older.length} earlier</summary>${renderStory(older)}</details>`}${renderStory(newer)}`;
}

const renderStory = (marks: readonly Mark[]): Markup =>
  html`<table class="texts story"><tbody>${marks.map(
    ({ number: told, x, happening: { at, asOf, what, text } }) =>
      html`<tr><th scope="row"><span class="badge ${markClass(what)}${x === null && " unplaced"}">${told}</span></th><td class="when">${asOf === null ? "-" : minuteText(asOf)}</td><td class="when quiet">${minuteText(at)}</td><td><b>${what}</b> <bdi>${text}</bdi></td></tr>`,
  )}</tbody></table>`;

function renderCounts(monitor: Monitor): Markup {
  const { days, feedback, lost } = monitor;
  const newest = days.findLast(({ drift }) => Object.keys(drift).length > 0);
  const judged = days.filter((day): day is DayReport & { parity: Parity } => day.parity !== null);
  return html`<div class="columns">${newest && renderDrift(newest)}
<div>${judged.length > 0 && renderParity(judged)}
<h3>Labels and logs</h3>
${table(
  ["", "so far"],
  [
    ["labels that came", count(feedback.labels)],
    ["of a known prediction", count(feedback.matched)],
    ["waiting for their prediction", count(feedback.waiting)],
    ["corrections of a label", count(feedback.corrected)],
    ["repetitions", count(feedback.repeated)],
    ["predictions that could not be logged", lost > 0 ? html`<span class="bad">${count(lost)}</span>` : "0"],
  ],
)}</div></div>`;
}

type Parity = NonNullable<DayReport["parity"]>;

function renderDrift(day: DayReport): Markup {
  const drifts = driftsOf(day);
  const rows = drifts.slice(0, FEATURES_MAX).map((drift) => {
    const { psi, bound } = day.drift[drift.feature]!;
    const said = psi > bound ? html`<span class="bad">drifted</span>` : "as before";
    return [drift.feature, number(psi), number(bound), ratioText(drift), said];
  });
  return html`<div><h3>Drift by feature <small>${longDay(day.day)}</small></h3><div class="scroll">${table(["feature", "PSI", "bound", "ratio", ""], rows, drifts.length > rows.length ? `the ${rows.length} greatest of ${drifts.length}` : undefined)}</div></div>`;
}

function renderParity(days: readonly (DayReport & { readonly parity: Parity })[]): Markup {
  const mismatches = new Map<string, number>();
  for (const { parity } of days)
    for (const [feature, of] of Object.entries(parity.mismatches)) mismatches.set(feature, (mismatches.get(feature) ?? 0) + of);
  const wrong = [...mismatches].filter(([, of]) => of > 0).sort(([, a], [, b]) => b - a);
  const of = (key: "replayed" | "late") => count(days.reduce((all, { parity }) => all + parity[key], 0));
  return html`<h3>Parity <small>served values, computed again from the lake</small></h3>
<p>${of("replayed")} requests computed again over ${days.length} ${days.length === 1 ? "day" : "days"}; ${of("late")} not compared, as an event came after them; ${
    wrong.length === 0
      ? html`<span class="good">no value differs</span>.`
      : html`<span class="bad">${wrong.length} ${wrong.length === 1 ? "feature differs" : "features differ"}</span>:`
  }</p>${
    wrong.length > 0 &&
    table(
      ["feature", "requests with another value"],
      wrong.map(([feature, of]) => [feature, count(of)]),
    )
  }`;
}

/** The chart's numbers, for who does not see it or wants to read them off. */
function renderDays({ points, quality, gain }: Timeline): Markup {
  const heads = ["day", "predictions", "with label", "versions"];
  if (quality) heads.push(quality.measure, "95 % interval", "estimated");
  if (gain) heads.push("gain", "");
  heads.push("greatest drift", "feature", "drift of predictions");
  const row = (point: Point) => [
    point.from === point.to ? dayText(point.from) : `${dayText(point.from)} to ${dayText(point.to)}`,
    count(point.rows),
    count(point.labelled),
    point.versions.map(({ version, rows }) => `${version}: ${count(rows)}`).join(", "),
    ...(quality
      ? [number(point.realised?.value), point.realised?.interval?.map(number).join(" to ") ?? "", number(point.estimated?.value)]
      : []),
    ...(gain ? [point.gain ? money(point.gain.value, gain.currency) : "-", point.gain?.estimated ? "estimated" : ""] : []),
    point.drift ? ratioText(point.drift) : "-",
    point.drift?.feature ?? "",
    point.predictionDrift === null ? "-" : ratioText({ feature: "", ratio: point.predictionDrift }),
  ];
  return html`<details class="numbers"><summary>The chart's numbers as a table</summary><div class="scroll">${table(heads, points.map(row))}</div></details>`;
}

const longDay = (day: string) => {
  const known = dayOf(day);
  return known === null ? day : dayText(known);
};
