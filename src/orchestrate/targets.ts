/** Targets as people name them, and the steps behind them. */
import { didYouMean, MillError } from "../base/index.ts";
import type { Project } from "../define/index.ts";

/** Targets that have steps: an endpoint's are its model's, a feature set's those of its data set, a problem's those of the models that solve it. */
export function nodeTargets(project: Project, targets: readonly string[]): string[] {
  return targets.flatMap((target) => {
    const [kind, name] = target.split("/") as [string, string];
    if (kind === "dataset" && project.datasets.has(name)) return [target];
    if (kind === "model" && project.models.has(name)) return [target];
    const endpoint = kind === "endpoint" && project.endpoints.get(name);
    if (endpoint) return [`model/${endpoint.serves.name}`];
    const features = kind === "features" && project.features.get(name);
    if (features) return [`dataset/${features.from.name}`];
    if (kind === "problem" && project.problems.has(name)) {
      return [...project.models.values()].filter((model) => model.solves.name === name).map((model) => `model/${model.name}`);
    }
    throw new MillError(
      "request.unknown-target",
      `There is no ${target} in the project.${didYouMean(target, allTargets(project))}`,
      {
        expected: allTargets(project).join(", "),
        got: target,
        fix: "Name what mill.ts exports, as in model/late-arrival.",
      },
    );
  });
}

/** The targets whose standing answers for a target: those of a problem are its models, that of a feature set its data set. */
export const standingOf = (project: Project, target: string) =>
  /^(problem|features)\//.test(target) ? nodeTargets(project, [target]) : [target];

export const allTargets = (project: Project) =>
  (["datasets", "models", "endpoints"] as const).flatMap((kinds) =>
    [...project[kinds].keys()].map((name) => `${kinds.slice(0, -1)}/${name}`),
  );
