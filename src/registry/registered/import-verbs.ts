import type { Handlers } from "../../contract/index.ts";
import type { RegisteredImports } from "./import.ts";

export type RegisteredImportVerb = "importRegisteredModel";

export const registeredImportVerbs = (imports: RegisteredImports): Pick<Handlers, RegisteredImportVerb> => ({
  async importRegisteredModel(given, { actor }) {
    const { outcome, left, versions } = await imports.take({ ...given, actor });
    return { outcome, left: [...left], versions: versions.map((version) => ({ ...version, left: [...version.left] })) };
  },
});
