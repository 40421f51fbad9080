import { MillError } from "../../base/index.ts";
import type { Handlers } from "../../contract/index.ts";
import type { Audit } from "./audit.ts";

export const auditVerbs = (audit: Pick<Audit, "list" | "verify">): Pick<Handlers, "listAudit" | "verifyAudit"> => ({
  async listAudit({ limit, cursor, actor, verb, since }) {
    const rows = await audit.list({
      limit: limit! + 1,
      before: cursor === undefined ? undefined : seqOf(cursor),
      actor,
      verb,
      since: since === undefined ? undefined : timeOf(since),
    });
    const items = rows.slice(0, limit!).map(({ at, previous: _, digest: __, ...row }) => ({
      ...row,
      at: new Date(at).toISOString(),
    }));
    return { items, next: rows.length > limit! ? String(items.at(-1)!.seq) : null };
  },
  async verifyAudit() {
    const state = await audit.verify();
    if (state.whole) return { whole: true, rows: state.rows, anchored: state.anchored ?? null, why: null };
    return { whole: false, rows: state.seq - 1, anchored: null, why: `row ${state.seq}: ${state.why}` };
  },
});

function seqOf(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new MillError("request.bad-cursor", "The cursor is not one that this list gave.", {
    got: cursor,
    fix: "Use `next` of the page before, or leave it out.",
  });
}

function timeOf(since: string): number {
  const time = Date.parse(/^\d{4}-\d{2}-\d{2}(T[\d:.]+)?$/.test(since) ? `${since}${since.includes("T") ? "Z" : ""}` : since);
  if (Number.isFinite(time)) return time;
  throw new MillError("request.invalid", `"listAudit" at since: expected a time, got ${JSON.stringify(since)}.`, {
    at: "since",
    expected: "2026-01-31, or 2026-01-31T08:00:00Z",
    got: since,
    fix: "Write the time so, in UTC.",
  });
}
