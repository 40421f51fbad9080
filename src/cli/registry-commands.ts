/** Registered models: their versions, papers and history, and who is told of them. */
import { VERBS } from "../contract/index.ts";
import type { CommandInfo } from "./command.ts";

const PAGE = {
  limit: { about: "Items at most, 1 to 1000.", value: "N" },
  cursor: { about: "Go on behind the page that told it.", value: "CURSOR" },
};
const WHY = { why: { about: "It stands in the ledger.", value: "TEXT" } };
const EVENTS = {
  events: {
    about: "What it is told of, as in model_version.created,model_version_alias.created; of a new one all.",
    value: "LIST",
  },
};
const SECRET = { secret: { about: "Sign what it is told with a secret, typed or from standard input." } };

const none = { operands: "", operandsMax: 0 };
const one = (operands: string) => ({ operands, operandsMin: 1, operandsMax: 1 });
const two = (operands: string) => ({ operands, operandsMin: 2, operandsMax: 2 });

const model = () => import("./model.ts");
const webhook = () => import("./webhook.ts");

export const REGISTRY_COMMANDS: Readonly<Record<string, CommandInfo>> = {
  "model list": {
    about: "List the registered models, those of the project and those that people registered.",
    example: "mill model list --filter \"name LIKE 'churn%'\"",
    ...none,
    flags: { filter: { about: "By name and tags, in MLflow's words.", value: "FILTER" }, ...PAGE },
    load: async () => ({ command: (await model()).list }),
  },
  "model show": {
    about: "Show a registered model, or a version of it with its papers: licence, signature, dependencies, code, run.",
    example: "mill model show churn@2",
    ...one("NAME[@VERSION|@ALIAS]"),
    load: async () => ({ command: (await model()).show }),
  },
  "model ledger": {
    about: VERBS.getModelLedger.about,
    example: VERBS.getModelLedger.example,
    ...one("NAME"),
    flags: PAGE,
    load: async () => ({ command: (await model()).ledger }),
  },
  "model alias": {
    about: VERBS.setModelAlias.about,
    example: "mill model alias churn@2 best --why 'fewer false alarms'",
    ...two("NAME@VERSION ALIAS"),
    flags: { ...WHY, remove: { about: "Take it away." } },
    load: async () => ({ command: (await model()).alias }),
  },
  "model describe": {
    about: "Say what a version is, and under what licence it stands.",
    example: "mill model describe churn@2 --license Apache-2.0",
    ...one("NAME@VERSION"),
    flags: {
      text: { about: "What it is.", value: "TEXT" },
      license: { about: "Its licence, as an SPDX expression or a name.", value: "TEXT" },
      stage: { about: "None, Staging, Production or Archived.", value: "STAGE" },
      ...WHY,
    },
    load: async () => ({ command: (await model()).describe }),
  },
  "webhook create": {
    about: VERBS.createWebhook.about,
    example: VERBS.createWebhook.example,
    ...two("NAME URL"),
    flags: { ...EVENTS, ...SECRET, about: { about: "What it is for.", value: "TEXT" } },
    load: async () => ({ command: (await webhook()).create }),
  },
  "webhook list": {
    about: VERBS.listWebhooks.about,
    example: VERBS.listWebhooks.example,
    ...none,
    flags: PAGE,
    load: async () => ({ command: (await webhook()).list }),
  },
  "webhook change": {
    about: VERBS.changeWebhook.about,
    example: VERBS.changeWebhook.example,
    ...one("WEBHOOK"),
    flags: {
      ...{ name: { about: "Its name.", value: "NAME" }, url: { about: "Its address.", value: "URL" } },
      ...EVENTS,
      ...SECRET,
      ...{ on: { about: "Tell it what happens from now on." }, off: { about: "Tell it nothing." } },
      "no-secret": { about: "Sign no more." },
    },
    load: async () => ({ command: (await webhook()).change }),
  },
  "webhook delete": {
    about: VERBS.deleteWebhook.about,
    example: VERBS.deleteWebhook.example,
    ...one("WEBHOOK"),
    load: async () => ({ command: (await webhook()).remove }),
  },
  "webhook test": {
    about: VERBS.testWebhook.about,
    example: VERBS.testWebhook.example,
    ...one("WEBHOOK"),
    flags: { event: { about: "Default: the first of its events.", value: "EVENT" } },
    load: async () => ({ command: (await webhook()).test }),
  },
};
