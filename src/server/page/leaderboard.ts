/** The models that solve one problem, side by side. */
import { formatBytes, formatMicros, formatSpan } from "../../base/index.ts";
import type { OutputOf } from "../../contract/index.ts";
import { html, type Markup } from "./html.ts";
import { count, number, table } from "./table.ts";

type Board = OutputOf<"getLeaderboard">;
type Candidate = Board["models"][number];

export function renderLeaderboard({ problem, by, quality, models, without, sentence }: Board): Markup {
  const machines = [...new Set(models.flatMap(({ latency }) => latency?.machine ?? []))];
  const isSure = models.some(({ intervals }) => intervals[quality.measure] !== undefined);
  return html`<section><h2>Leaderboard ${problem.name} <small>${problem.question} On test, by ${by}</small></h2>
<div class="scroll">${table(
    [
      ...["model", "", quality.measure, ...(isSure ? ["95 % interval"] : [])],
      ...["trained", "memory", "size", "row", "p99", "form", "licence", "made by"],
    ],
    models.map((one) => rowOf(one, quality.measure, isSure)),
  )}</div>
<p>${sentence}</p>
<p class="quiet">On the front: none is as good in quality, time, latency and size.${machines.length > 0 && ` Rows were timed on ${machines.join("; ")}.`}${without.length > 0 && ` Without a version yet: ${without.join(", ")}.`}</p></section>`;
}

const rowOf = (one: Candidate, measure: string, isSure: boolean): (string | Markup)[] => [
  `${one.model} ${one.version}`,
  standing(one),
  number(one.measures[measure]),
  ...(isSure ? [one.intervals[measure]?.map(number).join(" to ") ?? ""] : []),
  orNothing(one.trainMs, formatSpan),
  orNothing(one.memoryBytes, formatBytes),
  orNothing(one.sizeBytes, formatBytes),
  orNothing(one.latency?.medianMicros, formatMicros),
  orNothing(one.latency?.p99Micros, formatMicros),
  one.form === "python" ? html`<span class="wait">python</span>` : one.form,
  one.licensedBy === null ? one.license : `${one.license} (${one.licensedBy})`,
  madeBy(one),
];

const standing = ({ standing, front }: Candidate): Markup =>
  standing === "refused"
    ? html`<span class="bad">refused</span>`
    : html`<span class="good">${standing}</span>${front && ", on the front"}`;

const orNothing = (value: number | null | undefined, text: (value: number) => string) =>
  value === null || value === undefined ? "" : text(value);

function madeBy({ framework, trainer, searched, packages }: Candidate): string {
  const search = searched === null ? "" : `, best of ${count(searched)} trials`;
  return `${framework} ${trainer}${search}${packages.length === 0 ? "" : `, ${count(packages.length)} ${packages.length === 1 ? "package" : "packages"}`}`;
}
