/** What a repository's rule keeps of its history. The rule is JSON in the row of the repository; none keeps everything. */
import { MillError } from "../../base/index.ts";
import type { Records } from "../../ports/records/index.ts";
import { matchesPattern } from "../patterns.ts";
import { unknownRef } from "../repositories/branch-state.ts";

export interface Retention {
  /** Of every branch that `branches` does not name, and of commits that no branch leads to any more; none: for ever. */
  readonly keepDays?: number;
  /** By a branch's name or a pattern with `*`; the first that fits counts. */
  readonly branches?: Readonly<Record<string, number>>;
  /** Whether tagged commits stay; default: they do. */
  readonly keepTags?: boolean;
}

/** What the journals' data sets begin with: each version is a commit, and a part that was merged into a longer one is needed by old versions alone. */
export const JOURNAL_RETENTION: Retention = { keepDays: 7, keepTags: false };

const DAYS_MAX = 36_500;

/** Errors: `lake.bad-retention`. */
export function checkRetention(rule: Retention): Retention {
  for (const [where, days] of [["keepDays", rule.keepDays ?? 0] as const, ...Object.entries(rule.branches ?? {})])
    if (typeof days !== "number" || !(days >= 0 && days <= DAYS_MAX))
      throw new MillError("lake.bad-retention", `A retention rule cannot keep "${days}" days.`, {
        at: where,
        expected: `a number of days from 0 to ${DAYS_MAX}`,
        got: String(days),
        fix: "Correct the number; leave it out to keep everything.",
      });
  return rule;
}

/** null: for ever. */
export function daysOf({ keepDays, branches = {} }: Retention, branch: string): number | null {
  const named = Object.hasOwn(branches, branch)
    ? branch
    : Object.keys(branches).find((pattern) => matchesPattern(pattern, branch));
  return (named === undefined ? keepDays : branches[named]) ?? null;
}

/** null: it keeps everything. Errors: `lake.unknown-repository`. */
export async function readRetention(records: Records, repository: string): Promise<Retention | null> {
  const [row] = await records.query<{ retention: string | null }>("SELECT retention FROM repositories WHERE name = ?", [
    repository,
  ]);
  if (!row) throw await unknownRef(records, repository, "");
  return parsed(row.retention);
}

/** Errors: `lake.unknown-repository`, `lake.bad-retention`. */
export async function writeRetention(records: Records, repository: string, rule: Retention | null): Promise<void> {
  const text = rule && JSON.stringify(checkRetention(rule));
  const { committed } = await records.commit([
    { sql: "UPDATE repositories SET retention = ? WHERE name = ?", params: [text, repository], rows: 1 },
  ]);
  if (!committed) throw await unknownRef(records, repository, "");
}

/** Gives a repository that has none its first one. */
export async function startRetention(records: Records, repository: string, rule: Retention): Promise<void> {
  await records.commit([
    {
      sql: "UPDATE repositories SET retention = ? WHERE name = ? AND retention IS NULL",
      params: [JSON.stringify(checkRetention(rule)), repository],
    },
  ]);
}

/** Repositories that have one. */
export async function readRetentions(records: Records): Promise<{ readonly repository: string; readonly rule: Retention }[]> {
  const rows = await records.query<{ name: string; retention: string }>(
    "SELECT name, retention FROM repositories WHERE retention IS NOT NULL ORDER BY name",
  );
  return rows.map(({ name, retention }) => ({ repository: name, rule: parsed(retention)! }));
}

const parsed = (text: string | null): Retention | null => (text === null ? null : (JSON.parse(text) as Retention));
