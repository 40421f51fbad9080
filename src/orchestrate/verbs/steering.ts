/** What is done about work that waits or runs. */
import type { Handlers } from "../../contract/index.ts";
import type { Workspace } from "../workspace.ts";
import { instant } from "./wire.ts";

type SteeringVerbs = Pick<Handlers, "cancelRun" | "cancelStep" | "pauseWork" | "resumeWork" | "getPauses" | "stepLog">;

export const steeringVerbs = ({ ledger }: Pick<Workspace, "ledger">): SteeringVerbs => ({
  cancelRun: async ({ id }) => ({ id, cancelled: await ledger.cancelRun(id) }),
  cancelStep: async ({ id }) => ({ id, cancelled: await ledger.cancelStep(id) }),

  async pauseWork({ what, name }, { actor }) {
    if (what === "run") await ledger.getRun(name);
    return { what, name, changed: await ledger.pause(what, name, actor) };
  },
  resumeWork: async ({ what, name }) => ({ what, name, changed: await ledger.resume(what, name) }),
  getPauses: async () => ({
    items: (await ledger.listPauses()).map(({ what, name, since, actor }) => ({ what, name, since: instant(since), by: actor })),
  }),

  async stepLog({ id, attempt, offset = 0 }) {
    const fence = attempt ?? (await ledger.getStep(id)).attempts.at(-1)?.fence ?? 0;
    if (fence === 0) return { attempt: 0, text: "", next: 0, ended: false }; // it waits for its first attempt
    return { attempt: fence, ...(await ledger.logOf(id, fence, offset)) };
  },
});
