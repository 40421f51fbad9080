/**
 * Carries out backfills: the partitions that wait, some at a time, through the ledger; then, when nothing is left open, what was asked for is made of them.
 *
 *     look: requested, or cut off ──> taken up (one row, guarded) ──> batch ──> batch ──> ... ──> the target is run ──> it ends
 *                                          ^                            └── paused, cancelled: no further batch
 *                                          └── lease over, or let go: taken up again, by any server
 */
import { asMillError, MillError, newId } from "../../base/index.ts";
import type { DatasetDefinition } from "../../define/index.ts";
import { copyStanding } from "../../ports/records/index.ts";
import { failedError } from "../partitions/run-node.ts";
import { countPartitions, isOpen, partitionsText, standingPartitions } from "../partitions/standing.ts";
import { takeInPartitions } from "../partitions/take-in.ts";
import { createRounds } from "../rounds.ts";
import { runTargets } from "../run-targets.ts";
import type { Workspace } from "../workspace.ts";
import {
  type Backfill,
  backfillRow,
  beginPartitions,
  carriedBy,
  type End,
  endBackfill,
  letGo,
  openBackfills,
  partitionsOf,
  renew,
  settlePartitions,
  takeUp,
} from "./rows.ts";

export interface Backfiller {
  /**
   * Looks once a second, until it is closed; in a copy of a workspace it takes up nothing by itself. From here on `onFault` is told what kept it from looking
   * (empty id) or from carrying one out.
   */
  start(onFault: OnFault): void;
  /** One look, at all backfills or at one that somebody has just asked for; what it takes up goes on beside. */
  look(id?: string): Promise<void>;
  /** Until nothing goes on that a look has taken up. */
  settled(): Promise<void>;
  /** Cancels what runs: the next owner goes on. */
  close(): Promise<void>;
}

export interface BackfillerOptions {
  /** How long a backfill may go without a sign of life; default 30,000. */
  readonly leaseMs?: number;
}

type OnFault = (backfill: string, error: MillError) => void;

const LOOK_EVERY_MS = 1000;
/** Of what is at work at one time: a batch is begun, and on record, together. */
const BATCH_FACTOR = 4;
const BATCH_MAX = 256;

