/** What a version was made from: told, and taken elsewhere to make it again. */
import { anything, boolean, fieldsOf, integer, list, object, optional, text, type ValueOf } from "../json-schema.ts";
import { digest, name, version, versionOrAlias } from "./nouns.ts";
import { edits, givesBytes, reads } from "./verb.ts";

const recipeStep = object({
  target: text(),
  kind: text(),
  revision: integer(),
  given: boolean({ description: "Its result is taken as recorded: what it read lies outside, as files do" }),
  input: anything(),
  objects: fieldsOf(digest, { description: "What it left, by role" }),
  facts: fieldsOf(anything()),
  measurements: list(anything()),
});

const sizeBytes = integer({ minimum: 0 });

export const recipeForm = object({
  format: integer(),
  model: name,
  version,
  bundle: { ...digest, description: "The bundle's manifest: the version's identity" },
  dataset: object({ name, version }),
  environment: fieldsOf(anything(), { description: "What its steps ran with" }),
  steps: list(recipeStep, { description: "Those that led to it, each behind what it needs" }),
  objects: list(object({ digest, sizeBytes, of: text({ description: "What it was to the steps" }) }), {
    description: "What no step of it makes: they go with it",
  }),
});

/** What a model version was made from, step by step. */
export type Recipe = ValueOf<typeof recipeForm>;
export type RecipeStep = Recipe["steps"][number];
export type RecipeObject = Recipe["objects"][number];

const asked = object({ name, version: versionOrAlias });

export const getRecipe = reads({
  about: "Show what a version of a model was made from: its steps with their inputs, and the objects that a recipe brings.",
  example: "mill recipe late-arrival@champion",
  input: asked,
  output: object({
    digest: { ...digest, description: "Of the recipe as JSON, in the order of its fields" },
    sizeBytes: integer({ description: "Of the recipe as a file, objects and all" }),
    recipe: recipeForm,
  }),
  http: { method: "GET", path: "/v1/models/:name/versions/:version/recipe" },
});

export const exportRecipe = givesBytes(
  edits({
    about:
      "Take a version's recipe along, as a tar with the rows that it was trained on and its holdout: that counts as a reading of the holdout.",
    example: "mill recipe late-arrival@champion --out late-arrival.tar",
    input: object({ name, version: versionOrAlias, digest: optional({ ...digest, description: "The recipe that is expected" }) }),
    output: object({ sizeBytes }),
    http: { method: "POST", path: "/v1/models/:name/versions/:version/recipe" },
  }),
);
