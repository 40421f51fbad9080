/**
 * Every experiment and run as of one change, in memory: what searches, readings and the rules of writing look at. It is made by applying changes in
 * their order, as every server of the same records does.
 *
 * A run is deleted by itself or with its experiment, and restored so: of both, what happened last holds.
 */
import type { Change, DatasetLink, ExperimentChange, RunPatch } from "./change.ts";
import { type Column, MetricColumn, sharedText, TextColumn } from "./columns.ts";
import { eachPoint, type PointBatch } from "./points.ts";
import type { Metric, ModelLink, RunStatus } from "./tracking.ts";

export interface Lifecycle {
  readonly deletedAt: number | null;
  /** The change that it is of. */
  readonly change: number;
}

export class ExperimentState {
  readonly id: string;
  name = "";
  artifactLocation = "";
  createdAt = 0;
  updatedAt = 0;
  lifecycle: Lifecycle = ACTIVE;
  /** Gone for good. */
  purged = false;
  readonly tags = new Map<string, string>();
  /** By row, in the order in which they were made known here. */
  readonly runs: RunState[] = [];
  readonly startedAt: number[] = [];
  readonly metrics = new Map<string, MetricColumn>();
  readonly params = new Map<string, TextColumn>();
  readonly runTags = new Map<string, TextColumn>();
  readonly #lists = new Map<string, readonly Column[]>();

  constructor(id: string) {
    this.id = id;
  }

  get deletedAt(): number | null {
    return this.lifecycle.deletedAt;
  }

  /** The list itself, or one like it that other runs have. */
  sharedList(columns: readonly Column[]): readonly Column[] {
    const name = columns.map(({ number }) => number).join(",");
    const known = this.#lists.get(name);
    if (known) return known;
    if (this.#lists.size >= LISTS_MAX) this.#lists.clear();
    this.#lists.set(name, columns);
    return columns;
  }

  metricColumn(key: string): MetricColumn {
    const known = this.metrics.get(key);
    if (known) return known;
    const column = new MetricColumn(key);
    this.metrics.set(key, column);
    return column;
  }
}

export class RunState {
  readonly id: string;
  readonly experiment: ExperimentState;
  readonly row: number;
  name = "";
  userId = "";
  status: RunStatus = "RUNNING";
  endedAt: number | null = null;
  lifecycle: Lifecycle = ACTIVE;
  /** Gone for good. */
  purged = false;
  /** Those in which it has something, in the order in which it came to have it. Runs with the same ones share the list. */
  columns: readonly Column[] = NOTHING;
  datasets: readonly DatasetLink[] = NOTHING;
  modelInputs: readonly ModelLink[] = NOTHING;
  modelOutputs: readonly ModelLink[] = NOTHING;

  constructor(id: string, experiment: ExperimentState) {
    this.id = id;
    this.experiment = experiment;
    this.row = experiment.runs.length;
  }

  get deletedAt(): number | null {
    const { lifecycle } = this.experiment;
    return (lifecycle.change > this.lifecycle.change ? lifecycle : this.lifecycle).deletedAt;
  }

  get startedAt(): number {
    return this.experiment.startedAt[this.row]!;
  }

  get artifactUri(): string {
    return `${this.experiment.artifactLocation}/${this.id}/artifacts`;
  }
}

const ACTIVE: Lifecycle = { deletedAt: null, change: 0 };
const NOTHING: readonly never[] = [];
/** Lists of columns that are remembered, so that runs may share them. */
const LISTS_MAX = 1000;

/** Points that are in the log and not yet in chunks. */
export interface RecentPoints {
  readonly change: number;
  readonly batch: PointBatch;
}

/** The changes since the rows were brought up to date: the first one, or one before it, and the last one. */
interface Changed {
  readonly first: number;
  readonly last: number;
}

export class TrackingState {
  /** The last change that was applied. */
  last = 0;
  readonly experiments = new Map<string, ExperimentState>();
  readonly experimentsByName = new Map<string, ExperimentState>();
  readonly runs = new Map<string, RunState>();
  /** The change that the rows are as of. */
  foldedTo = 0;
  /** The last change of each group behind those that the rows have. */
  groupEnds: number[] = [];
  /** What changed since the rows were brought up to date. */
  readonly changedExperiments = new Map<ExperimentState, Changed>();
  readonly changedRuns = new Map<RunState, Changed>();
  readonly recent = new Map<RunState, RecentPoints[]>();
  recentPointCount = 0;

