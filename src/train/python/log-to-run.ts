/** Sends what a script logs to its run, at the address that it may log to itself, in batches: a script that logs a lot waits for none of them. */
import type { LoggedMetrics } from "./script-events.ts";

export interface RunLog {
  params(params: Readonly<Record<string, unknown>>): void;
  metrics(logged: LoggedMetrics): void;
  /** Sends what is left; the sentences that say what was not taken. */
  end(): Promise<readonly string[]>;
}

export interface RunAddress {
  readonly address: string;
  readonly username: string;
  readonly password: string;
  readonly run: string;
}

interface Point {
  readonly key: string;
  readonly value: number | string;
  readonly timestamp: number;
  readonly step: number;
}

/** What MLflow's protocol takes in one request. */
const METRICS_MAX = 1000;
const PARAMS_MAX = 100;
const PARAM_CHARACTERS_MAX = 6000;
const TIMEOUT_MS = 30_000;
const WAITING_MAX = 1_000_000;

export function createRunLog({ address, username, password, run }: RunAddress, cancelled: AbortSignal): RunLog {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const faults = new Set<string>();
  const steps = new Map<string, number>();
  let waiting: Point[] = [];
  let sending = Promise.resolve();
  let isQueued = false;

  return {
    params(params) {
      const pairs = Object.entries(params).map(([key, value]) => ({ key, value: shown(value).slice(0, PARAM_CHARACTERS_MAX) }));
      for (let at = 0; at < pairs.length; at += PARAMS_MAX) sendNext(() => ({ params: pairs.slice(at, at + PARAMS_MAX) }));
    },
    metrics({ metrics, step, atMs }) {
      for (const [key, value] of Object.entries(metrics)) {
        const place = step ?? steps.get(key) ?? 0;
        steps.set(key, place + 1);
        waiting.push({ key, value: WORDS[value] ?? value, timestamp: atMs, step: place });
      }
      if (waiting.length > WAITING_MAX) {
        faults.add("Tracking is slower than the script logs: some points are left out.");
        waiting = waiting.slice(-WAITING_MAX / 2);
      }
      if (!isQueued) sendWaiting();
    },
    async end() {
      for (let before: typeof sending | null = null; before !== sending; await sending) before = sending;
      return [...faults];
    },
  };

  function sendWaiting(): void {
    isQueued = true;
    sendNext(() => {
      isQueued = waiting.length > METRICS_MAX;
      const metrics = waiting.splice(0, METRICS_MAX);
      if (isQueued) sendWaiting();
      return { metrics };
    });
  }

  function sendNext(body: () => object): void {
    sending = sending.then(async () => {
      const asked = { method: "POST", headers: { authorization, "content-type": "application/json" } };
      const sent = JSON.stringify({ run_id: run, ...body() });
      try {
        const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), cancelled]);
        const answer = await fetch(`${address}/api/2.0/mlflow/runs/log-batch`, { ...asked, body: sent, signal });
        const text = await answer.text();
        if (!answer.ok) faults.add(`Tracking did not take what the script logged: ${text.slice(0, 500)}`);
      } catch (error) {
        faults.add(`Tracking was not reached: ${(error as Error).message}`);
      }
    });
  }
}

/** As MLflow's clients say what JSON has no numbers for. */
const WORDS: Readonly<Record<string, string>> = { nan: "NaN", inf: "Infinity", "-inf": "-Infinity" };

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
