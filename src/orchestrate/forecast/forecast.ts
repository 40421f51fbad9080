/**
 * What a plan will take: each step by what earlier attempts of its kind and target took, or where there is none by those of its kind; the whole along
 * the graph. Rows keep what was foretold beside each run, and tell afterwards how good it was.
 */
import type { DatasetDefinition, Project } from "../../define/index.ts";
import type { Statement } from "../../ports/records/index.ts";
import { type Taken, takenBy } from "../../steps/index.ts";
import type { GraphNode, Outside } from "../graph-node.ts";
import type { PlannedStep } from "../plan.ts";
import type { Workspace } from "../workspace.ts";
import { walkOften } from "./along-graph.ts";
import { type Expectation, expectNext, type Sample } from "./expectation.ts";
import { inputBytes } from "./input-size.ts";

export interface StepForecast {
  readonly wallMs: number;
  /** From here to `highMs` with probability `sure`. */
  readonly lowMs: number;
  readonly highMs: number;
  readonly sure: number;
  readonly memoryBytes: number;
  /** That stand behind it. */
  readonly attempts: number;
  /** `kind`: the target has not run yet, so that attempts for other targets speak. */
  readonly of: "target" | "kind";
}

export interface ForecastStep {
  readonly node: GraphNode;
  readonly inputBytes: number | null;
  /** null: no step of this kind has run yet, or it is a search. */
  readonly forecast: StepForecast | null;
}

export interface Forecast {
  /** Those that would run, and those that wait for them and may. */
  readonly steps: readonly ForecastStep[];
  /** Of them, those of which nothing is known; the numbers below leave them out. */
  readonly unknown: number;
  readonly wallMs: number;
  /** A tenth of what was drawn from earlier attempts lies below, a tenth above `highMs`. */
  readonly lowMs: number;
  readonly highMs: number;
  /** The most that is held at one time. */
  readonly memoryBytes: number;
  /** Behind the step of which least is known. */
  readonly attempts: number;
}

/** So many attempts are looked back at. */
const LOOK_BACK = 30;

/** `concurrency`: steps at a time. */
export async function forecastPlan(
  workspace: Pick<Workspace, "records" | "objects">,
  { project, outside }: { readonly project: Project; readonly outside: Outside },
  planned: readonly PlannedStep[],
  concurrency: number,
): Promise<Forecast> {
  const open = planned.filter(({ state }) => state === "run" || state === "waiting").map(({ node }) => node);
  const sizes = new Map<DatasetDefinition, Promise<number | null>>();
  const sizeOf = (node: GraphNode) => {
    const dataset = datasetOf(project, node.target);
    const size = sizes.get(dataset) ?? inputBytes(dataset, project.folder, outside, workspace.objects);
    sizes.set(dataset, size);
    return size;
  };
  const found = await Promise.all(
    open.map(async (node): Promise<Expected> => {
      if (node.partitions) return nothingKnown(node, null); // one attempt tells nothing of so many
      return expectStep(workspace, node, await sizeOf(node));
    }),
  );
  const known = found.filter(({ wall }) => wall !== null);
  const whole = walkOften(
    known.map(({ node, wall, memory }) => ({ id: node.id, needs: node.needs, wallMs: wall!.drawn, memoryBytes: memory!.value })),
    concurrency,
  );
  return {
    steps: found.map(({ node, inputBytes, forecast }) => ({ node, inputBytes, forecast })),
    unknown: found.length - known.length,
    ...whole,
    attempts: known.length === 0 ? 0 : Math.min(...known.map(({ wall }) => wall!.attempts)),
  };
}

const datasetOf = ({ datasets, models }: Project, target: string): DatasetDefinition => {
  const [kind, name] = target.split("/") as [string, string];
  return kind === "dataset" ? datasets.get(name)! : models.get(name)!.from.from;
};

interface Expected extends ForecastStep {
  readonly wall: Expectation | null;
  readonly memory: Expectation | null;
}

const nothingKnown = (node: GraphNode, inputBytes: number | null): Expected => ({
  ...{ node, inputBytes, forecast: null, wall: null, memory: null },
});

async function expectStep({ records }: Pick<Workspace, "records">, node: GraphNode, size: number | null): Promise<Expected> {
  const { kind, target } = node;
  if (node.search) return nothingKnown(node, size); // its trials take what they take
  const own = await takenBy(records, { kind, target }, LOOK_BACK);
  const taken = own.length > 0 ? own : await takenBy(records, { kind }, LOOK_BACK);
  const sizes = taken.length > 0 ? await sizesOf(records, kind) : new Map<string, number>();
  const samples = (value: (one: Taken) => number): Sample[] =>
    taken.map((one) => ({ value: value(one), size: sizes.get(`${one.runId} ${one.target}`) ?? null }));
  const wall = expectNext(
    samples(({ meters }) => meters.wallMs),
    size,
  );
  const memory = expectNext(
    samples(({ meters }) => meters.peakRssBytes),
    size,
  );
  if (wall === null || memory === null) return nothingKnown(node, size);
  const forecast: StepForecast = {
    ...{ wallMs: wall.value, lowMs: wall.low, highMs: wall.high, sure: wall.sure, attempts: wall.attempts },
    ...{ memoryBytes: Math.round(memory.value), of: own.length > 0 ? "target" : "kind" },
  };
  return { node, inputBytes: size, forecast, wall, memory };
}

/** What the inputs of a kind's steps measured when their runs began, by run and target. */
async function sizesOf(records: Workspace["records"], kind: string): Promise<Map<string, number>> {
  const rows = await records.query<{ runId: string; target: string; inputBytes: number }>(
    `SELECT run_id AS "runId", target, input_bytes AS "inputBytes" FROM forecasts WHERE kind = ? AND input_bytes IS NOT NULL
      ORDER BY run_id DESC LIMIT ?`,
    [kind, 20 * LOOK_BACK],
  );
  return new Map(rows.map(({ runId, target, inputBytes }) => [`${runId} ${target}`, inputBytes]));
}

/** To be committed when the run begins. */
export function forecastStatements(runId: string, { steps, unknown, attempts, ...whole }: Forecast): Statement[] {
  const row = (target: string, kind: string, size: number | null, told: Omit<StepForecast, "sure" | "of"> | null): Statement => ({
    sql: `INSERT INTO forecasts (run_id, target, kind, input_bytes, wall_ms, low_ms, high_ms, memory_bytes, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    params: [
      runId,
      target,
      kind,
      size,
      told?.wallMs ?? null,
      told?.lowMs ?? null,
      told?.highMs ?? null,
      told?.memoryBytes ?? null,
      told?.attempts ?? 0,
    ],
  });
  if (steps.length === 0) return [];
  const isWhole = unknown === 0;
  return [
    ...steps.map(({ node, inputBytes, forecast }) => row(node.target, node.kind, inputBytes, forecast)),
    row("", WHOLE, null, isWhole ? { ...whole, attempts } : null),
  ];
}

/** The kind under which a whole run's forecast stands. */
const WHOLE = "run";
