/** What was run: the rows of runs, steps and attempts, as values. Lists are newest first and paged by the last id of the page before. */
import { type Digest, type ErrorJson, type Json, MillError, newId } from "../base/index.ts";
import type { Engine } from "../ports/engines/index.ts";
import { type Meters, metersFrom, type Progress } from "./attempt-folder.ts";
import type { StepManifest } from "./kind.ts";
import type { Results } from "./results.ts";
import type { LogLine } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";

export type RunState = "running" | "succeeded" | "refused" | "failed" | "cancelled" | "lost";
export type StepState = "queued" | "running" | "succeeded" | "failed" | "cancelled" | "lost";

/** Times are milliseconds since 1970. */
export interface RunRecord {
  readonly id: string;
  readonly actor: string;
  readonly targets: string[];
  readonly reason: string;
  readonly state: RunState;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly error: ErrorJson | null;
  /** The commit of the infrastructure that it began on; null: it was not told. */
  readonly infrastructure: string | null;
  /** The version of the definitions that it was carried out by; null: it was not told. */
  readonly definitions: Digest | null;
}

export interface NewRun {
  readonly actor: string;
  readonly targets: readonly string[];
  readonly reason: string;
  readonly definitions?: Digest;
}

export interface StepRecord {
  readonly id: string;
  readonly key: Digest;
  readonly kind: string;
  readonly revision: number;
  readonly target: string;
  readonly runId: string | null;
  readonly state: StepState;
  readonly createdAt: number;
  readonly endedAt: number | null;
  /** Engine of the last attempt, where it is not the first one; null: it is, or there was no attempt. */
  readonly on: string | null;
  /** What that engine's own tools call the job; null: nothing, or it is not known yet. */
  readonly job: string | null;
  /** Of the last attempt; null while it runs and when it was lost. */
  readonly wallMs: number | null;
  readonly progress: Progress | null;
  readonly error: ErrorJson | null;
}

export interface StepDetail extends StepRecord {
  readonly input: Json;
}

export interface AttemptRecord {
  readonly fence: number;
  readonly engine: string;
  /** As `StepRecord.job`. */
  readonly job: string | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: Exclude<StepState, "queued" | "running"> | null;
  readonly meters: Meters | null;
  readonly error: ErrorJson | null;
  /** The last 200 lines. */
  readonly log: readonly LogLine[];
}

export interface Page<T> {
  readonly items: T[];
  /** Cursor of the next page; null at the end. */
  readonly next: string | null;
}

export interface PageRequest {
  /** 1 to 1000, default 100. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export type RunFilter = PageRequest & { readonly state?: RunState | undefined };
export type StepFilter = PageRequest & {
  readonly target?: string | undefined;
  readonly kind?: string | undefined;
  readonly state?: StepState | undefined;
  readonly runId?: string | undefined;
};

export interface History {
  /** Records that a run begins; its id. */
  startRun(run: NewRun): Promise<string>;
  endRun(id: string, end: { readonly state: Exclude<RunState, "running">; readonly error?: ErrorJson }): Promise<void>;
  listRuns(filter?: RunFilter): Promise<Page<RunRecord>>;
  /** A run with its steps, oldest first. Steps that had a result already are not part of it. Errors: `run.unknown`. */
  getRun(id: string): Promise<{ readonly run: RunRecord; readonly steps: StepRecord[] }>;
  listSteps(filter?: StepFilter): Promise<Page<StepRecord>>;
  /** A step with its attempts and what it left. Errors: `step.unknown`. */
  getStep(
    id: string,
  ): Promise<{ readonly step: StepDetail; readonly attempts: AttemptRecord[]; readonly manifest: StepManifest | null }>;
  /** The newest step of a target and kind. */
  lastOf(target: string, kind: string): Promise<StepDetail | null>;
  /** Of the keys whose newest step failed, how. */
  failuresOf(keys: readonly Digest[]): Promise<Map<Digest, ErrorJson>>;
  /** The step that made the result of a key. */
  stepOfResult(key: Digest): Promise<StepRecord | null>;
  /** What is recorded of a key's result, whether or not all its objects are still there. */
  recordOf(key: Digest): Promise<{ readonly step: StepDetail; readonly manifest: StepManifest } | null>;
  /** How often a holdout of a data set was opened, by whatever model: steps name the data set in their input. */
  holdoutReadings(dataset: string): Promise<number>;
}