export function createBackfiller(workspace: Workspace, { leaseMs = 30_000 }: BackfillerOptions = {}): Backfiller {
  const { records, ledger, now } = workspace;
  const owner = newId();
  const stopping = new AbortController();
  const running = new Map<string, { readonly ended: Promise<void>; readonly fenced: AbortController }>();
  let onFault: OnFault = () => undefined; // without a platform that is up its row tells
  const holder = () => ({ owner, now: now(), leaseMs });

  const look = async (asked?: string) => {
    for (const [id, { fenced }] of running) await beat(id, fenced);
    if (asked === undefined && (await copyStanding(records)) !== null) return;
    for (const row of await openBackfills(records)) {
      if (stopping.signal.aborted) return;
      if (asked !== undefined && row.id !== asked) continue;
      if (running.has(row.id) || (row.owner !== null && row.leaseUntil! > now())) continue;
      if (await takeUp(records, row, holder())) begin(row);
    }
  };

  const begin = (row: Backfill) => {
    const fenced = new AbortController();
    const beating = setInterval(() => void beat(row.id, fenced).catch(() => undefined), Math.min(LOOK_EVERY_MS, leaseMs / 3)); // a missed beat is what the lease is for
    const ended = carryOut(row, AbortSignal.any([stopping.signal, fenced.signal]))
      .catch((thrown) => onFault(row.id, asMillError(thrown)))
      .finally(() => {
        clearInterval(beating);
        running.delete(row.id);
      });
    running.set(row.id, { ended, fenced });
  };

  const beat = async (id: string, fenced: AbortController) => {
    const wanted = await renew(records, id, holder());
    if (wanted === null || wanted === "cancelled") fenced.abort();
  };

  /** Each time that it is taken up is a run. */
  const carryOut = async (row: Backfill, signal: AbortSignal) => {
    const { id, actor, dataset: name } = row;
    const again = row.tries > 0 ? ", taken up again" : "";
    const run = await ledger.startRun({ actor, targets: [`dataset/${name}`], reason: `backfill ${id}${again}` });
    await records.commit([carriedBy(id, owner, run)]);
    const faulty = (thrown: unknown): End | null =>
      signal.aborted ? null : { state: "failed", error: asMillError(thrown).message };
    const end = await batches(row, run, signal).catch(faulty);
    const state = end?.state ?? "cancelled";
    await ledger.endRun(run, { state });
    const finished = end === null ? null : end.state === "succeeded" ? await makeTarget(row, signal).catch(faulty) : end;
    if (finished !== null) await endBackfill(records, id, owner, finished, now());
    await letGo(records, id, owner);
  };

  /** null: it is paused, cancelled or another's, or this process stops. */
  const batches = async (row: Backfill, runId: string, signal: AbortSignal): Promise<End | null> => {
    const { id, batch } = row;
    const project = await workspace.project();
    const dataset = partitionedDataset(project.datasets.get(row.dataset), row);
    for (;;) {
      const limit = Math.min(BATCH_MAX, batch * BATCH_FACTOR);
      const next = (await partitionsOf(records, id, { states: ["waiting"], limit })).map(({ partition }) => partition);
      if (next.length === 0) return ended(id);
      if (signal.aborted || !(await beginPartitions(records, id, owner, next))) return null;
      const outcomes = await takeInPartitions(
        workspace,
        {
          dataset,
          runId,
          signal,
          folder: project.folder,
          places: batch,
          threads: workspace.threads,
          memoryMb: workspace.memoryMb,
        },
        next,
      );
      await settlePartitions(records, id, owner, outcomes);
      if (signal.aborted) return null;
      if (outcomes.some(({ state }) => state === "cancelled")) return { state: "cancelled", note: "its run was cancelled" };
    }
  };

  const ended = async (id: string): Promise<End> => {
    const row = (await backfillRow(records, id))!;
    if (row.failed === 0) return { state: "succeeded" };
    const failed = await partitionsOf(records, id, { states: ["failed"], limit: row.failed });
    const told = failed.map(({ partition, error }) => ({ partition, error: error === null ? null : { message: error } }));
    return { state: "failed", error: failedError(`dataset/${row.dataset}`, told, row.partitions).message };
  };

  /** A version with holes where partitions are yet to come would be no version of the data set. */
  const makeTarget = async ({ id, target, dataset: name, actor }: Backfill, signal: AbortSignal): Promise<End | null> => {
    const project = await workspace.project();
    const dataset = project.datasets.get(name)!;
    const { partitions } = await standingPartitions({ ...workspace, folder: project.folder }, dataset);
    if (partitions.some(isOpen))
      return {
        state: "succeeded",
        note: `${partitionsText(countPartitions(partitions))}: the data set keeps its version until all are current`,
      };
    const { state, error, refusals } = await runTargets(
      workspace,
      { targets: [target], reason: `backfill ${id}`, beside: true },
      { actor, signal },
      () => {},
    );
    if (state === "succeeded") return { state };
    if (state === "cancelled") return signal.aborted ? null : { state, note: "its run was cancelled" };
    if (state === "refused") return { state: "succeeded", note: refusals.map(({ sentence }) => sentence).join("; ") };
    return { state, error: error?.message ?? null };
  };

  const rounds = createRounds(look, { waitMs: () => LOOK_EVERY_MS, onFault: (error) => onFault("", error) });

  const settled = async () => {
    while (running.size > 0) await Promise.all([...running.values()].map(({ ended }) => ended));
  };

  return {
    start(told) {
      onFault = told;
      rounds.start();
    },
    look,
    settled,
    async close() {
      stopping.abort();
      await rounds.stop();
      await settled();
    },
  };
}

function partitionedDataset(found: DatasetDefinition | undefined, { dataset }: Backfill): DatasetDefinition {
  if (found?.partitions !== undefined) return found;
  throw new MillError("backfill.unpartitioned", `mill.ts defines no data set "${dataset}" with partitions any more.`, {
    at: `dataset "${dataset}"`,
    fix: "Define it again and retry the backfill, or leave it.",
  });
}
