/**
 * Taking a step: at most one attempt of a key runs at a time, whoever asks, and none starts where its pool is full, its value taken, or it is
 * paused. Each taking is one commit, whose guards decide.
 */
import { type Digest, MillError } from "../base/index.ts";
import type { Param, Statement } from "../ports/records/index.ts";
import { commitPatiently } from "./retry.ts";
import { readingStatements, type Sealed } from "./sealed.ts";
import type { Attempt } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";

/** The step of a key that waits in the queue or runs, or that was lost and waits to be taken up again. */
export interface OpenStep extends Attempt {
  readonly state: "queued" | "running" | "lost";
  readonly leaseUntil: number | null;
  readonly runId: string | null;
  readonly pool: string | null;
  readonly exclusive: string | null;
  /** Of the last attempt; null when there was none. */
  readonly engine: string | null;
  readonly handle: string | null;
}

const OPEN_STEPS = `SELECT s.id AS "stepId", s.fence AS fence, s.step_key AS key, s.kind AS kind, s.target AS target, s.state AS state,
    s.lease_until AS "leaseUntil", COALESCE(s.owner, '') AS owner, COALESCE(a.started_at, s.created_at) AS "startedAt", a.engine AS engine, a.handle AS handle,
    s.run_id AS "runId", s.pool AS pool, s.exclusive_key AS exclusive
  FROM steps s LEFT JOIN attempts a ON a.step_id = s.id AND a.fence = s.fence`;

export async function openStepOf({ records }: Surroundings, key: Digest): Promise<OpenStep | null> {
  const order = "ORDER BY s.state DESC, s.id DESC LIMIT 1"; // running before queued before lost
  const [step] = await records.query<OpenStep>(
    `${OPEN_STEPS} WHERE s.step_key = ? AND s.state IN ('running', 'queued', 'lost') ${order}`,
    [key],
  );
  return step ?? null;
}

/** Those that wait in the queue or run, whoever looks after them. */
export const openSteps = ({ records }: Surroundings): Promise<OpenStep[]> =>
  records.query<OpenStep>(`${OPEN_STEPS} WHERE s.state IN ('queued', 'running') ORDER BY s.id`);

/** Of the steps that this ledger does not look after itself: those whose lease is over or whose owner is gone (or has let go of them). */
export function isAbandoned(step: Pick<OpenStep, "stepId" | "leaseUntil" | "owner">, surroundings: Surroundings): boolean {
  const { owner: self } = surroundings;
  return isLeaseOver(step, surroundings) || step.owner === self.name || !self.alive(step.owner);
}

/** It was let go of, or nobody has renewed it for as long as it lasts, as far as was seen here. */
export const isLeaseOver = ({ stepId, leaseUntil }: Pick<OpenStep, "stepId" | "leaseUntil">, { time, leaseMs }: Surroundings) =>
  !leaseUntil || time.stillForMs(stepId, leaseUntil) > leaseMs;

export interface Asked {
  readonly key: Digest;
  readonly kind: string;
  readonly revision: number;
  readonly target: string;
  readonly runId: string | null;
  readonly input: unknown;
  readonly sealed: readonly Sealed[];
  readonly engine: string;
  /** A pool that limits how many run; null: none. */
  readonly pool: string | null;
  /** A value of which one runs at a time, as a model's name; null: none. */
  readonly exclusive: string | null;
}

/** A step in the queue, which this owner looks after. */
export interface Queued {
  readonly stepId: string;
  /** Of its last attempt; 0: there was none. */
  readonly fence: number;
}

/**
 * Starts an attempt at once: of the lost step, or of a new one. null when another was faster, when the step may not start yet, or when others
 * wait before it.
 */
export async function begin(surroundings: Surroundings, asked: Asked, lost: OpenStep | null): Promise<Attempt | null> {
  const { attempt, statements } = beginning(surroundings, asked, lost);
  return (await claimed(surroundings, statements, asked)) ? attempt : null;
}

/** Starts attempts of new steps in one commit: all, or none when one of them cannot start. */
export async function beginAll(surroundings: Surroundings, asked: readonly Asked[]): Promise<Attempt[] | null> {
  const beginnings = asked.map((one) => beginning(surroundings, one, null));
  const statements = beginnings.flatMap((one) => one.statements);
  return (await claimed(surroundings, statements, ...asked)) ? beginnings.map(({ attempt }) => attempt) : null;
}

