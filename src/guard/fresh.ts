/** Looked-up values that may be five seconds old, so that what another process took away works there no longer than that. */
export interface Fresh<T> {
  /** At once for what was looked up in the last five seconds; null: there is none. */
  get(key: string): T | null | Promise<T | null>;
  /** What is asked from now on is looked up anew, also where a look-up is under way; without a key all of it. */
  forget(key?: string): void;
}

const FRESH_MS = 5_000;
const KEPT_MAX = 10_000;

/** `look` may give `before` again where nothing has changed, so that what is derived from the object stays with it. */
export function createFresh<T>(look: (key: string, before: T | undefined) => Promise<T | null>, now: () => number): Fresh<T> {
  const known = new Map<string, { readonly value: T; readonly until: number }>();
  const asked = new Map<string, Promise<T | null>>();

  const ask = (key: string): Promise<T | null> => {
    const until = now() + FRESH_MS;
    const settle = (value: T | null) => {
      if (asked.get(key) !== answer) return value; // forgotten meanwhile
      asked.delete(key);
      known.delete(key);
      if (known.size >= KEPT_MAX) known.clear();
      if (value !== null) known.set(key, { value, until });
      return value;
    };
    const answer: Promise<T | null> = look(key, known.get(key)?.value).then(settle, (error: unknown) => {
      settle(null);
      throw error;
    });
    asked.set(key, answer);
    return answer;
  };

  return {
    get(key) {
      const found = known.get(key);
      return found !== undefined && now() < found.until ? found.value : (asked.get(key) ?? ask(key));
    },
    forget(key) {
      if (key === undefined) {
        known.clear();
        asked.clear();
      } else {
        known.delete(key);
        asked.delete(key);
      }
    },
  };
}

/** What `use` makes of a value that may still be on its way, without waiting where it is there. */
export const followed = <T, U>(value: T | Promise<T>, use: (value: T) => U | Promise<U>): U | Promise<U> =>
  value instanceof Promise ? value.then(use) : use(value);
