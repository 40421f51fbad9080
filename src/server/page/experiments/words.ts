/** How times and states of runs are written. */
import { formatSpan } from "../../../base/index.ts";
import { html, type Markup } from "../html.ts";
import { minuteText } from "../table.ts";
import type { Run } from "./columns.ts";

const MOMENT_MS_MAX = 8.64e15;

/** Programs say when they began: it may be no moment at all. */
export const momentText = (ms: number): string =>
  Math.abs(ms) <= MOMENT_MS_MAX ? minuteText(new Date(ms).toISOString()) : `${ms} ms`;

export const tookText = ({ startedAt, endedAt }: Run): string =>
  endedAt === null || endedAt < startedAt ? "" : formatSpan(endedAt - startedAt);

export const stateOf = ({ status, deletedAt }: Run): Markup =>
  html`<span class="${STATE_CLASSES[status]}">${status.toLowerCase()}</span>${deletedAt !== null && " (deleted)"}`;

const STATE_CLASSES: Readonly<Record<Run["status"], string>> = {
  ...{ RUNNING: "wait", SCHEDULED: "wait" },
  ...{ FINISHED: "good", FAILED: "bad", KILLED: "bad" },
};

export const PARENT = "mlflow.parentRunId";
