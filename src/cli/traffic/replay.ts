import { MillError } from "../../base/index.ts";
import { codeInfo, ROWS_MAX } from "../../contract/index.ts";
import { type Delivery, pause } from "./delivery.ts";
import type { Lane, Trip } from "./lane.ts";
import { refuse } from "./tally.ts";
import { merged, timeline } from "./timeline.ts";

export interface Replay {
  readonly lanes: readonly Lane[];
  readonly delivery: Delivery;
  readonly stepMicros: number;
  readonly speed: number | null;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** Called before each step with its data time in microseconds. */
  reached(at: number): void;
}

/**
 * Sends everything, a step of data time after the other: a step's events are acknowledged before its requests are sent.
 * Errors: a refusal that is not about rows, `cli.server-away`, `cli.interrupted`.
 */
export async function replay({ lanes, delivery, stepMicros, speed, concurrency, signal, reached }: Replay): Promise<void> {
  const startedMs = performance.now();
  let first: number | null = null;
  for await (const { at, events, labels, asked } of timeline(merged(lanes.map((lane) => lane.trips())), stepMicros)) {
    first ??= at;
    const wait = speed === null ? 0 : startedMs + (at - first) / 1000 / speed - performance.now();
    if (wait > 0 || signal.aborted) await pause(wait, signal);
    reached(at);
    await Promise.all(batches(events).map((batch) => sendEvents(batch, delivery)));
    const told = labels.filter(({ prediction, label }) => prediction !== null && label !== null);
    await Promise.all([
      ...batches(told).map((batch) => sendLabels(batch, delivery)),
      inParallel(asked, concurrency, (trip) => ask(trip, delivery)),
    ]);
  }
}

async function ask(trip: Trip, { send }: Delivery): Promise<void> {
  const { tally, name } = trip.lane;
  try {
    const { answer, ms, repeats } = await send("predict", { name, rows: [trip.request] });
    trip.prediction = answer.predictions[0]!.id;
    tally.predictions++;
    tally.byVersion.set(answer.version, (tally.byVersion.get(answer.version) ?? 0) + 1);
    if (answer.logged === false) tally.unlogged++;
    tally.askedAgain += repeats;
    tally.latencies.add(ms);
  } catch (thrown) {
    refuse(tally, "predict", aboutRows(thrown));
  }
}

async function sendEvents(trips: readonly Trip[], { send }: Delivery): Promise<void> {
  const { tally, name } = trips[0]!.lane;
  try {
    const rows = trips.map(({ event }) => event);
    const { answer } = await send("events", { name, rows, ids: trips.map(({ id }) => id) });
    tally.events += answer.accepted;
    tally.eventsRepeated += answer.repeated ?? 0;
    for (const { reason } of answer.refused) refuse(tally, "events", reason);
  } catch (thrown) {
    for (const _ of trips) refuse(tally, "events", aboutRows(thrown));
  }
}

async function sendLabels(trips: readonly Trip[], { send }: Delivery): Promise<void> {
  const { tally, name } = trips[0]!.lane;
  const labels = trips.map(({ prediction, label, labelAt }) => ({ id: prediction!, label: label!, at: labelAt }));
  try {
    const { answer } = await send("feedback", { name, labels });
    tally.labels += answer.accepted;
    for (const { reason } of answer.refused) refuse(tally, "feedback", reason);
  } catch (thrown) {
    for (const _ of trips) refuse(tally, "feedback", aboutRows(thrown));
  }
}

/** A fault of what was sent, or of the model, is counted; that we may not send, are not heard or are to stop ends the traffic. */
function aboutRows(thrown: unknown): string {
  if (!(thrown instanceof MillError) || ENDS.has(codeInfo(thrown.code).status)) throw thrown;
  return thrown.message;
}

const ENDS: ReadonlySet<number> = new Set([401, 403, 404, 503, 507]);

const BATCH_ROWS = Math.min(1000, ROWS_MAX);

/** Of one lane each, no larger than a request may be. */
function batches(trips: readonly Trip[]): Trip[][] {
  return [...Map.groupBy(trips, ({ lane }) => lane).values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / BATCH_ROWS) }, (_, index) =>
      all.slice(index * BATCH_ROWS, (index + 1) * BATCH_ROWS),
    ),
  );
}

async function inParallel<T>(items: readonly T[], most: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
}
