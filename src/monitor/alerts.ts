/**
 * The book of alerts: what is wrong, since when, and when it was over; on record, so that a restart changes nothing.
 *
 *     finding --> opens --> seen again ... --> gone for two looks and ten minutes of data --> closes
 *                   ^                                                                           |
 *                   '---- comes back within a day of data: the same alert, nobody is told ------'
 *
 * Opening and closing are told to the endpoint's story and put into the outbox in the same commit. What cannot be put on record, as on a full disk,
 * is open all the same, and put there as soon as it can be.
 */
import { createQueues, DAY_MICROS, formatSpan, type Json, MINUTE_MICROS, MillError, newId } from "../base/index.ts";
import { ALERT_KINDS, type Alert } from "../contract/index.ts";
import type { Outbox } from "../ports/notices/index.ts";
import type { Records, Statement } from "../ports/records/index.ts";
import type { Story } from "../serve/index.ts";
import { type Claim, causesOf, type Explained, type Explainer } from "./alerts-causes.ts";
import type { AlertKind, Finding } from "./finding.ts";
import { momentOf } from "./words.ts";

export interface Alerts {
  /**
   * `findings`: all that hold now by this source, at the data time `asOf` (microseconds; null before there is one).
   * Observations of one endpoint follow each other, whoever makes them.
   */
  observe(endpoint: string, source: string, findings: readonly Finding[], asOf: number | null): Promise<Observed>;
  /** What to look at first comes first: by kind, then by severity. */
  open(endpoint: string): Promise<Alert[]>;
  /** Newest first. Errors: `request.bad-cursor`. */
  list(page: AlertPage): Promise<{ readonly items: Alert[]; readonly next: string | null }>;
}

/** Causes. */
export interface Observed {
  readonly opened: readonly string[];
  readonly reopened: readonly string[];
  readonly closed: readonly string[];
}

