import type { Handlers } from "../../contract/index.ts";
import { pageBy, toInstant } from "../pages.ts";
import type { Secrets } from "./secrets.ts";

export const secretVerbs = (secrets: Secrets): Pick<Handlers, "setSecret" | "listSecrets" | "removeSecret"> => ({
  async setSecret({ name, value }, { actor }) {
    await secrets.set({ name, value, by: actor });
    return { name };
  },
  async listSecrets(asked) {
    const { items, next } = pageBy(await secrets.list(), ({ name }) => name, asked);
    return { items: items.map(({ setAt, ...secret }) => ({ ...secret, setAt: toInstant(setAt) })), next };
  },
  async removeSecret({ name }) {
    await secrets.remove(name);
    return { name };
  },
});
