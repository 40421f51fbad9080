/** Slows down who guesses: after some failures each further one doubles the wait, for names that exist and names that do not alike. Lives in this process. */

export interface Throttle {
  /** Milliseconds that the key still has to wait; 0: none. */
  waitMs(key: string): number;
  /** Counted before the attempt is looked at, so that many at once do not slip through. */
  failed(key: string): void;
  /** The attempt counted last was none. */
  takeBack(key: string): void;
  forget(key: string): void;
}

export interface ThrottleOptions {
  /** Failures without a wait. */
  readonly free: number;
  readonly now: () => number;
}

const FIRST_MS = 1_000;
const WAIT_MAX_MS = 5 * 60_000;
const FORGET_MS = 3_600_000;
const KEYS_MAX = 100_000;

export function createThrottle({ free, now }: ThrottleOptions): Throttle {
  const counts = new Map<string, { readonly failures: number; readonly atMs: number }>();
  const failuresOf = (key: string): number => {
    const found = counts.get(key);
    return found === undefined || now() - found.atMs > FORGET_MS ? 0 : found.failures;
  };
  const note = (key: string, failures: number) => {
    counts.delete(key); // the newest stand last
    if (counts.size >= KEYS_MAX) counts.delete(counts.keys().next().value!);
    counts.set(key, { failures, atMs: now() });
  };
  return {
    waitMs(key) {
      const over = failuresOf(key) - free;
      return over < 0 ? 0 : Math.max(0, counts.get(key)!.atMs + Math.min(FIRST_MS * 2 ** over, WAIT_MAX_MS) - now());
    },
    failed: (key) => note(key, failuresOf(key) + 1),
    takeBack: (key) => note(key, Math.max(0, failuresOf(key) - 1)),
    forget: (key) => void counts.delete(key),
  };
}
