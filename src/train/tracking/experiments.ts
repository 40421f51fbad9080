/** What may be done to experiments: each function plans one change on what is there. */
import { MillError } from "../../base/index.ts";
import type { ExperimentChange } from "./change.ts";
import type { Draft, ExperimentView } from "./draft.ts";
import { checkExperiment, checkExperimentName, checkExperimentTag } from "./rules.ts";
import type { ExperimentState } from "./state.ts";
import type { Experiment, NewExperiment } from "./tracking.ts";
import type { Plan, Planner } from "./writer.ts";

export const DEFAULT_ID = "0";

/** The experiment that is there from the start. */
export function defaultExperiment(artifactRoot: string, nowMs: number): Planner<void> {
  return (draft) =>
    draft.experiment(DEFAULT_ID)
      ? { changes: [], answer: undefined }
      : just(birth(DEFAULT_ID, { name: "Default" }, artifactRoot, nowMs));
}

/** The new one's id. */
export function createExperiment(wanted: NewExperiment, artifactRoot: string, nowMs: number): Planner<string> {
  checkExperiment(wanted);
  return (draft) => {
    requireFree(draft, wanted.name);
    const id = draft.nextExperimentId;
    return { ...just(birth(id, wanted, artifactRoot, nowMs)), answer: id };
  };
}

export function renameExperiment(id: string, name: string, nowMs: number): Planner<void> {
  checkExperimentName(name);
  return (draft) => {
    const experiment = activeExperiment(draft, id);
    if (experiment.name !== name) requireFree(draft, name);
    return just({ experiment: id, name, updatedAt: nowMs });
  };
}

export const deleteExperiment =
  (id: string, nowMs: number): Planner<void> =>
  (draft) => {
    if (knownExperiment(draft, id).deletedAt !== null) throw unknownExperiment(id, "active");
    return just({ experiment: id, deletedAt: nowMs, updatedAt: nowMs });
  };

export const restoreExperiment =
  (id: string, nowMs: number): Planner<void> =>
  (draft) => {
    if (knownExperiment(draft, id).deletedAt === null) throw unknownExperiment(id, "deleted");
    return just({ experiment: id, deletedAt: null, updatedAt: nowMs });
  };

export function setExperimentTag(id: string, key: string, value: string, nowMs: number): Planner<void> {
  checkExperimentTag(key, value);
  return (draft) => {
    activeExperiment(draft, id);
    return just({ experiment: id, tags: [[key, value]], updatedAt: nowMs });
  };
}

export const deleteExperimentTag =
  (id: string, key: string, nowMs: number): Planner<void> =>
  (draft) => {
    if (!activeExperiment(draft, id).hasTag(key)) throw unknownTag(key, `experiment ${id}`);
    return just({ experiment: id, tags: [[key, null]], updatedAt: nowMs });
  };

export const toExperiment = ({
  lifecycle,
  tags,
  id,
  name,
  artifactLocation,
  createdAt,
  updatedAt,
}: ExperimentState): Experiment => ({
  ...{ id, name, artifactLocation, createdAt, updatedAt },
  deletedAt: lifecycle.deletedAt,
  tags: Object.fromEntries(tags),
});

/** Errors: `tracking.unknown-experiment`, `tracking.not-active`. */
export function activeExperiment(draft: Draft, id: string): ExperimentView {
  const experiment = knownExperiment(draft, id);
  if (experiment.deletedAt === null) return experiment;
  throw new MillError("tracking.not-active", `The experiment ${id} is deleted.`, {
    at: "experiment_id",
    expected: "an active experiment",
    got: "deleted",
    fix: "Restore it first.",
  });
}

function knownExperiment(draft: Draft, id: string): ExperimentView {
  const experiment = draft.experiment(id);
  if (!experiment) throw unknownExperiment(id);
  return experiment;
}

export const unknownExperiment = (id: string, wanted = "") =>
  new MillError("tracking.unknown-experiment", `There is no ${wanted && `${wanted} `}experiment "${id.slice(0, 200)}".`, {
    at: "experiment_id",
    got: id.slice(0, 200),
    fix: "Search for the experiments that there are.",
  });

export const unknownTag = (key: string, of: string) =>
  new MillError("tracking.unknown-tag", `There is no tag "${key.slice(0, 250)}" of ${of}.`, {
    at: "key",
    got: key.slice(0, 250),
  });

/** Errors: `tracking.experiment-exists`. */
export function requireFree(draft: Draft, name: string): void {
  const taken = draft.experimentNamed(name);
  if (!taken) return;
  const state = taken.deletedAt === null ? "active" : "deleted";
  throw new MillError("tracking.experiment-exists", `There is an experiment of the name "${name}" already.`, {
    at: "name",
    expected: "a name that no experiment has, deleted ones among them",
    got: `${name}, of the ${state} experiment ${taken.id}`,
    fix: state === "active" ? "Use it, or choose another name." : "Restore it, or choose another name.",
  });
}

const birth = (
  id: string,
  { name, artifactLocation, tags = {} }: NewExperiment,
  artifactRoot: string,
  nowMs: number,
): ExperimentChange => ({
  experiment: id,
  name,
  artifactLocation: artifactLocation?.replace(/\/+$/, "") || `${artifactRoot}/${id}`,
  createdAt: nowMs,
  updatedAt: nowMs,
  tags: Object.entries(tags),
});

const just = (change: ExperimentChange): Plan<void> => ({ changes: [{ change, batch: null }], answer: undefined });
