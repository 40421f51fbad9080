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
  /** At once, or later where the version answers beside the event loop. Errors: as `predict` of an endpoint. */
  answer(id: string, rows: readonly unknown[], nowMicros: number): Answered | Promise<Answered>;
  /** An event, as sent and as the champion read it. */
  feed(given: unknown, row: Row): void;
  /** Moves the clock on; what only moments need that are no longer answered is forgotten. */
  saw(times: Iterable<number>): void;
  readRollout(): Rollout | null;
  /** Ends what its versions run in. */
  close(): Promise<void>;
}

export interface Answered {
  readonly by: Loaded;
  readonly answers: readonly Answer[];
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
      for (const one of fed) if (!kept.includes(one) && fed.delete(one)) void one.endpoint.beside?.close().catch(() => undefined);
    },
    held: (model, version) => [...fed].find((one) => isVersion(one, model, version)) ?? null,
    answer(id, rows, nowMicros) {
      const by = champion;
      const answered = () => when(by.endpoint.predict(rows, nowMicros), (answers) => ({ by, answers }));
      if (rollout === null) return answered();
      if (!isDrawn(id, shareOf(rollout.row))) return timed(by, arms.champion, rows, nowMicros);
      const arm = arms.candidate;
      // The champion answers in its place; where it cannot read the rows either, they were at fault.
      const inItsPlace = (error: unknown) =>
        when(answered(), (found) => {
          if (error instanceof MillError && OF_ROWS.includes(error.code)) arm.failed(rows.length);
          return found;
        });
      try {
        const found = timed(rollout.candidate, arm, rows, nowMicros);
        return found instanceof Promise ? found.catch(inItsPlace) : found;
      } catch (error) {
        return inItsPlace(error);
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
    async close() {
      await Promise.all([...fed].map(({ endpoint }) => endpoint.beside?.close()));
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

function timed(by: Loaded, arm: ArmCounts, rows: readonly unknown[], nowMicros: number): Answered | Promise<Answered> {
  const begun = performance.now();
  const counted = (answers: readonly Answer[]) => {
    arm.answered(rows.length, (performance.now() - begun) * 1000);
    return { by, answers };
  };
  const failed = (error: unknown): never => {
    if (isFault(error)) arm.failed(rows.length);
    throw error;
  };
  try {
    const answers = by.endpoint.predict(rows, nowMicros);
    return answers instanceof Promise ? answers.then(counted, failed) : counted(answers);
  } catch (error) {
    return failed(error);
  }
}

/** Without waiting where there is nothing to wait for. */
const when = <A, B>(value: A | Promise<A>, use: (value: A) => B): B | Promise<B> =>
  value instanceof Promise ? value.then(use) : use(value);

/** What says of rows that a version cannot answer them. */
const OF_ROWS = ["request.row", "endpoint.no-answer", "scoring.bad-input"];

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