  /** The next changes, with their points where they have any. */
  apply(group: readonly { readonly change: Change; readonly batch: PointBatch | null }[]): void {
    for (const { change, batch } of group) this.#applyOne(change, batch);
    this.groupEnds.push(this.last);
  }

  #applyOne(change: Change, batch: PointBatch | null): void {
    this.last++;
    if ("experiment" in change) {
      noteChange(this.changedExperiments, this.patchExperiment(change, this.last), this.last);
      return;
    }
    const run = this.patchRun(change, this.last);
    noteChange(this.changedRuns, run, this.last);
    if (change.purged) this.#forgetPoints(run);
    if (!batch) return;
    offerPoints(run, batch);
    const recent = this.recent.get(run);
    if (recent) recent.push({ change: this.last, batch });
    else this.recent.set(run, [{ change: this.last, batch }]);
    this.recentPointCount += batch.codes.length;
  }

  #forgetPoints(run: RunState): void {
    for (const { batch } of this.recent.get(run) ?? []) this.recentPointCount -= batch.codes.length;
    this.recent.delete(run);
  }

  /** The rows are now as of this change, or of a later one. */
  folded(change: number): void {
    this.foldedTo = change;
    this.groupEnds = this.groupEnds.filter((end) => end > change);
    forgetUntil(this.changedExperiments, change);
    forgetUntil(this.changedRuns, change);
    for (const [run, batches] of this.recent) {
      const later = batches.filter((batch) => batch.change > change);
      for (const { batch } of batches) this.recentPointCount -= batch.codes.length;
      for (const { batch } of later) this.recentPointCount += batch.codes.length;
      if (later.length > 0) this.recent.set(run, later);
      else this.recent.delete(run);
    }
  }

  patchExperiment(patch: ExperimentChange, change: number): ExperimentState {
    const id = patch.experiment;
    const experiment = this.experiments.get(id) ?? new ExperimentState(id);
    this.experiments.set(id, experiment);
    if (patch.purged) {
      if (this.experimentsByName.get(experiment.name) === experiment) this.experimentsByName.delete(experiment.name);
      experiment.name = "";
      experiment.tags.clear();
      experiment.purged = true;
      return experiment;
    }
    if (experiment.purged && patch.createdAt !== undefined) {
      experiment.purged = false;
      experiment.lifecycle = { deletedAt: null, change };
    }
    if (patch.name !== undefined) {
      if (this.experimentsByName.get(experiment.name) === experiment) this.experimentsByName.delete(experiment.name);
      experiment.name = patch.name;
      this.experimentsByName.set(patch.name, experiment);
    }
    experiment.artifactLocation = patch.artifactLocation ?? experiment.artifactLocation;
    experiment.createdAt = patch.createdAt ?? experiment.createdAt;
    experiment.updatedAt = patch.updatedAt ?? experiment.updatedAt;
    if (patch.deletedAt !== undefined) experiment.lifecycle = { deletedAt: patch.deletedAt, change };
    for (const [key, value] of patch.tags ?? [])
      if (value === null) experiment.tags.delete(key);
      else experiment.tags.set(key, value);
    return experiment;
  }

  patchRun(patch: RunPatch, change: number): RunState {
    const known = this.runs.get(patch.run);
    const isBorn = !known || (known.purged && !patch.purged && patch.experimentId !== undefined);
    const run = isBorn ? this.#addRun(patch) : known;
    if (patch.purged) {
      emptyRun(run);
      run.purged = true;
      return run;
    }
    run.name = patch.name ?? run.name;
    if (patch.userId !== undefined) run.userId = sharedText(patch.userId);
    if (patch.status !== undefined) run.status = sharedText(patch.status) as RunStatus;
    if (patch.startedAt !== undefined) run.experiment.startedAt[run.row] = patch.startedAt;
    run.endedAt = patch.endedAt ?? run.endedAt;
    if (patch.deletedAt !== undefined) run.lifecycle = { deletedAt: patch.deletedAt, change };
    const added: Column[] = [];
    for (const [key, value] of patch.params ?? []) setText(run, "params", run.experiment.params, key, value, added);
    for (const [key, value] of patch.tags ?? []) setText(run, "tags", run.experiment.runTags, key, value, added);
    addColumns(run, added);
    if (patch.datasets) run.datasets = withNew(run.datasets, patch.datasets, (link) => JSON.stringify([link.name, link.digest]));
    if (patch.modelInputs) run.modelInputs = withNew(run.modelInputs, patch.modelInputs, ({ modelId }) => modelId);
    if (patch.modelOutputs) run.modelOutputs = withNew(run.modelOutputs, patch.modelOutputs, ({ modelId }) => modelId);
    return run;
  }

  /** A run as its row has it: nothing else is left of what was known. */
  replaceRun(patch: RunPatch, metrics: readonly string[], latest: Uint8Array | null, change: number): void {
    const known = this.runs.get(patch.run);
    if (known) emptyRun(known);
    const run = this.patchRun(patch, change);
    if (!latest) return;
    const columns = metrics.map((key) => run.experiment.metricColumn(key));
    eachPoint(latest, (code, value, step, timestamp) => columns[code]!.offer(run.row, value, step, timestamp));
    addColumns(run, columns);
  }

  #addRun({ run: id, experimentId }: RunPatch): RunState {
    const experiment = this.experiments.get(experimentId!)!;
    const run = new RunState(id, experiment);
    experiment.runs.push(run);
    experiment.startedAt.push(0);
    this.runs.set(id, run);
    return run;
  }
}

