/** From what the blocks keep to what the verbs answer. */
import { MillError } from "../../base/index.ts";
import type { OutputOf, Schema } from "../../contract/index.ts";
import type { Copy } from "../../ports/records/index.ts";
import type { Pause, RunRecord, StepRecord } from "../../steps/index.ts";
import type { Forecast } from "../forecast/forecast.ts";

export const instant = (ms: number) => new Date(ms).toISOString();
export const instantOrNull = (ms: number | null | undefined) => (ms === null || ms === undefined ? null : instant(ms));

export const pageOf = <A, B>(page: { readonly items: readonly A[]; readonly next: string | null }, show: (item: A) => B) => ({
  items: page.items.map(show),
  next: page.next,
});

/** The number of a version that a page of versions ended with. Errors: `request.bad-cursor`. */
export function versionCursor(cursor: string | undefined): { readonly before?: number } {
  if (cursor === undefined) return {};
  if (/^[1-9]\d{0,14}$/.test(cursor)) return { before: Number(cursor) };
  throw badCursor(cursor);
}

const badCursor = (cursor: string) =>
  new MillError("request.bad-cursor", "The cursor is not one that a page of this list gave.", {
    at: "/cursor",
    expected: "`next` of the page before",
    got: cursor,
    fix: "Start again without a cursor.",
  });

/**
 * A page of things that fit in memory, in their order; the cursor is the key of the last one.
 * Errors: `request.bad-cursor`, also when that one has gone since.
 */
export function pageThrough<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  page: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
) {
  const { limit = 100, cursor } = page;
  const start = cursor === undefined ? 0 : all.findIndex((item) => keyOf(item) === cursor) + 1;
  if (cursor !== undefined && start === 0) throw badCursor(cursor);
  const items = all.slice(start, start + limit);
  return { items, next: start + limit < all.length ? keyOf(items.at(-1)!) : null };
}

export const columnsOf = (schema: Schema, optional: string | null = null) =>
  Object.entries(schema).map(([name, { type, nullable, unit, about }]) => ({
    name,
    type,
    nullable,
    ...(name === optional ? { optional: true } : {}),
    ...(unit ? { unit } : {}),
    ...(about ? { about } : {}),
  }));

export const runSummary = (run: RunRecord): OutputOf<"listRuns">["items"][number] => ({
  id: run.id,
  targets: run.targets,
  actor: run.actor,
  reason: run.reason,
  state: run.state,
  startedAt: instant(run.startedAt),
  endedAt: instantOrNull(run.endedAt),
  error: run.error,
  ...(run.infrastructure === null ? {} : { infrastructure: run.infrastructure }),
  ...(run.definitions === null ? {} : { definitions: run.definitions }),
});

export const forecastOnWire = ({ steps, ...whole }: Forecast): NonNullable<OutputOf<"plan">["forecast"]> => ({
  ...whole,
  steps: steps.length,
});

export const placeOf = ({ on, job }: Pick<StepRecord, "on" | "job">) => ({
  ...(on !== null && { on }),
  ...(job !== null && { job }),
});

export const stepSummary = (step: StepRecord): OutputOf<"listSteps">["items"][number] => ({
  id: step.id,
  target: step.target,
  kind: step.kind,
  revision: step.revision,
  key: step.key,
  state: step.state,
  run: step.runId,
  ...placeOf(step),
  createdAt: instant(step.createdAt),
  endedAt: instantOrNull(step.endedAt),
  wallMs: step.wallMs,
  error: step.error,
});

export const pauseSummary = ({ what, name, since, actor }: Pause): OutputOf<"getPauses">["items"][number] => ({
  ...{ what, name, since: instant(since), by: actor },
});

export const copySummary = ({ takenAt, restoredAt }: Copy): NonNullable<OutputOf<"getPauses">["copy"]> => ({
  ...{ takenAt, restoredAt: instant(restoredAt) },
});
