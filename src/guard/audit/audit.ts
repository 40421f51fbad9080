/** What was done, by whom, in a chain (`chain.ts`) whose end is sealed outside of the records (`anchor.ts`). */
import { canonicalJson, type Json } from "../../base/index.ts";
import type { Param, Records, Statement } from "../../ports/records/index.ts";
import type { AuditAnchor } from "./anchor.ts";
import { type ChainState, digestOfRow, GENESIS, type Link, type StoredRow, verifyChain } from "./chain.ts";

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

export interface AuditPage {
  readonly limit: number;
  /** Number of the last row seen. */
  readonly before?: number | undefined;
  readonly actor?: string | undefined;
  readonly verb?: string | undefined;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
}

export interface Audit {
  /** Durable when it resolves; entries keep the order of the calls. */
  record(entry: AuditEntry): Promise<void>;
  /** Reads the whole chain, and holds it against the anchor. */
  verify(): Promise<ChainState>;
  /** Newest first. */
  list(page: AuditPage): Promise<AuditRow[]>;
}

export interface AuditOptions {
  readonly records: Records;
  /** Left out: rows that are cut off at the end are not missed. */
  readonly anchor?: AuditAnchor;
  readonly now?: () => number;
}

/** Several writers of the same records, in whatever process, write one chain. */
export function createAudit({ records, anchor, now = Date.now }: AuditOptions): Audit {
  let last: Link | null = null;
  let queue: Promise<void> = Promise.resolve();
  /** Whether the chain is the one that the anchor knows; where it is not, the anchor stays as it is, to tell. */
  let isKept = false;

  const append = async (entry: AuditEntry): Promise<void> => {
    for (;;) {
      last ??= await catchUp();
      const row = chained(entry, last, now());
      if ((await records.commit([insert(row)])).committed) {
        last = row;
        if (isKept) anchor?.renew(row);
        return;
      }
      last = null;
    }
  };

  const catchUp = async (): Promise<Link> => {
    const [end = GENESIS] = await records.query<Link>("SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1");
    const known = anchor?.link ?? GENESIS;
    const [there] = await records.query<Link>("SELECT seq, digest FROM audit WHERE seq = ?", [known.seq]);
    isKept = known.seq === 0 || there?.digest === known.digest;
    if (!anchor || anchor.link !== null || end.seq === 0) return end;
    const row = chained(anchoredAnew(anchor.why), end, now());
    if (!(await records.commit([insert(row)])).committed) return catchUp();
    anchor.renew(row);
    return row;
  };

  return {
    record(entry) {
      const recorded = queue.then(() => append(entry));
      queue = recorded.catch(() => {
        last = null;
      });
      return recorded;
    },
    verify: () => verifyChain(records, anchor?.link ?? null),
    async list({ limit, ...page }) {
      const { where, params } = filter(page);
      const rows = await records.query<StoredRow>(`SELECT * FROM audit WHERE ${where} ORDER BY seq DESC LIMIT ?`, [
        ...params,
        limit,
      ]);
      return rows.map(({ detail, ...row }) => ({ ...row, detail: detail === null ? null : JSON.parse(detail) }));
    },
  };
}

/** Whoever takes the anchor away leaves this. */
const anchoredAnew = (why: string | null): AuditEntry => ({
  actor: "millwright",
  verb: "anchorAudit",
  target: null,
  outcome: "done",
  detail: { why },
});

function chained({ actor, verb, target, outcome, detail }: AuditEntry, { seq, digest }: Link, at: number): StoredRow {
  const text = detail === null ? null : canonicalJson(detail);
  const row = { seq: seq + 1, at, actor, verb, target, outcome, detail: text, previous: digest };
  return { ...row, digest: digestOfRow(row) };
}

/** Guarded by the number of the row before: a second writer's row makes it try again, never fork the chain. */
const insert = ({ seq, at, actor, verb, target, outcome, detail, previous, digest }: StoredRow): Statement => ({
  sql: `INSERT INTO audit (seq, at, actor, verb, target, outcome, detail, previous, digest)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE (SELECT COALESCE(MAX(seq), 0) FROM audit) = ?`,
  params: [seq, at, actor, verb, target, outcome, detail, previous, digest, seq - 1],
  rows: 1,
});

function filter({ before = Number.MAX_SAFE_INTEGER, actor, verb, since }: Omit<AuditPage, "limit">) {
  const asked: readonly [sql: string, value: Param | undefined][] = [
    ["seq < ?", before],
    ["actor = ?", actor],
    ["verb = ?", verb],
    ["at >= ?", since],
  ];
  const said = asked.filter((one): one is [string, Param] => one[1] !== undefined);
  return { where: said.map(([sql]) => sql).join(" AND "), params: said.map(([, value]) => value) };
}
