/** Registered models and their versions: what the platform made, and what people register. Times are milliseconds since 1970. */
import { anything, boolean, fieldsOf, integer, list, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { digest, limit, pageOf, version } from "./nouns.ts";
import { browses, edits } from "./verb.ts";

const model = text({ maxLength: 500, description: "Name of a registered model" });
const alias = text({ maxLength: 500 });
const time = integer({ description: "Milliseconds since 1970" });
const tags = fieldsOf(text());
const description = text({ maxLength: 100_000 });
const why = optional(text({ maxLength: 500, description: "It stands in the ledger" }));
const license = text({ pattern: "\\S", maxLength: 500, examples: ["Apache-2.0"] });
const stage = oneOf(["None", "Staging", "Production", "Archived"]);

const registeredVersion = object({
  name: model,
  version,
  source: text({ description: "As it was registered; of what the platform made `mill:/NAME/VERSION`" }),
  location: orNull(text({ description: "Where its files are to be downloaded" })),
  runId: orNull(text()),
  runLink: orNull(text()),
  modelId: orNull(text({ description: "Of the logged model that it is" })),
  actor: orNull(text({ description: "Who registered it; null: a run of the platform" })),
  description: orNull(text()),
  stage,
  createdAt: time,
  updatedAt: time,
  tags,
  aliases: list(text()),
  bundle: orNull(digest),
  passed: orNull(boolean({ description: "Of a bundle: whether it passed every gate" })),
});

const registeredModel = object({
  name: model,
  description: orNull(text()),
  createdAt: time,
  updatedAt: time,
  tags,
  aliases: fieldsOf(version, { description: "Version by alias" }),
  gated: boolean({ description: "Gates decide what is champion and challenger of it" }),
  latest: list(registeredVersion, { description: "The newest of each stage" }),
});

const search = {
  filter: optional(text({ maxLength: 100_000, examples: ["name LIKE 'churn%' AND tags.team = 'a'"] })),
  orderBy: optional(list(text({ maxLength: 1000, examples: ["name DESC"] }), { maxItems: 100 })),
  limit: optional(integer({ minimum: 1, maximum: 200_000, description: "Items at most; default 100" })),
  pageToken: optional(text({ maxLength: 100_000, description: "`nextPageToken` of the page before" })),
};
const found = { nextPageToken: orNull(text()) };
const done = object({ model });

export const registerModel = edits({
  about: "Register the name of a model.",
  example: `curl -d '{"model": "churn"}' -H 'Content-Type: application/json' localhost:4747/v1/registered-models`,
  input: object({ model, description: optional(description), tags: optional(tags), why }),
  output: registeredModel,
  http: { method: "POST", path: "/v1/registered-models" },
});

export const getRegisteredModel = browses({
  about: "Show a registered model, with the newest version of each stage.",
  example: "curl localhost:4747/v1/registered-models/churn",
  input: object({ model }),
  output: registeredModel,
  http: { method: "GET", path: "/v1/registered-models/:model" },
});

export const changeRegisteredModel = edits({
  about: "Describe a registered model, or rename it with all that it has.",
  example: `curl -d '{"newName": "attrition"}' -H 'Content-Type: application/json' localhost:4747/v1/registered-models/churn/change`,
  input: object({ model, newName: optional(model), description: optional(orNull(description)), why }),
  output: registeredModel,
  http: { method: "POST", path: "/v1/registered-models/:model/change" },
});

export const deleteRegisteredModel = edits({
  about: "Delete a registered model with its versions; the artifacts stay.",
  example: "curl -X POST localhost:4747/v1/registered-models/churn/delete",
  input: object({ model, why }),
  output: done,
  http: { method: "POST", path: "/v1/registered-models/:model/delete" },
});

export const searchRegisteredModels = browses({
  about: "Find registered models by name and tags.",
  example: `curl -d '{"filter": "name LIKE \\'churn%\\'"}' -H 'Content-Type: application/json' localhost:4747/v1/registered-models/search`,
  input: object(search),
  output: object({ items: list(registeredModel), ...found }),
  http: { method: "POST", path: "/v1/registered-models/search" },
});

export const tagRegistered = edits({
  about: "Set and take away tags of a registered model, or of one of its versions.",
  example: `curl -d '{"set": {"team": "a"}}' -H 'Content-Type: application/json' localhost:4747/v1/registered-models/churn/tags`,
  input: object({
    model,
    version: optional(version),
    set: optional(tags),
    without: optional(list(text({ maxLength: 500 }), { maxItems: 1000 })),
    why,
  }),
  output: done,
  http: { method: "POST", path: "/v1/registered-models/:model/tags" },
});

export const setModelAlias = edits({
  about: "Point an alias at a version, or take it away; gates alone decide which version of theirs is champion.",
  example: `curl -d '{"alias": "best", "version": 2}' -H 'Content-Type: application/json' localhost:4747/v1/registered-models/churn/aliases`,
  input: object({
    model,
    alias,
    version: orNull(version),
    why,
  }),
  output: done,
  http: { method: "POST", path: "/v1/registered-models/:model/aliases" },
});

export const registerVersion = edits({
  about: "Register what a run or model logged as the next version of a model.",
  example: `curl -d '{"source": "models:/m-4f2c"}' -H 'Content-Type: application/json' localhost:4747/v1/registered-models/churn/versions`,
  input: object({
    model,
    source: text({ pattern: "\\S", maxLength: 5000, examples: ["models:/m-4f2c", "runs:/4f2c/model"] }),
    runId: optional(text({ maxLength: 256 })),
    runLink: optional(text({ maxLength: 5000 })),
    modelId: optional(text({ maxLength: 64 })),
    description: optional(description),
    tags: optional(tags),
    license: optional({ ...license, description: "Left out: what its files say" }),
    why,
  }),
  output: registeredVersion,
  http: { method: "POST", path: "/v1/registered-models/:model/versions" },
});

export const getRegisteredVersion = browses({
  about: "Show a version of a registered model.",
  example: "curl localhost:4747/v1/registered-models/churn/versions/2",
  input: object({ model, version }),
  output: registeredVersion,
  http: { method: "GET", path: "/v1/registered-models/:model/versions/:version" },
});

export const getVersionByAlias = browses({
  about: "Show the version that an alias points at; `latest` is the newest.",
  example: "curl localhost:4747/v1/registered-models/churn/aliases/best",
  input: object({ model, alias }),
  output: registeredVersion,
  http: { method: "GET", path: "/v1/registered-models/:model/aliases/:alias" },
});

export const changeRegisteredVersion = edits({
  about: "Describe a version of a registered model, or move it to a stage.",
  example: `curl -d '{"stage": "Production"}' -H 'Content-Type: application/json' localhost:4747/v1/registered-models/churn/versions/2/change`,
  input: object({
    model,
    version,
    description: optional(orNull(description)),
    stage: optional(text({ maxLength: 100 })),
    archiveOthers: optional(boolean({ description: "Archive what else has the stage" })),
    license: optional(orNull({ ...license, description: "null: what its files or its data say counts again" })),
    why,
  }),
  output: registeredVersion,
  http: { method: "POST", path: "/v1/registered-models/:model/versions/:version/change" },
});

export const deleteRegisteredVersion = edits({
  about: "Delete a version that somebody registered; its number is not given again.",
  example: "curl -X POST localhost:4747/v1/registered-models/churn/versions/2/delete",
  input: object({ model, version, why }),
  output: done,
  http: { method: "POST", path: "/v1/registered-models/:model/versions/:version/delete" },
});

export const searchRegisteredVersions = browses({
  about: "Find versions of registered models by name, number, run, source and tags; those changed last first.",
  example: `curl -d '{"filter": "name = \\'churn\\'"}' -H 'Content-Type: application/json' localhost:4747/v1/registered-versions/search`,
  input: object(search),
  output: object({ items: list(registeredVersion), ...found }),
  http: { method: "POST", path: "/v1/registered-versions/search" },
});

const stated = (description: string) => orNull(anything({ description }));

export const getVersionPapers = browses({
  about: "Show the papers of a version: licence, signature, an example, dependencies, code. What nothing states is null.",
  example: "curl localhost:4747/v1/registered-models/churn/versions/2/papers",
  input: object({ model, version }),
  output: object({
    model,
    version,
    license: orNull(text({ description: "As somebody said of it; else of the model, or of its data" })),
    signature: orNull(
      object({
        inputs: stated("Columns or tensors"),
        outputs: stated("Columns or tensors"),
        params: stated("What may be said beside the rows"),
      }),
    ),
    example: stated("An input that it takes"),
    dependencies: orNull(list(text(), { description: "Requirements; none: nothing beside the platform" })),
    code: orNull(text({ description: "The commit of git that its run was of" })),
  }),
  http: { method: "GET", path: "/v1/registered-models/:model/versions/:version/papers" },
});

export const getModelLedger = browses({
  about:
    "Tell what happened to a model, newest first: who did what, when and why, also under the names that it had, and after it was deleted.",
  example: "mill model ledger churn",
  input: object({
    model,
    limit: optional(limit),
    cursor: optional(text({ pattern: "^[0-9]{1,15}$", description: "`next` of the page before" })),
  }),
  output: pageOf(
    object({
      seq: integer({ description: "In the order of what happened to all models" }),
      model,
      version: orNull(version),
      what: text({ examples: ["alias.set"] }),
      name: orNull(text({ description: "Of an alias or tag; of a model that was renamed the other name" })),
      detail: fieldsOf(anything()),
      at: time,
      actor: text(),
      why: orNull(text()),
    }),
  ),
  http: { method: "GET", path: "/v1/registered-models/:model/ledger" },
});
