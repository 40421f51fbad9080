/** Calls that outlive a restart of the server: what it did not acknowledge is sent again, to wherever it listens by then. */
import { asMillError, MillError } from "../../base/index.ts";
import { type AnswerOf, type Config, codeInfo, EXIT, type InputOf, type VerbName } from "../../contract/index.ts";
import type { BoundCall } from "../../guard/index.ts";
import { findServer } from "../connect.ts";

export interface Delivery {
  /** Errors: what the server refuses; when it stays away, `cli.server-away`; `cli.interrupted`. */
  send<V extends VerbName>(verb: V, input: InputOf<V>): Promise<Delivered<V>>;
}

export interface Delivered<V extends VerbName> {
  readonly answer: Awaited<AnswerOf<V>>;
  /** Of the try that was answered. */
  readonly ms: number;
  /** Tries before, of which the server may have done some without being able to say so. */
  readonly repeats: number;
}

export interface DeliveryOptions {
  /** The server as it is found now; null: there is none. */
  find(): Promise<BoundCall | null>;
  readonly signal: AbortSignal;
  readonly patienceMs?: number;
}

const PATIENCE_MS = 30_000;
const PAUSE_FIRST_MS = 50;
const PAUSE_MOST_MS = 2000;

export function createDelivery({ find, signal, patienceMs = PATIENCE_MS }: DeliveryOptions): Delivery {
  let server: Promise<BoundCall | null> | null = null;
  return {
    async send(verb, input) {
      const awaySince = { ms: 0 };
      for (let repeats = 0; ; repeats++) {
        const used = (server ??= find());
        const startedMs = performance.now();
        try {
          const call = await used;
          if (call === null) throw serverMissing();
          const answer = (await call(verb, input)) as Awaited<AnswerOf<typeof verb>>;
          return { answer, ms: performance.now() - startedMs, repeats };
        } catch (thrown) {
          if (codeInfo(asMillError(thrown).code).exit !== EXIT.away) throw thrown;
          if (server === used) server = null;
          awaySince.ms ||= startedMs;
          if (performance.now() - awaySince.ms > patienceMs) throw thrown;
          await pause(Math.min(PAUSE_FIRST_MS * 2 ** repeats, PAUSE_MOST_MS), signal);
        }
      }
    },
  };
}

/** Finds the workspace's server by its lock. */
export const serverOf = (config: Config) => (): Promise<BoundCall | null> => findServer(config);

export const serverMissing = (at?: string) =>
  new MillError("cli.server-missing", "No server runs for this workspace, so there is nobody to send traffic to.", {
    at,
    fix: "Start it in another terminal: mill up --run --project FOLDER; then send the traffic.",
  });

/** Resolves after `ms`. Errors: `cli.interrupted` as soon as the signal says so. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new MillError("cli.interrupted", "Interrupted; what was sent stays sent.", { fix: "Go on with --from." }));
    };
    if (signal.aborted) return reject(new MillError("cli.interrupted", "Interrupted.", { fix: "Go on with --from." }));
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
