/**
 * Many steps at once. What has a result already is found by one query for many keys, and new steps are claimed many in one commit; what cannot be
 * claimed so (another owner has it, its pool is full) goes the way of a single step.
 */
import type { Digest } from "../base/index.ts";
import type { Outcome } from "./attempt.ts";
import { carryOut, type Wanted, type Works } from "./carry-out.ts";
import { beginAll } from "./claim.ts";
import type { Attempt } from "./settle.ts";
import type { Caller, Sharing } from "./sharing.ts";

export interface Many {
  readonly wanted: Wanted;
  readonly caller: Caller;
  /** The way of a single step. */
  execute(): Promise<Outcome>;
}

/** Claims wait until so many places are free, or all of them: a commit for each place would be one for each step. */
const CLAIMED_TOGETHER = 16;

/**
 * The outcomes, in the order of the askings. At most `concurrency` jobs run at one time: a place is free when its job has ended well, so that what
 * it made is published together with the claim of the next.
 */
export async function fanOut(works: Works, sharing: Sharing, asked: readonly Many[], concurrency: number): Promise<Outcome[]> {
  const outcomes = new Map<Digest, Promise<Outcome>>();
  const found = await works.results.findMany(asked.map(({ wanted }) => wanted.key));
  const waiting: Many[] = [];
  for (const one of asked) {
    const { key } = one.wanted;
    const result = found.get(key);
    if (result) outcomes.set(key, Promise.resolve({ state: "reused", ...result }));
    else if (!outcomes.has(key)) {
      outcomes.set(key, NOT_YET);
      waiting.push(one);
    }
  }
  const running = new Set<Promise<unknown>>();
  const together = Math.max(1, Math.min(CLAIMED_TOGETHER, concurrency / 2));
  while (waiting.length > 0) {
    const free = concurrency - running.size;
    if (free >= Math.min(together, waiting.length)) startBatch(waiting.splice(0, free).filter(isStillWanted));
    else await Promise.race(running);
  }
  return Promise.all(asked.map(({ wanted }) => outcomes.get(wanted.key)!));

  function isStillWanted({ wanted, caller }: Many): boolean {
    if (caller.signal?.aborted !== true) return true;
    outcomes.set(wanted.key, Promise.resolve({ state: "cancelled" }));
    return false;
  }

  function startBatch(batch: readonly Many[]): void {
    const alone = batch.filter(({ wanted }) => sharing.has(wanted.key) || wanted.pool !== null || wanted.exclusive !== null);
    const together = batch.filter((one) => !alone.includes(one));
    const claimed = Promise.withResolvers<Map<Digest, Attempt>>();
    for (const one of alone) run(one, () => one.execute());
    for (const one of together) run(one, (made) => begun(one, claimed.promise, made));
    claimed.resolve(claim(together));
  }

  function run({ wanted }: Many, work: (made: () => void) => Promise<Outcome>): void {
    const place = Promise.withResolvers<void>();
    const outcome = work(place.resolve);
    outcomes.set(wanted.key, outcome);
    outcome.then(nothing, nothing).then(place.resolve); // who waits for all is told of an error
    const free = place.promise.then(() => void running.delete(free));
    running.add(free);
  }

  async function claim(batch: readonly Many[]): Promise<Map<Digest, Attempt>> {
    const attempts =
      batch.length > 0
        ? await beginAll(
            works.surroundings,
            batch.map(({ wanted }) => wanted),
          )
        : null;
    return new Map(attempts?.map((attempt) => [attempt.key, attempt]));
  }

  /** The key is taken here before it is claimed, so that nobody here takes its step for one that was let go of. */
  async function begun(
    { wanted, caller, execute }: Many,
    claimed: Promise<Map<Digest, Attempt>>,
    onMade: () => void,
  ): Promise<Outcome> {
    const one = sharing.open(wanted.key, async (waiter) =>
      carryOut(works, wanted, { ...waiter, onMade }, (await claimed).get(wanted.key)),
    );
    return (await sharing.join(one, caller)) ?? execute();
  }
}

const nothing = () => undefined;

const NOT_YET = new Promise<never>(() => undefined);