function beginning(surroundings: Surroundings, asked: Asked, lost: OpenStep | null) {
  const nowMs = surroundings.clock();
  const { key, kind, target } = asked;
  const stepId = lost?.stepId ?? surroundings.time.newStepId();
  const attempt: Attempt = {
    stepId,
    fence: (lost?.fence ?? 0) + 1,
    key,
    kind,
    target,
    startedAt: nowMs,
    owner: surroundings.owner.name,
  };
  const may = [...mayStart(asked, surroundings), ...nobodyBefore(asked)];
  const step = lost
    ? taken(surroundings, asked, { ...attempt, from: lost, state: "running", may })
    : made(surroundings, asked, { ...attempt, state: "running", may });
  return { attempt, statements: [step, ...attemptStatements(surroundings, asked, attempt)] };
}

/** Puts the step into the queue, as the last, in one commit: the open one, whose owner is gone, or a new one. null when another was faster. */
export async function enqueue(surroundings: Surroundings, asked: Asked, open: OpenStep | null): Promise<Queued | null> {
  const nowMs = surroundings.clock();
  const queued: Queued = { stepId: open?.stepId ?? surroundings.time.newStepId(), fence: open?.fence ?? 0 };
  const row = { ...queued, startedAt: nowMs, state: "queued", may: [] } as const;
  const statement = open ? taken(surroundings, asked, { ...row, from: open }) : made(surroundings, asked, row);
  return (await claimed(surroundings, [statement], asked)) ? queued : null;
}

/** Starts an attempt of a step in the queue; null when it may not start yet, or is no longer this owner's. */
export async function start(surroundings: Surroundings, asked: Asked, { stepId, fence }: Queued): Promise<Attempt | null> {
  const nowMs = surroundings.clock();
  const { key, kind, target } = asked;
  const attempt: Attempt = { stepId, fence: fence + 1, key, kind, target, startedAt: nowMs, owner: surroundings.owner.name };
  const may = mayStart(asked, surroundings);
  const step: Statement = {
    sql: `UPDATE steps SET fence = ?, state = 'running', lease_until = ?, due_at = NULL, error = NULL
      WHERE id = ? AND fence = ? AND state = 'queued' AND owner = ?${and(may)}`,
    params: [attempt.fence, nowMs + surroundings.leaseMs, stepId, fence, surroundings.owner.name, ...paramsOf(may)],
    rows: 1,
  };
  const statements = [step, ...attemptStatements(surroundings, asked, attempt)];
  return (await claimed(surroundings, statements, asked)) ? attempt : null;
}

/** The attempt in the care of this owner from now on, under the same fence; null when another was faster. */
export async function adopt(surroundings: Surroundings, step: OpenStep): Promise<OpenStep | null> {
  const { stepId, fence, owner, leaseUntil } = step;
  const until = surroundings.clock() + surroundings.leaseMs;
  const self = surroundings.owner.name;
  const statements: Statement[] = [
    {
      sql: `UPDATE steps SET owner = ?, lease_until = ? WHERE id = ? AND fence = ? AND state = 'running'
        AND COALESCE(owner, '') = ? AND COALESCE(lease_until, 0) = ?`,
      params: [self, until, stepId, fence, owner, leaseUntil ?? 0],
      rows: 1,
    },
    { sql: "UPDATE attempts SET owner = ? WHERE step_id = ? AND fence = ?", params: [self, stepId, fence] },
  ];
  return (await claimed(surroundings, statements)) ? { ...step, owner: self, leaseUntil: until } : null;
}

interface Condition {
  readonly sql: string;
  readonly params: readonly Param[];
}

/** What a start must find: a place in the pool, nobody who holds the value, nothing paused, no run that was cancelled. */
function mayStart({ pool, exclusive, runId }: Asked, { pools }: Surroundings): Condition[] {
  const conditions: Condition[] = [];
  if (pool !== null) {
    const running = "SELECT count(*) FROM steps WHERE pool = ? AND state = 'running'";
    const limit = pools[pool]; // none: a step that was taken up from a server that has one
    conditions.push(
      ...(limit === undefined ? [] : [{ sql: `(${running}) < ?`, params: [pool, limit] }]),
      notPaused("pool", pool),
    );
  }
  if (exclusive !== null) {
    const holder = "SELECT 1 FROM steps WHERE exclusive_key = ? AND state = 'running'";
    conditions.push({ sql: `NOT EXISTS (${holder})`, params: [exclusive] });
  }
  if (runId !== null) {
    const cancelled = "SELECT 1 FROM runs WHERE id = ? AND cancel_at IS NOT NULL";
    conditions.push({ sql: `NOT EXISTS (${cancelled})`, params: [runId] }, notPaused("run", runId));
  }
  return conditions;
}

