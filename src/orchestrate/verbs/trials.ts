/** The leaderboard of a model: of the definition as it is, as far as its trials have ended. */
import { MillError } from "../../base/index.ts";
import type { Handlers } from "../../contract/index.ts";
import type { ModelDefinition } from "../../define/index.ts";
import { buildGraph, selectNodes } from "../graph.ts";
import { makePlan } from "../plan.ts";
import { replay } from "../search.ts";
import { standingsOf } from "../trial-standings.ts";
import type { Workspace } from "../workspace.ts";
import { outsideOf } from "./outside.ts";

/** Error: `train.no-search` for a model whose trainer is stated. */
export const trialsOf =
  (workspace: Workspace, model: (name: string) => Promise<ModelDefinition>): Handlers["getTrials"] =>
  async ({ name }) => {
    const { ledger } = workspace;
    const { tuning } = (await model(name)).train;
    if (tuning === undefined) throw noSearch(name);
    const project = await workspace.project();
    const target = `model/${name}`;
    const nodes = selectNodes(buildGraph(project, ledger.environment), [target]);
    const { steps, results } = await makePlan(nodes, outsideOf(workspace, project), ledger);
    const { node, search } = steps.find(({ node }) => node.id === `${target}:tune`)!;
    const { tried, next } = search ? await replay(search, ledger) : { tried: [], next: [null] };
    const standings = await standingsOf(search?.input(tried).trials ?? [], tuning.better, ledger);
    return {
      ...{ name, metric: tuning.metric, better: tuning.better, sampler: tuning.sampler, pruner: tuning.pruner },
      state: next.length === 0 ? "ended" : "searching",
      why: (results.get(node.id)?.facts.why as string | undefined) ?? null,
      warm: search?.warm ? { searches: search.warm.from.length, trials: search.warm.trials, begins: search.warm.begins } : null,
      trialsMax: tuning.trials,
      trials: standings.map((one) => ({ ...one, trial: one.trial + 1 })),
    };
  };

const noSearch = (name: string) =>
  new MillError("train.no-search", `The trainer of the model "${name}" is stated, not searched for.`, {
    at: `model "${name}"`,
    expected: "a model with train: tune(...) or automl()",
    got: "a trainer with its parameters",
    fix: "Put tune(...) around the trainer, as in train: tune(gradientBoosting()).",
  });