function emptyRun(run: RunState): void {
  for (const column of run.columns) column.clear(run.row);
  run.columns = NOTHING;
  run.datasets = run.modelInputs = run.modelOutputs = NOTHING;
  run.name = run.userId = "";
}

/** What a run has under each key, in the order in which it came to have it. */
export function contentsOf(run: RunState) {
  const params: [key: string, value: string][] = [];
  const tags: [key: string, value: string][] = [];
  const metrics: Metric[] = [];
  for (const column of run.columns)
    if (column.kind === "metrics") metrics.push({ key: column.key, ...column.point(run.row) });
    else (column.kind === "params" ? params : tags).push([column.key, column.value(run.row)!]);
  return { params, tags, metrics };
}

function offerPoints(run: RunState, { keys, codes, values, steps, timestamps }: PointBatch): void {
  const columns = keys.map((key) => run.experiment.metricColumn(key));
  const added: Column[] = [];
  for (let at = 0; at < codes.length; at++) {
    const column = columns[codes[at]!]!;
    if (column.offer(run.row, values[at]!, steps[at]!, timestamps[at]!)) added.push(column);
  }
  addColumns(run, added);
}

function setText(
  run: RunState,
  kind: "params" | "tags",
  columns: Map<string, TextColumn>,
  key: string,
  value: string | null,
  added: Column[],
): void {
  const column = columns.get(key) ?? new TextColumn(kind, key);
  columns.set(key, column);
  if (value === null) {
    column.clear(run.row);
    run.columns = run.columns.filter((other) => other !== column);
  } else if (column.set(run.row, value === run.name ? run.name : sharedText(value))) added.push(column);
}

function addColumns(run: RunState, added: readonly Column[]): void {
  if (added.length > 0) run.columns = run.experiment.sharedList([...run.columns, ...added]);
}

function withNew<T>(links: readonly T[], added: readonly T[], nameOf: (link: T) => string): readonly T[] {
  const known = new Map(links.map((link) => [nameOf(link), link]));
  for (const link of added) if (!known.has(nameOf(link))) known.set(nameOf(link), link);
  return [...known.values()];
}

function noteChange<T>(changed: Map<T, Changed>, what: T, change: number): void {
  changed.set(what, { first: changed.get(what)?.first ?? change, last: change });
}

function forgetUntil<T>(changed: Map<T, Changed>, change: number): void {
  for (const [what, { first, last }] of changed)
    if (last <= change) changed.delete(what);
    else if (first <= change) changed.set(what, { first: change + 1, last });
}
