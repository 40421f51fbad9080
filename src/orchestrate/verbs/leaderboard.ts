/** The models that solve a problem, side by side. */
import { MillError } from "../../base/index.ts";
import { type Handlers, MEASURES, type Task } from "../../contract/index.ts";
import { measuresOf } from "../../learn/index.ts";
import { boardOf, COSTS, type CostName } from "../leaderboard/board.ts";
import { candidatesOf } from "../leaderboard/candidates.ts";
import type { Workspace } from "../workspace.ts";
import { named } from "./named.ts";

export const leaderboardVerbs = (workspace: Workspace): Pick<Handlers, "getLeaderboard"> => ({
  async getLeaderboard({ name, by }) {
    const project = await workspace.project();
    const { task, question } = named(project.problems, name, "problem");
    const order = orderOf(task, by);
    const models = [...project.models.values()].filter(({ solves }) => solves.name === name);
    const found = await Promise.all(models.map((model) => candidatesOf(workspace, model)));
    const { cost, quality } = order;
    return {
      ...{ problem: { name, question }, task, quality },
      ...(cost === null ? { by: quality.measure, better: quality.better } : { by: cost, better: "lower" }),
      ...boardOf(found.flat(), cost, quality),
      without: models.filter((_, index) => found[index]!.length === 0).map((model) => model.name),
    };
  },
});

/** Costs are seen beside the usual measure of the task. */
function orderOf(task: Task, by: string | undefined) {
  const usual = measuresOf(task)[0]!.name;
  const directions: Readonly<Record<string, { readonly better: "higher" | "lower" }>> = MEASURES[task];
  const quality = (measure: string) => ({ measure, better: directions[measure]!.better });
  if (by === undefined) return { cost: null, quality: quality(usual) };
  if (Object.hasOwn(directions, by)) return { cost: null, quality: quality(by) };
  if (Object.hasOwn(COSTS, by)) return { cost: by as CostName, quality: quality(usual) };
  throw new MillError("request.unknown-name", `A leaderboard of ${task} is not sorted by "${by}".`, {
    expected: [...Object.keys(directions), ...Object.keys(COSTS)].join(", "),
    got: by,
    fix: "Name one of them, as in --by latency.",
  });
}
