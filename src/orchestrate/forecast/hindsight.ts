/** What was foretold, beside what it took. */
import type { Records } from "../../ports/records/index.ts";
import { median } from "./expectation.ts";

export interface Foretold {
  readonly wallMs: number;
  readonly lowMs: number;
  readonly highMs: number;
}

/** Of a run, by `TARGET:KIND`; the whole run's under `:run`. Steps of which nothing was known are not there. */
export async function foretoldOf(records: Records, runId: string): Promise<Map<string, Foretold>> {
  const rows = await records.query<Foretold & { target: string; kind: string }>(
    `SELECT target, kind, wall_ms AS "wallMs", low_ms AS "lowMs", high_ms AS "highMs" FROM forecasts WHERE run_id = ? AND wall_ms IS NOT NULL`,
    [runId],
  );
  return new Map(rows.map(({ target, kind, ...told }) => [`${target}:${kind}`, told]));
}

export interface Hindsight {
  /** Steps that were foretold and have run since, the newest. */
  readonly steps: number;
  readonly runs: number;
  /** Median of what a step took, divided by what was expected. */
  readonly ratio: number;
  /** Share of the steps that took no less and no more than the interval said; null: none had one. */
  readonly within: number | null;
}

const RUNS = 20;

/** How good the forecasts of the last runs were; null where none has come true yet. */
export async function hindsight(records: Records): Promise<Hindsight | null> {
  const rows = await records.query<Foretold & { runId: string; attempts: number; meters: string }>(
    `SELECT f.run_id AS "runId", f.wall_ms AS "wallMs", f.low_ms AS "lowMs", f.high_ms AS "highMs", f.attempts AS attempts, a.meters AS meters
      FROM forecasts f JOIN steps s ON s.run_id = f.run_id AND s.target = f.target AND s.kind = f.kind AND s.state = 'succeeded' AND s.fence = 1
      JOIN attempts a ON a.step_id = s.id AND a.fence = s.fence
      WHERE f.run_id IN (SELECT DISTINCT run_id FROM forecasts WHERE wall_ms IS NOT NULL ORDER BY run_id DESC LIMIT ?)
        AND f.wall_ms IS NOT NULL AND a.meters IS NOT NULL`,
    [RUNS],
  );
  if (rows.length === 0) return null;
  const taken = rows.map(({ meters, ...told }) => ({ ...told, took: (JSON.parse(meters) as { wallMs: number }).wallMs }));
  const bounded = taken.filter(({ attempts }) => attempts > 1);
  return {
    steps: taken.length,
    runs: new Set(taken.map(({ runId }) => runId)).size,
    ratio: median(taken.map(({ took, wallMs }) => took / wallMs)),
    within:
      bounded.length === 0
        ? null
        : bounded.filter(({ took, lowMs, highMs }) => took >= lowMs && took <= highMs).length / bounded.length,
  };
}
