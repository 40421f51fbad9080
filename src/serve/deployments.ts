/** What endpoints answer with, as rows: the version that is deployed, how it came about, and the rollout under way. */
import { didYouMean, MillError } from "../base/index.ts";
import type { Records, Statement } from "../ports/records/index.ts";
import type { By } from "../registry/index.ts";
import type { Rollout } from "./rollout.ts";

/** Which version an endpoint answers with. */
export interface Deployment {
  readonly name: string;
  readonly model: string;
  readonly version: number;
  /** What it answered with before: where a rollback leads. */
  readonly previous: number | null;
  readonly changedAt: number;
}

/** A rollout but for what is counted in memory. */
export type RolloutRow = Omit<Rollout, "share" | "candidate" | "champion">;

export interface Deployments {
  all(): Promise<Deployment[]>;
  /** Errors: `endpoint.unknown`. */
  find(name: string): Promise<Deployment>;
  /** Oldest first. */
  history(name: string): Promise<{ model: string; version: number; at: number; actor: string; why: string }[]>;
  rollout(name: string): Promise<RolloutRow | null>;
}

export function createDeployments(records: Records): Deployments {
  const all = () =>
    records.query<Deployment>(`SELECT name, model, version, previous, changed_at AS "changedAt" FROM endpoints ORDER BY name`);
  return {
    all,
    async find(name) {
      const known = await all();
      const found = known.find((one) => one.name === name);
      if (found) return found;
      const names = known.map((one) => one.name);
      throw new MillError("endpoint.unknown", `There is no endpoint "${name}".${didYouMean(name, names)}`, {
        expected: names.join(", ") || "an endpoint whose model has passed its gate",
        got: name,
        fix: "Define it in mill.ts and run `mill run`; `mill status` lists what is deployed.",
      });
    },
    history: (name) =>
      records.query("SELECT model, version, at, actor, why FROM endpoint_history WHERE name = ? ORDER BY at", [name]),
    async rollout(name) {
      const [row] = await records.query<Omit<RolloutRow, "steps"> & { readonly steps: string }>(
        `SELECT model, version, base, steps, step, hold_micros AS "holdMicros", since_as_of AS "sinceAsOf", since_at AS "sinceAt",
          started_at AS "startedAt" FROM rollouts WHERE endpoint = ?`,
        [name],
      );
      return row ? { ...row, steps: JSON.parse(row.steps) } : null;
    },
  };
}

/** Points an endpoint at a version; a rollout that is under way ends with it. */
export function pointAt(to: Omit<Deployment, "changedAt">, by: By, at: number): Statement[] {
  const { name, model, version, previous } = to;
  return [
    { sql: "DELETE FROM rollouts WHERE endpoint = ?", params: [name] },
    { sql: "DELETE FROM endpoints WHERE name = ?", params: [name] },
    {
      sql: "INSERT INTO endpoints (name, model, version, previous, changed_at) VALUES (?, ?, ?, ?, ?)",
      params: [name, model, version, previous, at],
      rows: 1,
    },
    {
      // Later than all before it, whatever the clock says.
      sql: `INSERT INTO endpoint_history (name, model, version, at, actor, why)
        SELECT ?, ?, ?, CASE WHEN newest >= ? THEN newest + 1 ELSE ? END, ?, ?
        FROM (SELECT coalesce(max(at), 0) AS newest FROM endpoint_history WHERE name = ?) AS before`,
      params: [name, model, version, at, at, by.actor, by.why, name],
      rows: 1,
    },
  ];
}

/** Holds only while the base is what the endpoint answers with and no other rollout is under way. */
export function beginRollout(name: string, row: RolloutRow): Statement {
  const { model, version, base, steps, holdMicros, step, sinceAsOf, sinceAt, startedAt } = row;
  return {
    sql: `INSERT INTO rollouts (endpoint, model, version, base, steps, hold_micros, step, since_as_of, since_at, started_at)
      SELECT name, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM endpoints
      WHERE name = ? AND model = ? AND version = ? AND NOT EXISTS (SELECT 1 FROM rollouts WHERE endpoint = ?)`,
    params: [
      ...[model, version, base, JSON.stringify(steps), holdMicros, step, sinceAsOf, sinceAt, startedAt],
      ...[name, model, base, name],
    ],
    rows: 1,
  };
}

export const moveRollout = (name: string, { version, step, sinceAsOf, sinceAt }: RolloutRow): Statement => ({
  sql: "UPDATE rollouts SET step = ?, since_as_of = ?, since_at = ? WHERE endpoint = ? AND version = ?",
  params: [step, sinceAsOf, sinceAt, name, version],
  rows: 1,
});

export const endRollout = (name: string, { version }: RolloutRow): Statement => ({
  sql: "DELETE FROM rollouts WHERE endpoint = ? AND version = ?",
  params: [name, version],
  rows: 1,
});
