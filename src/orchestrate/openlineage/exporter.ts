/**
 * Tells others what runs, as OpenLineage events read off the ledger's rows: START and one of COMPLETE, FAIL, ABORT for each run and step. What was told is
 * on record, in the same commit as the notice on its way out: each event goes out at least once, in order within a run, whatever restarts.
 * Runs from before it was switched on are not told.
 */
import { type Digest, type ErrorJson, type Json, newId } from "../../base/index.ts";
import { createOutbox, type Notices } from "../../ports/notices/index.ts";
import type { Statement } from "../../ports/records/index.ts";
import { definitionsNamed } from "../definitions/versions.ts";
import { buildGraph } from "../graph.ts";
import type { Workspace } from "../workspace.ts";
import { type AskedGraph, datasetsOf } from "./datasets.ts";
import { type EventType, type Happening, runEvent, type Teller } from "./event.ts";

export interface LineageExporter {
  /** Puts what has happened on its way, and sends what is due. */
  look(): Promise<void>;
}

/** Ids carry the clock of the server that made them: rows that much older than the last may still come. */
const SKEW_MS = 3_600_000;
/** What has not ended after so long is not waited for any more; what was told is forgotten a day later. */
const OPEN_MAX_MS = 7 * 24 * 3_600_000;
const KEPT_MS = OPEN_MAX_MS + 24 * 3_600_000;
const ROWS_MAX = 200;
const TOPICS = "openlineage/";
const SINCE = "since";

interface Row {
  readonly id: string;
  readonly state: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly error: string | null;
  readonly told: EventType | null;
}
interface RunRow extends Row {
  readonly targets: string;
}
interface StepRow extends Row {
  readonly key: string;
  readonly kind: string;
  readonly target: string;
  readonly input: string;
  readonly runId: string | null;
  readonly runTargets: string | null;
  readonly definitions: Digest | null;
}

/** A refusal is a result. A lost step is taken up again, and has not ended. */
const ENDS: Readonly<Record<string, EventType>> = {
  succeeded: "COMPLETE",
  refused: "COMPLETE",
  failed: "FAIL",
  cancelled: "ABORT",
};

