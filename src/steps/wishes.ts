/** What people want of steps and runs, from whatever process: rows that whoever looks after a step sees within a second. */
import { MillError } from "../base/index.ts";
import type { Works } from "./carry-out.ts";
import { unknownRun, unknownStep } from "./history.ts";
import { requirePool } from "./surroundings.ts";

export type Pausable = "pool" | "run";

export interface Pause {
  readonly what: Pausable;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly actor: string;
}

export interface Wishes {
  /** Ends a step that waits or runs, in whatever process; false: it has ended already. Errors: `step.unknown`. */
  cancelStep(id: string): Promise<boolean>;
  /** Ends all steps of a run, also of one whose server died, and starts no new one; false: they have ended already. Errors: `run.unknown`. */
  cancelRun(id: string): Promise<boolean>;
  /** Starts no step of the pool or run until `resume`; what runs goes on. False: it was paused already. Errors: `step.unknown-pool`, `run.unknown`, `run.ended`. */
  pause(what: Pausable, name: string, actor: string): Promise<boolean>;
  /** False: it was not paused. */
  resume(what: Pausable, name: string): Promise<boolean>;
  listPauses(): Promise<Pause[]>;
}

export function createWishes({
  surroundings: { records, clock, pools },
  pulse,
  queue,
}: Pick<Works, "surroundings" | "pulse" | "queue">): Wishes {
  return {
    async cancelStep(id) {
      const sql = "UPDATE steps SET cancel_at = ? WHERE id = ? AND state IN ('queued', 'running')";
      const { committed } = await records.commit([{ sql, params: [clock(), id], rows: 1 }]);
      if (!committed && (await records.query("SELECT 1 FROM steps WHERE id = ?", [id])).length === 0) throw unknownStep(id);
      if (committed) await see();
      return committed;
    },

    async cancelRun(id) {
      const nowMs = clock();
      const open = "run_id = ? AND state IN ('queued', 'running')";
      const { committed } = await records.commit([
        {
          sql: `UPDATE runs SET cancel_at = ? WHERE id = ? AND (state = 'running' OR EXISTS (SELECT 1 FROM steps WHERE ${open}))`,
          params: [nowMs, id, id],
          rows: 1,
        },
        { sql: `UPDATE steps SET cancel_at = ? WHERE ${open}`, params: [nowMs, id] },
      ]);
      if (!committed && (await records.query("SELECT 1 FROM runs WHERE id = ?", [id])).length === 0) throw unknownRun(id);
      if (committed) await see();
      return committed;
    },

    async pause(what, name, actor) {
      if (what === "pool") requirePool(pools, name);
      else await requireRunning(name);
      const sql = "INSERT INTO pauses (what, name, since, actor) VALUES (?, ?, ?, ?) ON CONFLICT (what, name) DO NOTHING";
      return (await records.commit([{ sql, params: [what, name, clock(), actor], rows: 1 }])).committed;
    },

    async resume(what, name) {
      const sql = "DELETE FROM pauses WHERE what = ? AND name = ?";
      const { committed } = await records.commit([{ sql, params: [what, name], rows: 1 }]);
      queue.nudge();
      return committed;
    },

    listPauses: () => records.query<Pause>("SELECT what, name, since, actor FROM pauses ORDER BY since, what, name"),
  };

  async function requireRunning(id: string): Promise<void> {
    const [run] = await records.query<{ state: string }>("SELECT state FROM runs WHERE id = ?", [id]);
    if (!run) throw unknownRun(id);
    if (run.state !== "running") throw endedRun(id, run.state);
  }

  /** Those that are looked after here need not wait for the next look. */
  async function see(): Promise<void> {
    queue.nudge();
    await pulse.look();
  }
}

const endedRun = (id: string, state: string) =>
  new MillError("run.ended", `The run ${id} has ended: ${state}.`, {
    expected: "a run that is running",
    got: state,
    fix: "Pause a pool to hold back the runs that come, or run the same targets again: what is done is kept.",
  });
