/**
 * Brings the rows of steps and runs in line with what really runs and what was really left: after a crash, and every 30 seconds.
 *
 *     a running attempt that nobody looks after    manifest complete     published
 *                                                  its engine has it     adopted: looked after from here on, under the same fence
 *                                                  ... and will not      ended, lost
 *                                                  it left an error      failed
 *                                                  nobody knows it       lost: the next `execute` takes its step up
 *     a job of an engine that no running attempt names                   ended
 *
 * What an engine that does not answer has is left as it is until it does.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, errorFromJson } from "../base/index.ts";
import { type Engine, jobName, type ListedJob } from "../ports/engines/index.ts";
import type { Statement } from "../ports/records/index.ts";
import { adoptAttempt, type Ending, type Waiter } from "./attempt.ts";
import {
  attemptFolder,
  type Care,
  type Marker,
  markedAt,
  readFailure,
  readInput,
  readMarker,
  removeFolder,
} from "./attempt-folder.ts";
import type { Wanted, Works } from "./carry-out.ts";
import { CHECKPOINTS, checkpointFile, sweepCheckpoints } from "./checkpoint.ts";
import { adopt, isAbandoned, type OpenStep, openSteps } from "./claim.ts";
import { keepLeftLog } from "./log.ts";
import { missingRole } from "./results.ts";
import { DEFAULT_RETRY } from "./retry.ts";
import { endStatements, metersOf, publishStatements } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";

/** How many attempts ended how, how many go on here, and how many jobs of dead owners were ended. */
export interface Recovered {
  readonly published: number;
  readonly failed: number;
  readonly lost: number;
  readonly adopted: number;
  readonly orphans: number;
  readonly runs: number;
}

export interface Recovering {
  /** Whether this ledger looks after the step of a key. */
  isOurs(key: Digest): boolean;
  /** Waits for an attempt that was adopted, for whoever asks for its key. */
  adopted(key: Digest, adopted: Adopted): void;
}

/** An attempt that is looked after from here on. */
export interface Adopted {
  /** Waits for its end, and commits it. */
  wait(waiter: Waiter): Promise<Ending>;
  /** What its step needs when it is tried again. */
  readonly wanted: Omit<Wanted, "sealed">;
}

/** Settles every step that nobody looks after, ends jobs that belong to none, and marks the runs of dead owners lost. */
export async function recover(works: Pick<Works, "surroundings" | "pulse">, recovering: Recovering): Promise<Recovered> {
  const { surroundings } = works;
  const found = { published: 0, failed: 0, lost: 0, adopted: 0, orphans: 0 };
  const jobs = await jobsOf(surroundings.engines); // before the rows: whatever runs by then has its row
  const jobOf = (step: OpenStep) =>
    jobs.away.has(step.engine) ? "away" : (jobs.running.find((job) => jobName(job) === jobName(step)) ?? null);
  const steps = await openSteps(surroundings);
  const runs = await runningRuns(surroundings);
  surroundings.time.watchOnly(new Set([...steps.map(({ stepId }) => stepId), ...runs.map(({ id }) => id)]));
  for (const step of steps) {
    if (recovering.isOurs(step.key) || !isAbandoned(step, surroundings)) continue;
    const { verdict, orphan, adopted } = await reconcile(works, step, jobOf(step));
    if (verdict) found[verdict]++;
    if (orphan) found.orphans++;
    if (adopted) recovering.adopted(step.key, adopted);
  }
  const named = new Set(steps.filter(({ state }) => state === "running").map(jobName));
  for (const job of jobs.running) {
    if (job.fence === 0 || named.has(jobName(job))) continue; // fence 0: run again only to compare (again.ts)
    const ended = await job.engine.end(job.handle).then(
      () => true,
      () => false, // the next round tries again
    );
    if (ended) found.orphans++;
  }
  return { ...found, runs: await loseRuns(surroundings, runs) };
}

