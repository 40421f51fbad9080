/**
 * Whether this workspace is a copy: one that was restored from a backup, beside a source that may still work. Until somebody says that it takes over, a
 * copy tells nobody outside anything and starts nothing by itself, so that nothing is told or done twice.
 */
import type { Records, Statement } from "./records.ts";

export interface Copy {
  /** When the backup was taken: ISO 8601. */
  readonly takenAt: string;
  /** Milliseconds since 1970. */
  readonly restoredAt: number;
}

/** null: it is none, or has taken over. */
export async function copyStanding(records: Pick<Records, "query">): Promise<Copy | null> {
  const [copy] = await records.query<Copy>(`SELECT taken_at AS "takenAt", restored_at AS "restoredAt" FROM restored_copy`);
  return copy ?? null;
}

export const becomesCopy = ({ takenAt, restoredAt }: Copy): Statement => ({
  sql: `INSERT INTO restored_copy (only_row, taken_at, restored_at) VALUES (1, ?, ?)
    ON CONFLICT (only_row) DO UPDATE SET taken_at = excluded.taken_at, restored_at = excluded.restored_at`,
  params: [takenAt, restoredAt],
});

export const takesOver: Statement = { sql: "DELETE FROM restored_copy" };
