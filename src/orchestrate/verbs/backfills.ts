/** Backfills: asked for, looked at, and what people want of them meanwhile. */
import { MillError } from "../../base/index.ts";
import type { Handlers, OutputOf } from "../../contract/index.ts";
import type { Backfiller } from "../backfills/backfiller.ts";
import { planBackfill, requestBackfill } from "../backfills/request.ts";
import {
  askAgain,
  type Backfill,
  type BackfillPartition,
  type BackfillState,
  backfillRow,
  backfillRows,
  moveBackfill,
  partitionsOf,
} from "../backfills/rows.ts";
import type { Workspace } from "../workspace.ts";
import { instant, instantOrNull } from "./wire.ts";

export type BackfillVerb =
  | "planBackfill"
  | "backfill"
  | "listBackfills"
  | "getBackfill"
  | "listBackfillPartitions"
  | "pauseBackfill"
  | "resumeBackfill"
  | "cancelBackfill"
  | "retryBackfill";

/** Failed partitions that are shown with a backfill. */
const OPEN_MAX = 20;

/** `backfiller` looks at once at what was asked for; it goes on beside. */
export function backfillVerbs(workspace: Workspace, backfiller: Pick<Backfiller, "look">): Pick<Handlers, BackfillVerb> {
  const { records } = workspace;

  const found = async (id: string): Promise<Backfill> => {
    const row = await backfillRow(records, id);
    if (row !== null) return row;
    throw new MillError("backfill.unknown", `There is no backfill "${id}".`, {
      expected: "the id of a backfill",
      got: id,
      fix: "`mill backfill list` shows them.",
    });
  };

  const looked = async (id: string) => {
    await backfiller.look(id);
    return summaryOf(await found(id));
  };

  const moved = async (id: string, from: readonly BackfillState[], to: BackfillState, endedAt: number | null = null) => {
    const { state } = await found(id);
    if (state !== to && !(await moveBackfill(records, id, { from, to, endedAt }))) throw wrongState(await found(id), from);
    return looked(id);
  };

  return {
    async planBackfill({ only, ...asked }) {
      const { chosen, which, ...plan } = await planBackfill(workspace, { ...asked, which: only });
      const [first, last] = [chosen[0]?.partition ?? null, chosen.at(-1)?.partition ?? null];
      return { ...plan, only: which, partitions: chosen.length, first, last };
    },
    backfill: async ({ only, ...asked }, { actor }) => looked(await requestBackfill(workspace, { ...asked, which: only }, actor)),
    async listBackfills({ limit = 100, cursor }) {
      const rows = await backfillRows(records, { limit: limit + 1, before: cursor });
      return { items: rows.slice(0, limit).map(summaryOf), next: rows.length > limit ? rows[limit - 1]!.id : null };
    },
    async getBackfill({ id }) {
      const row = await found(id);
      const open = await partitionsOf(records, id, { states: ["failed", "absent"], limit: OPEN_MAX });
      return { ...summaryOf(row), open: open.map(itemOf) };
    },
    async listBackfillPartitions({ id, state, limit = 100, cursor }) {
      await found(id);
      const rows = await partitionsOf(records, id, { ...(state && { states: [state] }), after: cursor, limit: limit + 1 });
      return { items: rows.slice(0, limit).map(itemOf), next: rows.length > limit ? rows[limit - 1]!.partition : null };
    },
    pauseBackfill: async ({ id }) => moved(id, ["requested", "running"], "paused"),
    resumeBackfill: async ({ id }) => moved(id, ["paused"], "requested"),
    cancelBackfill: async ({ id }) => moved(id, ["requested", "running", "paused"], "cancelled", workspace.now()),
    async retryBackfill({ id }) {
      if (!(await askAgain(records, (await found(id)).id)))
        throw wrongState(await found(id), ["succeeded", "failed", "cancelled"]);
      return looked(id);
    },
  };
}

const wrongState = ({ id, state }: Backfill, expected: readonly BackfillState[]) =>
  new MillError("backfill.state", `The backfill ${id} is ${state}.`, {
    at: id,
    expected: `one that is ${expected.join(" or ")}`,
    got: state,
    fix: "See `mill backfill show ID`.",
  });

export function summaryOf(row: Backfill): OutputOf<"listBackfills">["items"][number] {
  const { id, target, dataset, which, from, to, batch, actor, state, partitions, running, succeeded, failed, absent } = row;
  return {
    ...{ id, target, dataset, only: which, from, to, batch, by: actor, state },
    ...{ partitions, running, succeeded, failed, absent, waiting: partitions - running - succeeded - failed - absent },
    ...{ tries: row.tries, run: row.runId, note: row.note, error: row.error },
    requestedAt: instant(row.requestedAt),
    endedAt: instantOrNull(row.endedAt),
  };
}

const itemOf = ({ partition, state, stepId, error }: BackfillPartition) => ({ partition, state, step: stepId, error });
