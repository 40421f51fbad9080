/** Callers who ask for the same key at once share what carries it out. */
import type { Digest } from "../base/index.ts";
import type { Outcome, Waiter } from "./attempt.ts";
import type { Progress } from "./attempt-folder.ts";

export interface Caller {
  readonly signal?: AbortSignal;
  onProgress?(progress: Progress): void;
  onLog?(text: string): void;
}

/** What is done for a key, and all who wait for it. */
export interface Shared {
  /** null: another owner has the step now. */
  readonly outcome: Promise<Outcome | null>;
  readonly stopping: AbortController;
  readonly letGo: AbortController;
  readonly callers: Set<Caller>;
}

export interface Sharing {
  has(key: Digest): boolean;
  get(key: Digest): Shared | undefined;
  /** Begins what others can then join; it lasts until it has its outcome, also when nobody has joined. */
  open(key: Digest, run: (waiter: Waiter) => Promise<Outcome | null>): Shared;
  /** Waits with the others; leaving early is cancelling, and the last to leave ends it and sees how. null: ask again. */
  join(shared: Shared, caller: Caller): Promise<Outcome | null>;
  /** Ends everything that somebody waits for, lets go of the rest, and waits for that. */
  close(): Promise<void>;
}

export function createSharing(): Sharing {
  const shared = new Map<Digest, Shared>();

  return {
    has: (key) => shared.has(key),
    get: (key) => shared.get(key),

    open(key, run) {
      const stopping = new AbortController();
      const letGo = new AbortController();
      const callers: Shared["callers"] = new Set();
      const outcome = run({
        signal: stopping.signal,
        letGo: letGo.signal,
        onProgress(progress) {
          for (const caller of callers) caller.onProgress?.(progress);
        },
        onLog(text) {
          for (const caller of callers) caller.onLog?.(text);
        },
      }).finally(() => shared.delete(key));
      outcome.catch(() => undefined); // whoever has joined is told
      const one: Shared = { outcome, stopping, letGo, callers };
      shared.set(key, one);
      return one;
    },

    async join({ outcome, stopping, callers }, caller) {
      if (stopping.signal.aborted) return outcome.then(nothing, nothing); // its last caller has left
      const { signal } = caller;
      const me = { ...caller };
      const left = Promise.withResolvers<Outcome>();
      const leave = () => {
        if (callers.size > 1) left.resolve({ state: "cancelled" });
        else stopping.abort();
      };
      callers.add(me);
      signal?.addEventListener("abort", leave);
      if (signal?.aborted) leave();
      try {
        return await Promise.race([outcome, left.promise]);
      } finally {
        signal?.removeEventListener("abort", leave);
        callers.delete(me);
      }
    },

    async close() {
      const running = [...shared.values()];
      for (const { stopping, letGo, callers } of running) (callers.size > 0 ? stopping : letGo).abort();
      await Promise.allSettled(running.map(({ outcome }) => outcome));
    },
  };
}

const nothing = () => null;
