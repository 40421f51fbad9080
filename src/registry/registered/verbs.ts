import type { Handlers, OutputOf } from "../../contract/index.ts";
import type { Records } from "../../ports/records/index.ts";
import { readLedger } from "../ledger.ts";
import type { ReadPapers } from "./papers.ts";
import type { RegisteredModel, RegisteredModels, RegisteredVersion } from "./registered.ts";

export type RegisteredVerb =
  | ("registerModel" | "getRegisteredModel" | "changeRegisteredModel" | "deleteRegisteredModel" | "searchRegisteredModels")
  | ("tagRegistered" | "setModelAlias" | "getVersionByAlias")
  | ("registerVersion" | "getRegisteredVersion" | "changeRegisteredVersion" | "deleteRegisteredVersion")
  | ("searchRegisteredVersions" | "getVersionPapers" | "getModelLedger");

export interface RegisteredResources {
  readonly models: RegisteredModels;
  readonly papers: ReadPapers;
  readonly records: Records;
}

export const registeredVerbs = ({ models, papers, records }: RegisteredResources): Pick<Handlers, RegisteredVerb> => ({
  registerModel: async ({ model, why, ...described }, { actor }) =>
    shown(await models.create({ name: model, ...described }, { actor, why })),
  getRegisteredModel: async ({ model }) => shown(await models.find(model)),
  changeRegisteredModel: async ({ model, why, ...change }, { actor }) =>
    shown(await models.change(model, change, { actor, why })),
  async deleteRegisteredModel({ model, why }, { actor }) {
    await models.delete(model, { actor, why });
    return { model };
  },
  async searchRegisteredModels(search) {
    const { items, nextPageToken } = await models.search(search);
    return { items: items.map(shown), nextPageToken };
  },
  async tagRegistered({ model, version, why, ...change }, { actor }) {
    await models.tag(model, change, { actor, why }, version);
    return { model };
  },
  async setModelAlias({ model, alias, version, why }, { actor }) {
    if (version === null) await models.removeAlias(model, alias, { actor, why });
    else await models.setAlias(model, alias, version, { actor, why });
    return { model };
  },
  getVersionByAlias: async ({ model, alias }) => versionShown(await models.versionByAlias(model, alias)),
  registerVersion: async ({ model, why, ...version }, { actor }) =>
    versionShown(await models.createVersion({ name: model, ...version }, { actor, why })),
  getRegisteredVersion: async ({ model, version }) => versionShown(await models.version(model, version)),
  changeRegisteredVersion: async ({ model, version, why, ...change }, { actor }) =>
    versionShown(await models.changeVersion(model, version, change, { actor, why })),
  async deleteRegisteredVersion({ model, version, why }, { actor }) {
    await models.deleteVersion(model, version, { actor, why });
    return { model };
  },
  async searchRegisteredVersions(search) {
    const { items, nextPageToken } = await models.searchVersions(search);
    return { items: items.map(versionShown), nextPageToken };
  },
  getVersionPapers: async ({ model, version }) => ({ model, version, ...(await papers(model, version)) }),
  async getModelLedger({ model, limit = 100, cursor }) {
    const found = await readLedger(records, model, {
      limit: limit + 1,
      before: cursor === undefined ? undefined : Number(cursor),
    });
    if (found.length === 0 && cursor === undefined) await models.find(model);
    const items = found.slice(0, limit).map(({ why, ...entry }) => ({ ...entry, why: why || null }));
    return { items, next: found.length > limit ? String(items.at(-1)!.seq) : null };
  },
});

const shown = (model: RegisteredModel): OutputOf<"getRegisteredModel"> => ({ ...model, latest: model.latest.map(versionShown) });
const versionShown = (version: RegisteredVersion): OutputOf<"getRegisteredVersion"> => ({
  ...version,
  aliases: [...version.aliases],
});