export function createLineageExporter(workspace: Workspace, notices: Notices, teller: Teller): LineageExporter {
  const { records, ledger, now } = workspace;
  const outbox = createOutbox({ records, notices, now, topics: TOPICS });
  let looking: Promise<void> | null = null;
  let forgotAt = Number.NEGATIVE_INFINITY;

  const lookAll = async () => {
    try {
      const from = await firstId();
      for (let told = true; told; ) told = await tellRuns(from);
      for (let told = true; told; ) told = await tellSteps(from);
      await forget();
    } finally {
      await outbox.flush(); // also while steps of older runs cannot be told because mill.ts has a slip
    }
  };

  /** The id from which on rows may have something untold. */
  const firstId = async (): Promise<string> => {
    const [seen] = await records.query<{ since: number | null; open: string | null; last: number | null }>(
      `SELECT min(CASE WHEN subject = ? THEN at END) AS since, min(CASE WHEN event = 'START' THEN subject END) AS open, max(at) AS last FROM lineage_events`,
      [SINCE],
    );
    if (seen!.since === null) {
      const sql = "INSERT INTO lineage_events (subject, event, at) VALUES (?, 'SINCE', ?) ON CONFLICT (subject) DO NOTHING";
      await records.commit([{ sql, params: [SINCE, now()] }]);
      return idOf(now());
    }
    const recent = idOf(Math.max(seen!.since, seen!.last! - SKEW_MS));
    const open = seen!.open === null ? recent : [seen!.open, idOf(seen!.last! - OPEN_MAX_MS)].toSorted()[1]!;
    return open < recent ? open : recent;
  };

  /** Told so long ago that no look goes back to it. */
  const forget = async () => {
    if (now() - forgotAt < SKEW_MS) return;
    forgotAt = now();
    const sql = `DELETE FROM lineage_events WHERE subject <> ? AND subject < ? AND at < (SELECT max(at) FROM lineage_events) - ?`;
    await records.commit([{ sql, params: [SINCE, idOf(now() - KEPT_MS), KEPT_MS] }]);
  };

  const tellRuns = async (from: string): Promise<boolean> => {
    const rows = await records.query<RunRow>(
      `SELECT r.id AS id, r.state AS state, r.started_at AS "startedAt", r.ended_at AS "endedAt", r.error AS error, l.event AS told, r.targets AS targets
        FROM runs r LEFT JOIN lineage_events l ON l.subject = r.id
        WHERE r.id >= ? AND (l.event IS NULL OR (l.event = 'START' AND r.state <> 'running')) ORDER BY r.id LIMIT ?`,
      [from, ROWS_MAX],
    );
    for (const row of rows)
      await tell(row, row.id, row.state === "lost" ? "ABORT" : ENDS[row.state], {
        ...{ runId: row.id, job: jobOf(row.targets), jobType: "RUN", parent: null, inputs: [], outputs: [] },
      });
    return rows.length === ROWS_MAX;
  };

  const tellSteps = async (from: string): Promise<boolean> => {
    const rows = await records.query<StepRow>(
      `SELECT s.id AS id, s.state AS state, s.created_at AS "startedAt", s.ended_at AS "endedAt", s.error AS error, l.event AS told, s.step_key AS key,
          s.kind AS kind, s.target AS target, s.input AS input, s.run_id AS "runId", r.targets AS "runTargets", r.definitions AS definitions
        FROM steps s LEFT JOIN lineage_events l ON l.subject = s.id LEFT JOIN runs r ON r.id = s.run_id
        WHERE s.id >= ? AND ((l.event IS NULL AND s.state NOT IN ('queued', 'lost')) OR (l.event = 'START' AND s.state IN ('succeeded', 'failed', 'cancelled')))
        ORDER BY s.id LIMIT ?`,
      [from, ROWS_MAX],
    );
    const asked = new Map<Digest | null, ReturnType<typeof graphOf>>();
    for (const { key, kind, target, input, runId, runTargets, definitions, ...row } of rows) {
      const found = asked.get(definitions) ?? graphOf(definitions);
      asked.set(definitions, found);
      await tell(row, runId ?? row.id, ENDS[row.state], {
        ...{ runId: row.id, job: `${target}:${kind}`, jobType: "STEP" },
        parent: runId === null || runTargets === null ? null : { runId, job: jobOf(runTargets) },
        ...datasetsOf({ key, kind, target, input: JSON.parse(input) as Json }, await found, teller.namespace),
      });
    }
    return rows.length === ROWS_MAX;
  };

  /** What the definitions asked for that a run went by; of steps that no run, or an older one, asked for those of mill.ts. */
  const graphOf = async (definitions: Digest | null): Promise<AskedGraph> => {
    const { project } = await definitionsNamed(workspace, definitions ?? undefined);
    return { project, nodes: buildGraph(project, ledger.environment) };
  };

  /** Each event once, whoever looks: the row of what was told is the guard. */
  const tell = async (
    row: Row,
    topic: string,
    end: EventType | undefined,
    happening: Omit<Happening, "type" | "at" | "error">,
  ) => {
    const statements: Statement[] = [];
    const add = (type: EventType, at: number, error: ErrorJson | null, guard: Statement) =>
      statements.push(guard, ...outbox.statements(`${TOPICS}${topic}`, runEvent({ ...happening, type, at, error }, teller)));
    if (row.told === null)
      add("START", row.startedAt, null, {
        sql: "INSERT INTO lineage_events (subject, event, at) VALUES (?, 'START', ?) ON CONFLICT (subject) DO NOTHING",
        params: [row.id, now()],
        rows: 1,
      });
    if (end !== undefined)
      add(end, row.endedAt ?? now(), row.error === null ? null : (JSON.parse(row.error) as ErrorJson), {
        sql: "UPDATE lineage_events SET event = ?, at = ? WHERE subject = ? AND event = 'START'",
        params: [end, now(), row.id],
        rows: 1,
      });
    await records.commit(statements);
  };

  return {
    look() {
      looking ??= lookAll().finally(() => {
        looking = null;
      });
      return looking;
    },
  };
}

const jobOf = (targets: string): string => (JSON.parse(targets) as string[]).join(", ") || "everything";

/** The least id of a millisecond. */
const idOf = (ms: number): string => `${newId(ms).slice(0, 14)}0000-0000-000000000000`;
