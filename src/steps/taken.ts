/** What whole attempts took: the ground that forecasts stand on. */
import type { Records } from "../ports/records/index.ts";
import type { Meters } from "./attempt-folder.ts";

export interface Taken {
  readonly target: string;
  readonly runId: string | null;
  readonly meters: Meters;
}

/**
 * The newest attempts that succeeded, newest first: of a kind, or of a kind and target. One that took up what an earlier attempt had left
 * tells less than the whole, and is not among them.
 */
export async function takenBy(
  records: Records,
  { kind, target }: { readonly kind: string; readonly target?: string },
  limit: number,
): Promise<Taken[]> {
  const rows = await records.query<{ target: string; runId: string | null; meters: string }>(
    `SELECT s.target AS target, s.run_id AS "runId", a.meters AS meters FROM steps s JOIN attempts a ON a.step_id = s.id AND a.fence = s.fence
      WHERE s.kind = ?${target === undefined ? "" : " AND s.target = ?"} AND s.state = 'succeeded' AND s.fence = 1 AND a.meters IS NOT NULL
      ORDER BY s.id DESC LIMIT ?`,
    [kind, ...(target === undefined ? [] : [target]), limit],
  );
  return rows.map(({ meters, ...row }) => ({ ...row, meters: JSON.parse(meters) as Meters }));
}
