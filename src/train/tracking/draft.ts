/** The state with changes on top of it that are not on disk yet: what the rules of the next change look at. */
import type { Change } from "./change.ts";
import type { ExperimentState, Lifecycle, RunState, TrackingState } from "./state.ts";

export interface ExperimentView {
  readonly id: string;
  readonly name: string;
  readonly deletedAt: number | null;
  hasTag(key: string): boolean;
}

export interface RunView {
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly deletedAt: number | null;
  hasTag(key: string): boolean;
  param(key: string): string | undefined;
}

export interface Draft {
  experiment(id: string): ExperimentView | undefined;
  experimentNamed(name: string): ExperimentView | undefined;
  readonly nextExperimentId: string;
  run(id: string): RunView | undefined;
  put(change: Change): void;
}

interface Pending {
  name?: string | undefined;
  experimentId?: string | undefined;
  lifecycle?: Lifecycle;
  readonly tags: Map<string, string | null>;
  readonly params: Map<string, string>;
}

export function createDraft(state: TrackingState): Draft {
  const experiments = new Map<string, Pending>();
  const runs = new Map<string, Pending>();
  const names = new Map<string, string>();
  let last = state.last;
  let nextId: number | null = null;

  const experiment = (id: string): ExperimentView | undefined => {
    const known = state.experiments.get(id);
    const pending = experiments.get(id);
    if ((!known || known.purged) && !pending) return undefined;
    return {
      id,
      name: pending?.name ?? known!.name,
      deletedAt: lifecycleOf(pending, known).deletedAt,
      hasTag: (key) => (pending?.tags.has(key) ? pending.tags.get(key) !== null : known?.tags.has(key) === true),
    };
  };

  return {
    experiment,
    experimentNamed(name) {
      const id = names.get(name) ?? state.experimentsByName.get(name)?.id;
      const found = id === undefined ? undefined : experiment(id);
      return found?.name === name ? found : undefined;
    },
    get nextExperimentId() {
      nextId ??= 1 + [...state.experiments.keys()].reduce((highest, id) => Math.max(highest, countedId(id)), 0);
      while (experiments.has(String(nextId))) nextId++;
      return String(nextId);
    },
    run(id) {
      const known = state.runs.get(id);
      const pending = runs.get(id);
      if ((!known || known.purged) && !pending) return undefined;
      const experimentId = known?.experiment.id ?? pending!.experimentId!;
      const own = lifecycleOf(pending, known);
      const whole = lifecycleOf(experiments.get(experimentId), state.experiments.get(experimentId));
      return {
        id,
        experimentId,
        name: pending?.name ?? known!.name,
        deletedAt: (whole.change > own.change ? whole : own).deletedAt,
        hasTag: (key) =>
          pending?.tags.has(key)
            ? pending.tags.get(key) !== null
            : known?.experiment.runTags.get(key)?.value(known.row) !== undefined,
        param: (key) => pending?.params.get(key) ?? known?.experiment.params.get(key)?.value(known.row),
      };
    },
    put(change) {
      last++;
      const pending = "experiment" in change ? pendingOf(experiments, change.experiment) : pendingOf(runs, change.run);
      if ("experiment" in change && change.name !== undefined) names.set(change.name, change.experiment);
      if ("run" in change) {
        pending.experimentId ??= change.experimentId;
        for (const [key, value] of change.params ?? []) pending.params.set(key, value);
      }
      pending.name = change.name ?? pending.name;
      if (change.deletedAt !== undefined) pending.lifecycle = { deletedAt: change.deletedAt, change: last };
      for (const [key, value] of change.tags ?? []) pending.tags.set(key, value);
    },
  };
}

const COUNTED_MAX = 1_000_000_000;

/** Experiments that were imported may have ids of 18 digits, which MLflow's folders draw by lot: those that are made here count on from the others. */
const countedId = (id: string): number => (Number(id) <= COUNTED_MAX ? Number(id) : 0);

function pendingOf(all: Map<string, Pending>, id: string): Pending {
  const pending = all.get(id) ?? { tags: new Map(), params: new Map() };
  all.set(id, pending);
  return pending;
}

const lifecycleOf = (pending: Pending | undefined, known: ExperimentState | RunState | undefined): Lifecycle =>
  pending?.lifecycle ?? known?.lifecycle ?? { deletedAt: null, change: 0 };