export interface AlertPage {
  readonly endpoint?: string | undefined;
  readonly state?: "open" | "closed" | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface AlertsResources {
  readonly records: Records;
  readonly story: Story;
  readonly outbox: Outbox;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
}

/** Gone for so many looks and so much data time: over. */
const MISSES_MIN = 2;
const HOLD_MICROS = 10 * MINUTE_MICROS;
/** Back within so much data time: the same. */
const REOPEN_MICROS = DAY_MICROS;
/** What was broken explains what scans find of it for so long. */
const EXPLAINS_MICROS = 3 * DAY_MICROS;
const RECENT_MAX = 1000;
/** What is on record of an alert that goes on is at most so old, or so far from what is found. */
const STALE_MICROS = MINUTE_MICROS;
const STALE_SEVERITY = 0.05;

interface AlertRow {
  readonly id: string;
  readonly endpoint: string;
  readonly source: string;
  readonly cause: string;
  readonly kind: AlertKind;
  readonly severity: number;
  readonly sentence: string;
  readonly detail: string;
  readonly openedAt: number;
  readonly openedAsOf: number | null;
  readonly seenAsOf: number | null;
  readonly closedAt: number | null;
  readonly closedAsOf: number | null;
}

const COLUMNS = `id, endpoint, source, cause, kind, severity, sentence, detail, opened_at AS "openedAt", opened_as_of AS "openedAsOf",
  seen_as_of AS "seenAsOf", closed_at AS "closedAt", closed_as_of AS "closedAsOf"`;

export function createAlerts({ records, story, outbox, now }: AlertsResources): Alerts {
  const queued = createQueues();
  /** Looks without it, by alert; begins anew after a restart. */
  const misses = new Map<string, number>();
  /** Endpoints that are known to have nothing open: most looks find that so. */
  const calm = new Set<string>();
  /** Found, and not yet on record, by endpoint. */
  const unwritten = new Map<string, readonly AlertRow[]>();
  const unwrittenOf = (endpoint: string | undefined) =>
    endpoint === undefined ? [...unwritten.values()].flat() : (unwritten.get(endpoint) ?? []);

  const observe = async (
    endpoint: string,
    source: string,
    findings: readonly Finding[],
    asOf: number | null,
  ): Promise<Observed> => {
    const nothing = { opened: [], reopened: [], closed: [] };
    if (findings.length === 0 && calm.has(endpoint)) return nothing;
    const book = await recent(endpoint, asOf);
    const standing = book.filter((row) => isOpen(row) || mayReopen(row, asOf));
    const { claims, explained } = causesOf(findings, {
      ...{ explainers: book.flatMap(explainerOf), asOf },
      standing: new Set(standing.map(({ cause }) => cause)),
    });
    const byCause = new Map([...standing].reverse().map((row) => [row.cause, row])); // the open one, or the newest
    const waiting = unwrittenOf(endpoint).filter(({ cause }) => !byCause.has(cause));
    const fresh = [
      ...claims
        .filter(({ cause }) => !byCause.has(cause))
        .map((claim) => rowOf(endpoint, source, claim, asOf, waiting.find(causedBy(claim)))),
      ...waiting.filter((row) => !claims.some(causedBy(row))), // over by now, but to be told
    ];
    const known = claims.flatMap((claim) => (byCause.has(claim.cause) ? [{ claim, row: byCause.get(claim.cause)! }] : []));
    const back = known.filter(({ row }) => !isOpen(row));
    const over = standing.filter((row) => isOpen(row) && row.source === source && isOver(row, claims, asOf));

    const statements = [
      ...over.flatMap((row) => closing(row, asOf)),
      ...back.map(({ claim, row }) => seen(row, claim, asOf, true)),
      ...known
        .filter(({ row, claim }) => isOpen(row) && isStale(row, claim, asOf))
        .map(({ claim, row }) => seen(row, claim, asOf, false)),
      ...book.flatMap((row) => explaining(row, explained.get(row.id) ?? [])),
      ...fresh.flatMap(opening),
    ];
    calm.delete(endpoint);
    if (fresh.length > 0) unwritten.set(endpoint, fresh);
    if (statements.length > 0) await commit(statements);
    unwritten.delete(endpoint);
    for (const { id } of over) misses.delete(id);
    const openCount = book.filter(isOpen).length - over.length + back.length + fresh.length;
    if (openCount === 0) calm.add(endpoint);
    return { opened: fresh.map(causeOf), reopened: back.map(({ row }) => row.cause), closed: over.map(causeOf) };
  };

  /** What is open, then what was not long ago, newest first. */
  const recent = (endpoint: string, asOf: number | null) =>
    records.query<AlertRow>(
      `SELECT ${COLUMNS} FROM alerts WHERE endpoint = ? AND (closed_at IS NULL OR closed_as_of >= ?)
        ORDER BY CASE WHEN closed_at IS NULL THEN 0 ELSE 1 END, id DESC LIMIT ?`,
      [endpoint, (asOf ?? 0) - EXPLAINS_MICROS, RECENT_MAX],
    );

  const commit = async (statements: readonly Statement[]) => {
    const outcome = await records.commit(statements);
    if (!outcome.committed) throw new Error(`statement ${outcome.statement} of an observation changed ${outcome.got} rows`);
  };

  /** Counts the look. */
  const isOver = (row: AlertRow, claims: readonly Claim[], asOf: number | null): boolean => {
    if (claims.some(({ cause }) => cause === row.cause)) {
      misses.delete(row.id);
      return false;
    }
    const count = (misses.get(row.id) ?? 0) + 1;
    misses.set(row.id, count);
    const held = asOf === null || row.seenAsOf === null || asOf - row.seenAsOf >= HOLD_MICROS;
    return count >= MISSES_MIN && held;
  };

  /** `before`: it was found then, and could not be put on record. */
  const rowOf = (endpoint: string, source: string, claim: Claim, asOf: number | null, before?: AlertRow): AlertRow => {
    const openedAt = before?.openedAt ?? now();
    const { cause, kind, severity, sentence } = claim;
    return {
      ...{ id: before?.id ?? newId(openedAt), endpoint, source, cause, kind, severity, sentence },
      detail: JSON.stringify(detailOf(claim, {})),
      ...{ openedAt, openedAsOf: before?.openedAsOf ?? asOf, seenAsOf: asOf, closedAt: null, closedAsOf: null },
    };
  };

  const opening = (row: AlertRow): Statement[] => {
    const { id, endpoint, source, cause, kind, severity, sentence, detail, openedAt: at, openedAsOf: asOf, seenAsOf } = row;
    const told = readDetail(row).since;
    const since = typeof told === "string" ? told : momentOf(asOf);
    const text = since === null ? sentence : `${sentence}; since ${since}`;
    return [
      {
        sql: `INSERT INTO alerts (id, endpoint, source, cause, kind, severity, sentence, detail, opened_at, opened_as_of, seen_as_of)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        params: [id, endpoint, source, cause, kind, severity, sentence, detail, at, asOf, seenAsOf],
        rows: 1,
      },
      story.statement(endpoint, { at, asOf, what: "alert", text }),
      ...notice("alert.opened", { id, endpoint, cause, kind, severity, sentence }, at, asOf),
    ];
  };

  /** `again`: it had been closed. */
  const seen = (row: AlertRow, claim: Claim, asOf: number | null, again: boolean): Statement => {
    const before = readDetail(row);
    const reopened = Number(before.reopened ?? 0) + (again ? 1 : 0);
    const detail = detailOf(claim, { ...before, ...(reopened > 0 ? { reopened } : {}) });
    return {
      sql: `UPDATE alerts SET severity = ?, sentence = ?, detail = ?, seen_as_of = ?, closed_at = NULL, closed_as_of = NULL
        WHERE id = ? AND closed_at IS ${again ? "NOT NULL" : "NULL"}`,
      params: [claim.severity, claim.sentence, JSON.stringify(detail), asOf, row.id],
      rows: 1,
    };
  };

  const closing = (row: AlertRow, asOf: number | null): Statement[] => {
    const at = now();
    const { id, endpoint, cause, kind, severity, sentence, openedAsOf, openedAt } = row;
    const span =
      asOf !== null && openedAsOf !== null ? `${formatSpan((asOf - openedAsOf) / 1000)} of data time` : formatSpan(at - openedAt);
    return [
      {
        sql: "UPDATE alerts SET closed_at = ?, closed_as_of = ? WHERE id = ? AND closed_at IS NULL",
        params: [at, asOf, id],
        rows: 1,
      },
      ...(readDetail(row).reopened === undefined
        ? [
            story.statement(endpoint, { at, asOf, what: "alert", text: `over after ${span}: ${sentence}` }),
            ...notice("alert.closed", { id, endpoint, cause, kind, severity, sentence }, at, asOf),
          ]
        : []),
    ];
  };

  const notice = (type: string, of: Readonly<Record<string, Json>>, at: number, asOf: number | null) =>
    outbox.statements(`alert/${of.endpoint}`, {
      type,
      timestamp: new Date(at).toISOString(),
      data: { ...of, asOf: momentOf(asOf) },
    });

  return {
    observe: (endpoint, source, findings, asOf) => queued(endpoint, () => observe(endpoint, source, findings, asOf)),
    async open(endpoint) {
      const rows = await records.query<AlertRow>(`SELECT ${COLUMNS} FROM alerts WHERE endpoint = ? AND closed_at IS NULL`, [
        endpoint,
      ]);
      return [...rows, ...unwrittenOf(endpoint)].sort(byRank).map(shown);
    },
    async list({ endpoint, state, limit = 100, cursor }) {
      if (cursor !== undefined && !/^[0-9a-f-]{36}$/.test(cursor)) throw badCursor(cursor);
      const conditions: readonly (readonly [sql: string, value: string | undefined])[] = [
        ["endpoint = ?", endpoint],
        ["id < ?", cursor],
      ];
      const given = conditions.filter(([, value]) => value !== undefined);
      const where = [...given.map(([sql]) => sql), ...(state ? [`closed_at IS ${state === "open" ? "" : "NOT "}NULL`] : [])];
      const rows = await records.query<AlertRow>(
        `SELECT ${COLUMNS} FROM alerts ${where.length ? `WHERE ${where.join(" AND ")}` : ""} ORDER BY id DESC LIMIT ?`,
        [...given.map(([, value]) => value!), limit + 1],
      );
      const waiting = unwrittenOf(endpoint).filter(({ id }) => state !== "closed" && (cursor === undefined || id < cursor));
      const found = [...waiting, ...rows].sort((a, b) => (a.id < b.id ? 1 : -1));
      const items = found.slice(0, limit).map(shown);
      return { items, next: found.length > limit ? items.at(-1)!.id : null };
    },
  };
}

const isOpen = ({ closedAt }: AlertRow) => closedAt === null;
const causedBy =
  ({ cause }: { readonly cause: string }) =>
  (other: { readonly cause: string }) =>
    other.cause === cause;
const causeOf = ({ cause }: { readonly cause: string }) => cause;

const mayReopen = ({ closedAsOf }: AlertRow, asOf: number | null) =>
  closedAsOf !== null && asOf !== null && asOf - closedAsOf < REOPEN_MICROS;

/** Kinds that explain others, while they were open. */
function explainerOf(row: AlertRow): Explainer[] {
  if (row.kind !== "loss" && row.kind !== "feed") return [];
  const { columns } = readDetail(row);
  const from = row.openedAsOf ?? Number.NEGATIVE_INFINITY;
  return [{ id: row.id, columns: Array.isArray(columns) ? columns.map(String) : [], from, to: row.closedAsOf }];
}

const isStale = (row: AlertRow, { severity, explains }: Claim, asOf: number | null) =>
  (asOf !== null && (row.seenAsOf === null || asOf - row.seenAsOf >= STALE_MICROS)) ||
  Math.abs(severity - row.severity) >= STALE_SEVERITY ||
  explains.some(({ cause }) => !explainsOf(row).some((one) => one.cause === cause));

/** What an alert of another source was found to explain is added to it. */
function explaining(row: AlertRow, more: readonly Explained[]): Statement[] {
  const before = explainsOf(row);
  if (more.every(({ cause }) => before.some((one) => one.cause === cause))) return [];
  const detail = { ...readDetail(row), explains: merged(before, more) };
  return [{ sql: "UPDATE alerts SET detail = ? WHERE id = ?", params: [JSON.stringify(detail), row.id], rows: 1 }];
}

/** `before`: what is kept of an alert that goes on. */
function detailOf(claim: Claim, before: Readonly<Record<string, Json>>): Record<string, Json> {
  const explains = merged((before.explains ?? []) as unknown as readonly Explained[], claim.explains);
  return {
    ...claim.detail,
    columns: [...claim.columns],
    ...(before.reopened === undefined ? {} : { reopened: before.reopened }),
    ...(explains.length === 0 ? {} : { explains }),
  };
}

const readDetail = ({ detail }: AlertRow): Record<string, Json> => JSON.parse(detail);
const explainsOf = (row: AlertRow) => (readDetail(row).explains ?? []) as unknown as readonly Explained[];
const merged = (before: readonly Explained[], more: readonly Explained[]): { cause: string; sentence: string }[] => [
  ...new Map([...before, ...more].map((one) => [one.cause, { ...one }])).values(),
];

const byRank = (a: AlertRow, b: AlertRow) =>
  ALERT_KINDS.indexOf(a.kind) - ALERT_KINDS.indexOf(b.kind) || b.severity - a.severity || (a.id < b.id ? -1 : 1);

function shown(row: AlertRow): Alert {
  const { id, endpoint, kind, cause, severity, sentence, openedAt, closedAt } = row;
  return {
    ...{ id, endpoint, kind, cause, severity, sentence, detail: readDetail(row) },
    openedAt: new Date(openedAt).toISOString(),
    openedAsOf: momentOf(row.openedAsOf),
    seenAsOf: momentOf(row.seenAsOf),
    closedAt: closedAt === null ? null : new Date(closedAt).toISOString(),
    closedAsOf: momentOf(row.closedAsOf),
  };
}

const badCursor = (cursor: string) =>
  new MillError("request.bad-cursor", "The cursor is not one that a page of alerts gave.", {
    at: "/cursor",
    expected: "`next` of the page before",
    got: cursor.slice(0, 60),
    fix: "Start again without a cursor.",
  });