/** Removes the folders that belong to no attempt, and old checkpoints. Only before anything runs here. */
export async function sweepFolders(surroundings: Surroundings): Promise<void> {
  const { folder, clock } = surroundings;
  const names = await readdir(folder).catch(() => []);
  const kept = new Set((await openSteps(surroundings)).map(jobName));
  await sweepCheckpoints(folder, clock());
  for (const name of names) if (!kept.has(name) && name !== CHECKPOINTS) await removeFolder(join(folder, name));
}

export interface Reconciled {
  /** null: somebody else was faster, or its engine does not answer. */
  readonly verdict: "published" | "failed" | "lost" | "adopted" | null;
  /** Whether a job was ended. */
  readonly orphan: boolean;
  readonly adopted: Adopted | null;
}

/** Settles one abandoned step; `job` is what its engine has of it, `away` when the engine does not answer. */
export async function reconcile(
  works: Pick<Works, "surroundings" | "pulse">,
  step: OpenStep,
  job: Job | null | "away",
): Promise<Reconciled> {
  const { surroundings } = works;
  const verdictOf = (verdict: Reconciled["verdict"], orphan = false): Reconciled => ({ verdict, orphan, adopted: null });
  if (step.state === "queued") return verdictOf((await loseQueued(surroundings, step)) ? "lost" : null);
  if (await readMarker(folderOf(surroundings, step))) return verdictOf(await settleLeft(surroundings, step));
  if (job === "away") return verdictOf(null);
  if (!job) return verdictOf(await settleLeft(surroundings, step));
  const ours = await adopt(surroundings, step);
  if (!ours) return verdictOf(null);
  const adopted = await takeUp(works, ours, job);
  if (adopted) return { verdict: "adopted", orphan: false, adopted };
  await job.engine.end(job.handle);
  return verdictOf(await settleLeft(surroundings, ours), true);
}

/** Publishes or records what an attempt has left, or that it is lost; null when somebody else was faster. */
async function settleLeft(surroundings: Surroundings, step: OpenStep): Promise<"published" | "failed" | "lost" | null> {
  const { records, clock } = surroundings;
  const folder = folderOf(surroundings, step);
  const marker = await readMarker(folder);
  const [verdict, statements] =
    marker && (await missingRole(surroundings.objects, marker.manifest)) === null
      ? (["published", publishStatements(step, marker, clock(), await detailOf(marker, "published"))] as const)
      : await withoutResult();
  const { committed } = await records.commit(statements);
  if (committed) await removeFolder(folder);
  if (committed && verdict === "published") await rm(checkpointFile(surroundings.folder, step.key), { force: true });
  return committed ? verdict : null;

  async function detailOf({ meters }: Marker, verdict: string) {
    return { meters: metersOf(Math.max(0, (await markedAt(folder)) - step.startedAt), meters, null), ...(await said(verdict)) };
  }

  function said(verdict: string) {
    return keepLeftLog(
      surroundings,
      folder,
      `Reconciled: nobody looked after it any more. By what it had left it is ${verdict}.`,
    );
  }

  async function withoutResult(): Promise<readonly ["lost" | "failed", Statement[]]> {
    const failure = await readFailure(folder);
    if (!failure || failure.error.code === "step.cancelled")
      return ["lost", endStatements(step, "lost", clock(), await said("lost"))];
    return ["failed", endStatements(step, "failed", clock(), { ...(await said("failed")), error: errorFromJson(failure.error) })];
  }
}

