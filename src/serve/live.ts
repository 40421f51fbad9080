/**
 * An endpoint in memory: the version that answers, the one before it, a candidate beside it, all fed alike. Which of them answers a request is
 * drawn from the id of its reply. No I/O.
 */
import { MillError } from "../base/index.ts";
import { codeInfo, type Row } from "../contract/index.ts";
import { type ArmCounts, countArm } from "./arms.ts";
import type { DataClock } from "./data-clock.ts";
import type { RolloutRow } from "./deployments.ts";
import type { Answer } from "./endpoint.ts";
import type { EventIds } from "./event-ids.ts";
import { type Loaded, SPANS_ANSWERED } from "./loading.ts";
import type { Rollout } from "./rollout.ts";

export interface Live {
  readonly clock: DataClock;
  readonly ids: EventIds;
  readonly champion: Loaded;
  /** Kept warm, so that a rollback need not wait. */
  readonly previous: Loaded | null;
  readonly rollout: { readonly row: RolloutRow; readonly candidate: Loaded } | null;
  /** Rows answered, and rows whose answer could not be logged, since the start. */
  readonly counts: { predictions: number; lost: number };
  /** From now on events feed it too. */
  take(loaded: Loaded): void;
  /** What answers from now on; every other version is let go. */
  become(now: { readonly champion: Loaded; readonly previous: Loaded | null; readonly rollout?: Live["rollout"] }): void;
  /** One that is fed already. */
  held(model: string, version: number): Loaded | null;
  /** Errors: as `predict` of an endpoint. */
  answer(id: string, rows: readonly unknown[], nowMicros: number): { readonly by: Loaded; readonly answers: readonly Answer[] };
  /** An event, as sent and as the champion read it. */
  feed(given: unknown, row: Row): void;
  /** Moves the clock on; what only moments need that are no longer answered is forgotten. */
  saw(times: Iterable<number>): void;
  readRollout(): Rollout | null;
}

export function createLive(first: Loaded, clock: DataClock, ids: EventIds): Live {
  const fed = new Set([first]);
  let [champion, previous, rollout]: [Loaded, Loaded | null, Live["rollout"]] = [first, null, null];
  let arms = { candidate: countArm(), champion: countArm() };
  let forgetAt = Number.NEGATIVE_INFINITY;

  const forgetOld = (asOf: number) => {
    const spans = [...fed].map(({ endpoint }) => endpoint.spanMicros).filter((span) => span > 0);
    for (const { endpoint } of fed) if (endpoint.spanMicros > 0) endpoint.forget(asOf - SPANS_ANSWERED * endpoint.spanMicros);
    forgetAt = asOf + Math.min(...spans) / FORGETS_PER_SPAN;
  };

  return {
    ...{ clock, ids, counts: { predictions: 0, lost: 0 } },
    get champion() {
      return champion;
    },
    get previous() {
      return previous;
    },
    get rollout() {
      return rollout;
    },
    take(loaded) {
      fed.add(loaded);
      forgetAt = Number.NEGATIVE_INFINITY;
    },
    become(now) {
      const isSameStep = rollout !== null && rollout.row === now.rollout?.row;
      ({ champion, previous, rollout = null } = now);
      if (!isSameStep) arms = { candidate: countArm(), champion: countArm() };
      const kept = [champion, previous, rollout?.candidate];
      for (const one of fed) if (!kept.includes(one)) fed.delete(one);
    },
    held: (model, version) => [...fed].find((one) => isVersion(one, model, version)) ?? null,
    answer(id, rows, nowMicros) {
      if (rollout === null) return { by: champion, answers: champion.endpoint.predict(rows, nowMicros) };
      if (!isDrawn(id, shareOf(rollout.row))) return timed(champion, arms.champion, rows, nowMicros);
      try {
        return timed(rollout.candidate, arms.candidate, rows, nowMicros);
      } catch (error) {
        // The champion answers in its place; where it cannot read the rows either, they were at fault.
        const answers = champion.endpoint.predict(rows, nowMicros);
        if (error instanceof MillError && error.code === "request.row") arms.candidate.failed(rows.length);
        return { by: champion, answers };
      }
    },
    feed(given, row) {
      for (const one of fed) feedOne(one, given, one.eventForm === champion.eventForm ? row : null);
    },
    saw(times) {
      for (const time of times) clock.saw(time);
      const asOf = clock.time();
      if (asOf !== null && asOf >= forgetAt) forgetOld(asOf);
    },
    readRollout() {
      if (rollout === null) return null;
      const { row, candidate } = rollout;
      return {
        ...row,
        share: shareOf(row),
        candidate: arms.candidate.read(candidate.version.version),
        champion: arms.champion.read(champion.version.version),
      };
    },
  };
}

/** Forgetting goes through every key: not at every row. */
const FORGETS_PER_SPAN = 8;

export const isVersion = ({ version }: Loaded, model: string, number: number) =>
  version.model === model && version.version === number;

export const shareOf = ({ steps, step }: Pick<RolloutRow, "steps" | "step">) => steps[step]!;

/** The last 32 bits of a reply's id are random: as good as a hash of it, and anyone can draw again from the log. */
const isDrawn = (id: string, share: number) => Number.parseInt(id.slice(-8), 16) < share * 2 ** 32;

function timed(by: Loaded, arm: ArmCounts, rows: readonly unknown[], nowMicros: number) {
  const begun = performance.now();
  try {
    const answers = by.endpoint.predict(rows, nowMicros);
    arm.answered(rows.length, (performance.now() - begun) * 1000);
    return { by, answers };
  } catch (error) {
    if (isFault(error)) arm.failed(rows.length);
    throw error;
  }
}

/** Ours, not the request's. */
const isFault = (error: unknown) => !(error instanceof MillError) || codeInfo(error.code).status >= 500;

/** A version whose data set had other columns reads the event by itself; one that it cannot read does not feed it. */
function feedOne(one: Loaded, given: unknown, row: Row | null): void {
  try {
    one.endpoint.feed(row ?? one.endpoint.readEvent(given, 0));
  } catch (error) {
    if (!(error instanceof MillError)) throw error;
    one.eventsSkipped++;
  }
}
