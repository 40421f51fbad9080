/** What a model version was made from, taken elsewhere and made again. */
import { type CodeInfo, EXIT } from "./code.ts";

export const RECIPE_ERRORS = {
  "recipe.missing": { status: 404, exit: EXIT.notFound, about: "There is no recipe where one was to be read from." },
  "recipe.gone": {
    status: 410,
    exit: EXIT.notFound,
    about: "Something that a model version was made from is not there any more.",
  },
  "recipe.damaged": { status: 422, exit: EXIT.data, about: "A recipe is incomplete, cut short or altered." },
  "recipe.newer": { status: 409, exit: EXIT.conflict, about: "A recipe was written by a newer Millwright." },
  "recipe.other": { status: 409, exit: EXIT.conflict, about: "A recipe is not the one that was expected." },
  "recipe.too-large": { status: 507, exit: EXIT.away, about: "The disk has no room for what a recipe brings." },
  "recipe.not-empty": {
    status: 409,
    exit: EXIT.conflict,
    about: "A recipe, or a rebuild, was to go where something else is already.",
  },
  "recipe.unlike": {
    status: 409,
    exit: EXIT.conflict,
    about: "A rebuild would not give the same here: code, environment or machine differ from the recorded ones.",
  },
} as const satisfies Record<string, CodeInfo>;
