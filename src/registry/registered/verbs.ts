import type { Handlers, OutputOf } from "../../contract/index.ts";
import type { RegisteredModel, RegisteredModels, RegisteredVersion } from "./registered.ts";

export type RegisteredVerb =
  | ("registerModel" | "getRegisteredModel" | "changeRegisteredModel" | "deleteRegisteredModel" | "searchRegisteredModels")
  | ("tagRegistered" | "setModelAlias" | "getVersionByAlias")
  | ("registerVersion" | "getRegisteredVersion" | "changeRegisteredVersion" | "deleteRegisteredVersion")
  | "searchRegisteredVersions";

export const registeredVerbs = (models: RegisteredModels): Pick<Handlers, RegisteredVerb> => ({
  registerModel: async ({ model, ...described }) => shown(await models.create({ name: model, ...described })),
  getRegisteredModel: async ({ model }) => shown(await models.find(model)),
  changeRegisteredModel: async ({ model, ...change }) => shown(await models.change(model, change)),
  async deleteRegisteredModel({ model }) {
    await models.delete(model);
    return { model };
  },
  async searchRegisteredModels(search) {
    const { items, nextPageToken } = await models.search(search);
    return { items: items.map(shown), nextPageToken };
  },
  async tagRegistered({ model, version, ...change }) {
    await models.tag(model, change, version);
    return { model };
  },
  async setModelAlias({ model, alias, version, why = "set by hand" }, { actor }) {
    if (version === null) await models.removeAlias(model, alias, { actor, why });
    else await models.setAlias(model, alias, version, { actor, why });
    return { model };
  },
  getVersionByAlias: async ({ model, alias }) => versionShown(await models.versionByAlias(model, alias)),
  registerVersion: async ({ model, ...version }, { actor }) =>
    versionShown(await models.createVersion({ name: model, actor, ...version })),
  getRegisteredVersion: async ({ model, version }) => versionShown(await models.version(model, version)),
  changeRegisteredVersion: async ({ model, version, ...change }) =>
    versionShown(await models.changeVersion(model, version, change)),
  async deleteRegisteredVersion({ model, version }, { actor }) {
    await models.deleteVersion(model, version, { actor, why: "the version was deleted" });
    return { model };
  },
  async searchRegisteredVersions(search) {
    const { items, nextPageToken } = await models.searchVersions(search);
    return { items: items.map(versionShown), nextPageToken };
  },
});

const shown = (model: RegisteredModel): OutputOf<"getRegisteredModel"> => ({ ...model, latest: model.latest.map(versionShown) });
const versionShown = (version: RegisteredVersion): OutputOf<"getRegisteredVersion"> => ({
  ...version,
  aliases: [...version.aliases],
});