/** Takes up the job of a dead owner; null when its engine cannot. */
async function takeUp(
  { surroundings, pulse }: Pick<Works, "surroundings" | "pulse">,
  step: OpenStep,
  { engine, handle }: Job,
): Promise<Adopted | null> {
  const folder = folderOf(surroundings, step);
  const input = await readInput(folder).catch(() => null);
  if (!input) return null;
  const { kind, revision, threads, memoryMb, care = UNCARED } = input;
  const heard = [JSON.stringify({ log: "Reconciled: nobody looked after it any more. It goes on, looked after by another." })];
  let hear: (line: string) => void = (line) => heard.push(line);
  const job = await engine.attach({ ...step, folder, memoryMb }, handle, (line) => hear(line));
  if (!job) return null;
  const { key, target, runId, pool, exclusive } = step;
  const asked = { key, kind, revision, target, runId, input: input.input, engine: engine.name, pool, exclusive };
  return {
    wanted: { ...asked, threads, memoryMb, retry: care.retry, timeouts: care.timeouts, triesBefore: care.tries },
    wait: (waiter) =>
      adoptAttempt(surroundings, pulse, step, { ...waiter, ...care, engine: engine.name, memoryMb }, (to) => {
        for (const line of heard.splice(0)) to(line);
        hear = to;
        return job;
      }),
  };
}

/** Of an attempt that an earlier version began. */
const UNCARED: Care = { retry: DEFAULT_RETRY, timeouts: {}, tries: 1 };

const folderOf = (surroundings: Surroundings, { stepId, fence }: OpenStep) => attemptFolder(surroundings.folder, stepId, fence);

export interface Job extends ListedJob {
  readonly engine: Engine;
}

/** What a step's engine has of it. */
export async function jobOf({ engines }: Surroundings, step: OpenStep): Promise<Job | null | "away"> {
  const jobs = await jobsOf(engines.filter(({ name }) => name === step.engine));
  return jobs.away.size > 0 ? "away" : (jobs.running.find((job) => jobName(job) === jobName(step)) ?? null);
}

/** What the engines have, and which do not answer. */
async function jobsOf(engines: readonly Engine[]): Promise<{ readonly running: Job[]; readonly away: Set<string | null> }> {
  const away = new Set<string | null>();
  const lists = engines.map(async (engine) => {
    const jobs = await engine.list().catch(() => void away.add(engine.name));
    return (jobs ?? []).map((job) => ({ ...job, engine }));
  });
  return { running: (await Promise.all(lists)).flat(), away };
}

/** A step that nobody waits for any more, unless its owner was heard of in the meantime. */
async function loseQueued({ records, clock }: Surroundings, { stepId, fence, leaseUntil }: OpenStep): Promise<boolean> {
  const lose = `UPDATE steps SET state = 'lost', ended_at = ?, lease_until = NULL, owner = NULL, due_at = NULL
    WHERE id = ? AND fence = ? AND state = 'queued' AND COALESCE(lease_until, 0) = ?`;
  return (await records.commit([{ sql: lose, params: [clock(), stepId, fence, leaseUntil ?? 0], rows: 1 }])).committed;
}

const RUN_SILENT_MS = 5 * 60_000;

interface RunningRun {
  readonly id: string;
  readonly owner: string;
  readonly seenAt: number;
}

const runningRuns = ({ records }: Surroundings) =>
  records.query<RunningRun>(`SELECT id, owner, COALESCE(seen_at, started_at) AS "seenAt" FROM runs WHERE state = 'running'`);

/** Of owners that are gone; of one on another machine nobody knows, but it says every now and then that its runs are still there. */
async function loseRuns({ records, owner, clock, time }: Surroundings, running: readonly RunningRun[]): Promise<number> {
  const nowMs = clock();
  const gone = running.filter(
    (run) => run.owner !== owner.name && (time.stillForMs(run.id, run.seenAt) > RUN_SILENT_MS || !owner.alive(run.owner)),
  );
  const ours = running.some((run) => run.owner === owner.name);
  const seen = { sql: "UPDATE runs SET seen_at = ? WHERE state = 'running' AND owner = ?", params: [nowMs, owner.name] };
  if (ours || gone.length > 0)
    await records.commit([
      ...(ours ? [seen] : []),
      ...gone.map(({ id }) => ({
        sql: "UPDATE runs SET state = 'lost', ended_at = ? WHERE id = ? AND state = 'running'",
        params: [nowMs, id],
      })),
    ]);
  return gone.length;
}