const RUN = `SELECT id, actor, targets, reason, state, started_at AS "startedAt", ended_at AS "endedAt", error, infrastructure, definitions FROM runs`;
const stepSelect = (
  more = "",
) => `SELECT s.id AS id, s.step_key AS key, s.kind AS kind, s.revision AS revision, s.target AS target,
    s.run_id AS "runId", s.state AS state, s.created_at AS "createdAt", s.ended_at AS "endedAt", s.error AS error, a.meters AS meters,
    a.progress AS progress, a.engine AS engine, a.handle AS handle${more}
  FROM steps s LEFT JOIN attempts a ON a.step_id = s.id AND a.fence = s.fence`;
const STEP = stepSelect();
const STEP_WITH_INPUT = stepSelect(", s.input AS input");
const ATTEMPTS = `SELECT fence, engine, handle, started_at AS "startedAt", ended_at AS "endedAt", outcome, meters, error, log FROM attempts
  WHERE step_id = ? ORDER BY fence`;

/** A row as the store gives it: JSON fields still text. */
type Row = Record<string, unknown>;

export function createHistory({ records, clock, owner, infrastructure, engines }: Surroundings, results: Results): History {
  const { toStep, toDetail, toAttempt } = shownOn(engines);

  return {
    async startRun({ actor, targets, reason, definitions }) {
      const nowMs = clock();
      const id = newId(nowMs);
      await records.commit([
        {
          sql: "INSERT INTO runs (id, actor, targets, reason, state, owner, started_at, infrastructure, definitions) VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?)",
          params: [id, actor, JSON.stringify(targets), reason, owner.name, nowMs, infrastructure(), definitions ?? null],
        },
      ]);
      return id;
    },

    async endRun(id, { state, error }) {
      await records.commit([
        {
          sql: "UPDATE runs SET state = ?, ended_at = ?, error = ? WHERE id = ? AND state = 'running'",
          params: [state, clock(), error ? JSON.stringify(error) : null, id],
        },
      ]);
    },

    listRuns: async ({ state, ...page } = {}) => toPage(await select(RUN, "id", { state }, page), page, toRun),

    async getRun(id) {
      const [run] = await records.query<Row>(`${RUN} WHERE id = ?`, [id]);
      if (!run) throw unknownRun(id);
      const steps = await records.query<Row>(`${STEP} WHERE s.run_id = ? ORDER BY s.id`, [id]);
      return { run: toRun(run), steps: steps.map(toStep) };
    },

    listSteps: async ({ target, kind, state, runId, ...page } = {}) => {
      const conditions = { "s.target": target, "s.kind": kind, "s.state": state, "s.run_id": runId };
      return toPage(await select(STEP, "s.id", conditions, page), page, toStep);
    },

    async getStep(id) {
      const [step] = await records.query<Row>(`${STEP_WITH_INPUT} WHERE s.id = ?`, [id]);
      if (!step) throw unknownStep(id);
      const attempts = await records.query<Row>(ATTEMPTS, [id]);
      const result = step.state === "succeeded" ? await results.find(step.key as Digest) : null;
      return { step: toDetail(step), attempts: attempts.map(toAttempt), manifest: result?.manifest ?? null };
    },

    async lastOf(target, kind) {
      const [step] = await records.query<Row>(`${STEP_WITH_INPUT} WHERE s.target = ? AND s.kind = ? ORDER BY s.id DESC LIMIT 1`, [
        target,
        kind,
      ]);
      return step ? toDetail(step) : null;
    },

    async failuresOf(keys) {
      if (keys.length === 0) return new Map();
      const rows = await records.query<{ key: Digest; error: string | null }>(
        `SELECT step_key AS key, error FROM steps WHERE state = 'failed' AND id IN
          (SELECT max(id) FROM steps WHERE step_key IN (${keys.map(() => "?").join(", ")}) GROUP BY step_key)`,
        keys,
      );
      return new Map(rows.flatMap(({ key, error }) => (error === null ? [] : [[key, JSON.parse(error) as ErrorJson] as const])));
    },

    async stepOfResult(key) {
      const [step] = await records.query<Row>(`${STEP} WHERE s.id = (SELECT step_id FROM results WHERE step_key = ?)`, [key]);
      return step ? toStep(step) : null;
    },

    async recordOf(key) {
      const sql = `${stepSelect(", s.input AS input, r.manifest AS manifest")} JOIN results r ON r.step_id = s.id WHERE r.step_key = ?`;
      const [row] = await records.query<Row>(sql, [key]);
      if (!row) return null;
      const { manifest, ...step } = row;
      return { step: toDetail(step), manifest: parse(manifest) as StepManifest };
    },

    async holdoutReadings(dataset) {
      const sql = "SELECT count(*) AS readings FROM holdout_readings WHERE dataset = ? AND granted = 1";
      const [row] = await records.query<{ readings: number }>(sql, [dataset]);
      return row!.readings;
    },
  };

  /** One row more than asked for, to know whether there is a next page. */
  function select(sql: string, id: string, conditions: Record<string, string | undefined>, page: PageRequest): Promise<Row[]> {
    const asked = Object.entries(conditions).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const where = asked.map(([column]) => `${column} = ?`);
    const params: (string | number)[] = asked.map(([, value]) => value);
    if (page.cursor !== undefined) {
      where.push(`${id} < ?`);
      params.push(page.cursor);
    }
    const filter = where.length > 0 ? ` WHERE ${where.join(" AND ")}` : "";
    return records.query<Row>(`${sql}${filter} ORDER BY ${id} DESC LIMIT ?`, [...params, limitOf(page) + 1]);
  }
}

