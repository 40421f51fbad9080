/** What a backfill would do, and asking for one. */
import { MillError, periodOf } from "../../base/index.ts";
import { type DatasetDefinition, KIND, type Project } from "../../define/index.ts";
import { buildGraph, selectNodes } from "../graph.ts";
import {
  countPartitions,
  type Partition,
  type PartitionCounts,
  partitionNames,
  standingPartitions,
} from "../partitions/standing.ts";
import { placesOf } from "../partitions/take-in.ts";
import { nodeTargets } from "../targets.ts";
import type { Workspace } from "../workspace.ts";
import { addBackfill, type Which } from "./rows.ts";

export interface AskedBackfill {
  readonly target: string;
  /** Dates or names of partitions, both included; default: the first and the last. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly which?: Which | undefined;
  /** Partitions at one time; default: places of their pool, else one a thread. */
  readonly batch?: number | undefined;
}

export interface BackfillPlan {
  readonly target: string;
  readonly dataset: string;
  readonly which: Which;
  readonly from: string | null;
  readonly to: string | null;
  readonly batch: number;
  /** Those that it would look at, in order. */
  readonly chosen: readonly Partition[];
  /** How those in the range stand. */
  readonly counts: PartitionCounts;
}

/** Errors: `backfill.unpartitioned`, `backfill.range`, `value.period`, `request.unknown-target`. */
export async function planBackfill(workspace: Workspace, asked: AskedBackfill): Promise<BackfillPlan> {
  const { target, which = "missing", batch = placesOf(workspace) } = asked;
  const project = await workspace.project();
  const dataset = partitionedBehind(workspace, project, target);
  const { names, from, to } = rangeOf(dataset, asked, workspace.now());
  const { partitions } = await standingPartitions({ ...workspace, folder: project.folder }, dataset, names);
  const chosen = partitions.filter(
    ({ state }) => which === "all" || (which === "failed" ? state === "failed" : state !== "current"),
  );
  return { target, dataset: dataset.name, which, from, to, batch, chosen, counts: countPartitions(partitions) };
}

/** Its id. Errors: those of `planBackfill`. */
export async function requestBackfill(workspace: Workspace, asked: AskedBackfill, actor: string): Promise<string> {
  const { chosen, counts: _, ...plan } = await planBackfill(workspace, asked);
  const partitions = chosen.map(({ partition }) => partition);
  return addBackfill(workspace.records, { ...plan, actor }, partitions, workspace.now());
}

/** The one data set with partitions that a target is made from. */
function partitionedBehind({ ledger }: Workspace, project: Project, target: string): DatasetDefinition {
  const nodes = selectNodes(buildGraph(project, ledger.environment), nodeTargets(project, [target]));
  const found = nodes.flatMap(({ partitions }) => partitions ?? []);
  if (found.length === 1) return found[0]!;
  const all = [...project.datasets.values()].filter(({ partitions }) => partitions !== undefined);
  const named = all.map((one) => `${one[KIND]}/${one.name}`).join(", ");
  throw new MillError(
    "backfill.unpartitioned",
    found.length === 0
      ? `${target} is made from no data set with partitions.`
      : `${target} is made from several data sets with partitions.`,
    {
      at: target,
      expected: named || 'a data set with partitions, as in partitions: daily("2024-01-01")',
      got: target,
      fix: "Name one of them.",
    },
  );
}

function rangeOf(dataset: DatasetDefinition, asked: Pick<AskedBackfill, "from" | "to">, now: number) {
  const all = partitionNames(dataset, now);
  const { every } = dataset.partitions!;
  const end = (text: string | undefined, at: string) => (text === undefined ? null : periodOf(every, text, at));
  const [from, to] = [end(asked.from, "from"), end(asked.to, "to")];
  const [first, last] = [all[0], all.at(-1)];
  const outside = (key: string | null) => key !== null && (first === undefined || key < first || key > last!);
  if (!outside(from) && !outside(to) && (from === null || to === null || from <= to))
    return { names: all.filter((key) => (from === null || key >= from) && (to === null || key <= to)), from, to };
  throw new MillError(
    "backfill.range",
    `The data set "${dataset.name}" has no partitions from ${from ?? first} to ${to ?? last}.`,
    {
      at: `dataset "${dataset.name}"`,
      expected: first === undefined ? "a period that is over: none is" : `a range within ${first} to ${last}`,
      got: `${from ?? "the first"} to ${to ?? "the last"}`,
      fix: "Correct the range, or `partitions` in the definition.",
    },
  );
}
