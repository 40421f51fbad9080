/** What a version was made from: shown, and taken along. Who takes it along has the rows, and so the holdout: that is on record. */
import type { Handlers } from "../../contract/index.ts";
import { readingStatements } from "../../steps/index.ts";
import { gatherRecipe, holdoutsIn } from "../rebuild/gather.ts";
import { digestOfRecipe, otherRecipe, packParcel, sizeOfParcel } from "../rebuild/parcel.ts";
import type { Workspace } from "../workspace.ts";

export function recipeVerbs(workspace: Workspace): Pick<Handlers, "getRecipe" | "exportRecipe"> {
  const { registry, records, objects, now } = workspace;
  const recipeOf = async (name: string, version: string) => gatherRecipe(workspace, await registry.version(name, version));

  return {
    async getRecipe({ name, version }) {
      const recipe = await recipeOf(name, version);
      return { digest: digestOfRecipe(recipe), sizeBytes: sizeOfParcel(recipe), recipe };
    },

    async exportRecipe({ name, version, digest }, { actor }) {
      const recipe = await recipeOf(name, version);
      const found = digestOfRecipe(recipe);
      if (digest !== undefined && digest !== found) throw otherRecipe(`${name}@${version}`, digest, found);
      const target = `model/${name}@${recipe.version}, taken along by ${actor}`;
      const readings = holdoutsIn(recipe).flatMap(({ input, ...sealed }) =>
        readingStatements({ sealed: [sealed], kind: "recipe", target, input, granted: true, atMs: now() }),
      );
      await records.commit(readings);
      return { sizeBytes: sizeOfParcel(recipe), content: () => packParcel(recipe, objects) };
    },
  };
}