const limitOf = ({ limit = 100 }: PageRequest) => Math.min(1000, Math.max(1, limit));

function toPage<T extends { readonly id: string }>(rows: Row[], page: PageRequest, show: (row: Row) => T): Page<T> {
  const items = rows.slice(0, limitOf(page)).map(show);
  return { items, next: rows.length > items.length ? items.at(-1)!.id : null };
}

const toRun = (row: Row) => ({ ...row, targets: parse(row.targets), error: parse(row.error) }) as unknown as RunRecord;

/** Of rows whose engines are these. */
function shownOn(engines: readonly Engine[]) {
  const jobOf = ({ engine, handle }: Row) =>
    typeof handle === "string" ? (engines.find(({ name }) => name === engine)?.jobId?.(handle) ?? null) : null;

  function toStep(row: Row): StepRecord {
    const { meters, engine, handle, ...rest } = row;
    const wallMs = metersFrom(meters as string | null)?.wallMs ?? null;
    const on = engine === engines[0]!.name ? null : engine;
    return { ...rest, on, job: jobOf(row), wallMs, progress: parse(row.progress), error: parse(row.error) } as StepRecord;
  }

  function toAttempt(row: Row): AttemptRecord {
    const { handle, ...rest } = row;
    const meters = metersFrom(row.meters as string | null);
    return { ...rest, job: jobOf(row), meters, error: parse(row.error), log: parse(row.log) ?? [] } as AttemptRecord;
  }

  const toDetail = (row: Row): StepDetail => ({ ...toStep(row), input: parse(row.input) as Json });
  return { toStep, toDetail, toAttempt };
}

const parse = (text: unknown): unknown => (typeof text === "string" ? JSON.parse(text) : null);

export const unknownRun = (id: string) =>
  new MillError("run.unknown", `There is no run ${id}.`, {
    expected: "a run's id, or a target, as in model/late-arrival",
    got: id,
    fix: "GET /v1/runs lists them.",
  });
export const unknownStep = (id: string) =>
  new MillError("step.unknown", `There is no step ${id}.`, { got: id, fix: "GET /v1/steps lists them." });
