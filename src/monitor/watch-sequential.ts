/**
 * Page's test on a stream of trials that go well or badly: a sum of log likelihood ratios that never falls below zero
 * (E. S. Page, "Continuous inspection schemes", Biometrika 1954).
 *
 *     sum |            __/ <- found                A bad trial adds ln(broken / expected), a good one takes ln((1 - expected) / (1 - broken)) off.
 *         |   /\    __/                            However long it runs, the sum passes h by chance once in e^h trials at most on average
 *         |__/  \__/________________ trials        (G. Lorden, Annals of Mathematical Statistics 1971).
 *
 * How much is broken is not known, so three sums run side by side: a tenth, half and nearly all of what went well goes badly.
 */

/** One false alarm in so many trials, at most. */
const TRIALS_PER_FALSE_ALARM = 1e8;
const BROKEN_SHARES = [0.1, 0.5, 0.95] as const;
const BOUND = Math.log(TRIALS_PER_FALSE_ALARM * BROKEN_SHARES.length);
/** Fewer bad trials are an accident, whatever they are held against. */
const BAD_MIN = 4;
/** Trials of one request are alike: together they weigh as much as so many. */
const ALIKE = 4;
/** So many trials must have gone as expected for what was found to be over. */
const SOUND_MIN = 50;
const SOUND_MAX = 2000;

/** What a trial adds to each sum. */
export interface Odds {
  readonly expected: number;
  readonly bad: readonly number[];
  readonly good: readonly number[];
}

/** `expected`: the share of trials that may go badly, above 0 and below 1. */
export function oddsOf(expected: number): Odds {
  const broken = BROKEN_SHARES.map((share) => expected + share * (1 - expected));
  return {
    expected,
    bad: broken.map((share) => Math.log(share / expected)),
    good: broken.map((share) => Math.log((1 - share) / (1 - expected))),
  };
}

export interface Excursion {
  /** Data time at which it began, in microseconds; null where that is not known. */
  since: number | null;
  trials: number;
  bad: number;
}

export interface PageTest {
  /** `bad` of `trials` that came together; the odds may change from call to call. */
  add(odds: Odds, trials: number, bad: number, asOf: number | null): void;
  /** What is wrong now; null when nothing is, and again once enough trials have gone as expected. */
  readonly found: Readonly<Excursion> | null;
}

export function createPageTest(): PageTest {
  const sums = BROKEN_SHARES.map(() => 0);
  const excursion: Excursion = { since: null, trials: 0, bad: 0 };
  let badWeight = 0;
  let found = false;
  let soundAfter = 0;
  const block = { trials: 0, bad: 0 };

  const forget = () => {
    sums.fill(0);
    Object.assign(excursion, { since: null, trials: 0, bad: 0 });
    badWeight = 0;
    found = false;
  };

  const open = () => {
    found = true;
    soundAfter = Math.min(SOUND_MAX, Math.max(SOUND_MIN, 2 * excursion.trials));
    Object.assign(block, { trials: 0, bad: 0 });
  };

  const heal = (odds: Odds, trials: number, bad: number) => {
    block.trials += trials;
    block.bad += bad;
    if (block.trials < soundAfter) return;
    const expected = odds.expected * block.trials;
    if (block.bad <= expected + 2 * Math.sqrt(expected)) forget();
    else Object.assign(block, { trials: 0, bad: 0 });
  };

  return {
    get found() {
      return found ? excursion : null;
    },
    add(odds, trials, bad, asOf) {
      if (bad === 0 && excursion.trials === 0) return;
      if (excursion.trials === 0) excursion.since = asOf;
      excursion.trials += trials;
      excursion.bad += bad;
      if (found) return heal(odds, trials, bad);
      const weight = Math.min(trials, ALIKE) / trials;
      badWeight += weight * bad;
      let greatest = 0;
      for (let index = 0; index < sums.length; index++) {
        const next = sums[index]! + weight * (bad * odds.bad[index]! + (trials - bad) * odds.good[index]!);
        sums[index] = Math.max(0, next);
        greatest = Math.max(greatest, next);
      }
      if (greatest === 0) forget();
      else if (greatest > BOUND && badWeight >= BAD_MIN) open();
    },
  };
}
