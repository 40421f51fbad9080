import type { Handlers, OutputOf } from "../../contract/index.ts";
import type { LoggedModel, LoggedModels } from "./logged-models.ts";

export type LoggedModelVerb =
  | ("createLoggedModel" | "getLoggedModel" | "finishLoggedModel" | "deleteLoggedModel")
  | ("describeLoggedModel" | "searchLoggedModels");

export const loggedModelVerbs = (models: LoggedModels): Pick<Handlers, LoggedModelVerb> => ({
  createLoggedModel: async ({ experiment, ...model }) => shown(await models.create({ experimentId: experiment, ...model })),
  getLoggedModel: async ({ model, deleted }) => shown(await models.find(model, { deleted })),
  finishLoggedModel: async ({ model, status }) => shown(await models.finish(model, status)),
  async deleteLoggedModel({ model }) {
    await models.delete(model);
    return { model };
  },
  describeLoggedModel: async ({ model, ...description }) => shown(await models.describe(model, description)),
  async searchLoggedModels({ experiments, ...search }) {
    const { items, nextPageToken } = await models.search({ experimentIds: experiments, ...search });
    return { items: items.map(shown), nextPageToken };
  },
});

/** What JSON has no numbers for goes as text. */
const shown = ({ metrics, ...model }: LoggedModel): OutputOf<"getLoggedModel"> => ({
  ...model,
  metrics: metrics.map(({ modelId: _, value, ...metric }) => ({
    ...metric,
    value: Number.isFinite(value) ? value : (String(value) as "NaN" | "Infinity" | "-Infinity"),
  })),
});
