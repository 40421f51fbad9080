/**
 * What was done, by whom, in a chain: each row's digest covers the row and the digest before it, so that a changed, missing or added row is found.
 *
 *     row 1  digest = H(row 1, 000..)      row 2  digest = H(row 2, digest 1)      ...
 */
import { digestOfJson, type Json } from "../base/index.ts";
import type { Records, Statement } from "../ports/records/index.ts";

export interface AuditEntry {
  readonly actor: string;
  readonly verb: string;
  readonly target: string | null;
  /** `asked`, `done`, `refused`, `failed CODE` or `left` (the asker of a stream went away). */
  readonly outcome: string;
  readonly detail: Json;
}

export interface AuditRow extends AuditEntry {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly previous: string;
  readonly digest: string;
}

export type ChainState =
  | { readonly whole: true; readonly rows: number }
  | { readonly whole: false; readonly seq: number; readonly why: string };

export interface Audit {
  /** Durable when it resolves; entries keep the order of the calls. */
  record(entry: AuditEntry): Promise<void>;
  /** Reads the whole chain. */
  verify(): Promise<ChainState>;
  list(page: { readonly limit: number; readonly before?: number }): Promise<AuditRow[]>;
}

const GENESIS = `sha256:${"0".repeat(64)}`;
const PAGE = 1000;

export function createAudit({ records, now = Date.now }: { readonly records: Records; readonly now?: () => number }): Audit {
  let last: Link | null = null;
  let queue: Promise<void> = Promise.resolve();

  const append = async (entry: AuditEntry): Promise<void> => {
    last ??= await lastLink(records);
    for (;;) {
      const row = chained(entry, last, now());
      const outcome = await records.commit([insert(row)]);
      if (outcome.committed) {
        last = row;
        return;
      }
      last = await lastLink(records);
    }
  };

  const read = async (where: string, params: readonly number[]): Promise<AuditRow[]> => {
    const rows = await records.query<StoredRow>(`SELECT * FROM audit ${where}`, params);
    return rows.map(({ detail, ...row }) => ({ ...row, detail: detail === null ? null : JSON.parse(detail) }));
  };

  return {
    record(entry) {
      const recorded = queue.then(() => append(entry));
      queue = recorded.catch(() => {
        last = null;
      });
      return recorded;
    },

    async verify() {
      let link: Link = { seq: 0, digest: GENESIS };
      for (;;) {
        const rows = await read("WHERE seq > ? ORDER BY seq LIMIT ?", [link.seq, PAGE]);
        for (const row of rows) {
          const why = fault(row, link);
          if (why) return { whole: false, seq: row.seq, why };
          link = row;
        }
        if (rows.length < PAGE) return { whole: true, rows: link.seq };
      }
    },

    list: ({ limit, before = Number.MAX_SAFE_INTEGER }) => read("WHERE seq < ? ORDER BY seq DESC LIMIT ?", [before, limit]),
  };
}

interface Link {
  readonly seq: number;
  readonly digest: string;
}

type StoredRow = Omit<AuditRow, "detail"> & { readonly detail: string | null };

async function lastLink(records: Records): Promise<Link> {
  const [row] = await records.query<Link>("SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1");
  return row ?? { seq: 0, digest: GENESIS };
}

function chained({ actor, verb, target, outcome, detail }: AuditEntry, { seq, digest }: Link, at: number): AuditRow {
  const row = { seq: seq + 1, at, actor, verb, target, outcome, detail, previous: digest };
  return { ...row, digest: digestOfJson(row) };
}

/** Guarded by the number of the row before: a second writer's row makes it try again, never fork the chain. */
const insert = ({ seq, at, actor, verb, target, outcome, detail, previous, digest }: AuditRow): Statement => ({
  sql: `INSERT INTO audit (seq, at, actor, verb, target, outcome, detail, previous, digest)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE (SELECT COALESCE(MAX(seq), 0) FROM audit) = ?`,
  params: [seq, at, actor, verb, target, outcome, detail === null ? null : JSON.stringify(detail), previous, digest, seq - 1],
  rows: 1,
});

function fault({ digest, ...row }: AuditRow, before: Link): string | null {
  if (row.seq !== before.seq + 1) return `row ${before.seq + 1} is missing`;
  if (row.previous !== before.digest) return "it does not follow the row before it";
  return digestOfJson(row) === digest ? null : "its content was changed";
}
