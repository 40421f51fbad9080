/** Backfills: how far each is, and what is wrong with it. */
import type { OutputOf } from "../../contract/index.ts";
import { html, type Markup } from "./html.ts";
import { count, minuteText, table } from "./table.ts";

type Backfill = OutputOf<"listBackfills">["items"][number];

const CLASSES: Readonly<Record<Backfill["state"], string>> = {
  ...{ requested: "wait", running: "wait", paused: "wait" },
  ...{ succeeded: "good", failed: "bad", cancelled: "bad" },
};

export const renderBackfills = (
  backfills: readonly Backfill[],
): Markup => html`<section><h2>Backfills <small>times are UTC</small></h2>
${table(
  ["backfill", "of", "partitions", "", "state", "by", "asked"],
  backfills.map((one) => [
    html`<a href="/v1/backfills/${one.id}">${one.id}</a>`,
    one.target,
    `${one.from ?? "first"} to ${one.to ?? "last"}, ${one.only}`,
    html`<progress max="${String(Math.max(1, one.partitions))}" value="${String(done(one))}"></progress> ${countsText(one)}`,
    html`<span class="${CLASSES[one.state]}">${one.state}</span> ${one.error ?? one.note ?? ""}`,
    one.by,
    html`<span class="when">${minuteText(one.requestedAt)}</span>`,
  ]),
  undefined,
  "texts",
)}</section>`;

const done = ({ succeeded, failed, absent }: Backfill) => succeeded + failed + absent;

const countsText = ({ partitions, succeeded, running, failed, absent }: Backfill) =>
  [
    `${count(succeeded)} of ${count(partitions)}`,
    ...(running > 0 ? [`${count(running)} running`] : []),
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...(absent > 0 ? [`${count(absent)} without a file`] : []),
  ].join(", ");