const notPaused = (what: string, name: string): Condition => ({
  sql: "NOT EXISTS (SELECT 1 FROM pauses WHERE what = ? AND name = ?)",
  params: [what, name],
});

/** Nobody waits in the queue for the same place: who does goes first, and a look at the queue tells whether he still lives. */
function nobodyBefore({ pool, exclusive }: Asked): Condition[] {
  const waiting = (column: string) => `NOT EXISTS (SELECT 1 FROM steps WHERE ${column} = ? AND state = 'queued')`;
  return [
    ...(pool === null ? [] : [{ sql: waiting("pool"), params: [pool] }]),
    ...(exclusive === null ? [] : [{ sql: waiting("exclusive_key"), params: [exclusive] }]),
  ];
}

interface Row extends Queued {
  readonly state: "queued" | "running";
  readonly startedAt: number;
  readonly may: readonly Condition[];
}

function made({ owner, leaseMs }: Surroundings, asked: Asked, { stepId, fence, state, startedAt, may }: Row): Statement {
  const { key, kind, revision, target, runId, input, pool, exclusive } = asked;
  return {
    sql: `INSERT INTO steps (id, step_key, kind, revision, target, run_id, input, pool, exclusive_key, state, owner, fence, lease_until, created_at)
      SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
      WHERE NOT EXISTS (SELECT 1 FROM steps WHERE step_key = ? AND state IN ('running', 'queued')) AND NOT EXISTS (SELECT 1 FROM results WHERE step_key = ?)${and(may)}`,
    params: [
      ...[stepId, key, kind, revision, target, runId, JSON.stringify(input), pool, exclusive],
      ...[state, owner.name, fence, startedAt + leaseMs, startedAt, key, key, ...paramsOf(may)],
    ],
    rows: 1,
  };
}

function taken({ owner, leaseMs }: Surroundings, asked: Asked, row: Row & { readonly from: OpenStep }): Statement {
  const { stepId, fence, state, startedAt, may, from } = row;
  const { runId, pool, exclusive } = asked;
  return {
    sql: `UPDATE steps SET fence = ?, state = ?, owner = ?, lease_until = ?, run_id = ?, pool = ?, exclusive_key = ?, ended_at = NULL, cancel_at = NULL,
        error = CASE WHEN state = 'queued' THEN error END
      WHERE id = ? AND fence = ? AND state = ? AND COALESCE(owner, '') = ? AND COALESCE(lease_until, 0) = ?
        AND NOT EXISTS (SELECT 1 FROM results r WHERE r.step_key = steps.step_key)${and(may)}`,
    params: [
      ...[fence, state, owner.name, startedAt + leaseMs, runId, pool, exclusive],
      ...[stepId, from.fence, from.state, from.owner, from.leaseUntil ?? 0, ...paramsOf(may)],
    ],
    rows: 1,
  };
}

function attemptStatements({ owner }: Surroundings, asked: Asked, { stepId, fence, startedAt }: Attempt): Statement[] {
  return [
    {
      sql: "INSERT INTO attempts (step_id, fence, engine, owner, started_at, heartbeat_at) VALUES (?, ?, ?, ?, ?, ?)",
      params: [stepId, fence, asked.engine, owner.name, startedAt, startedAt],
    },
    ...readingStatements({ ...asked, granted: true, atMs: startedAt }),
  ];
}

const and = (conditions: readonly Condition[]) => conditions.map(({ sql }) => ` AND ${sql}`).join("");
const paramsOf = (conditions: readonly Condition[]) => conditions.flatMap(({ params }) => params);

const isAlone = ({ sealed, pool, exclusive }: Asked) => sealed.length === 0 && pool === null && exclusive === null;

/**
 * Lazy where nobody else counts on it: a power cut ends the job too, or leaves one that no row names, which is then ended. What was read of a holdout
 * is told for good, and what others must not exceed is counted for good.
 */
async function claimed(
  { records }: Surroundings,
  statements: readonly Statement[],
  ...asked: readonly Asked[]
): Promise<boolean> {
  try {
    return await commitPatiently(records, statements, { lazy: asked.every(isAlone) });
  } catch (error) {
    if (error instanceof MillError && error.code === "records.constraint") return false; // two at the same moment
    throw error;
  }
}
