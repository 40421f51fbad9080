/** What is done about work that waits or runs. */
import type { Handlers } from "../../contract/index.ts";
import { copyStanding, takesOver } from "../../ports/records/index.ts";
import type { Workspace } from "../workspace.ts";
import { copySummary, pauseSummary } from "./wire.ts";

type SteeringVerbs = Pick<
  Handlers,
  "cancelRun" | "cancelStep" | "pauseWork" | "resumeWork" | "getPauses" | "stepLog" | "takeOver"
>;

export const steeringVerbs = ({ ledger, records }: Pick<Workspace, "ledger" | "records">): SteeringVerbs => ({
  cancelRun: async ({ id }) => ({ id, cancelled: await ledger.cancelRun(id) }),
  cancelStep: async ({ id }) => ({ id, cancelled: await ledger.cancelStep(id) }),

  pauseWork: async ({ what, name }, { actor }) => ({ what, name, changed: await ledger.pause(what, name, actor) }),
  resumeWork: async ({ what, name }) => ({ what, name, changed: await ledger.resume(what, name) }),
  async getPauses() {
    const copy = await copyStanding(records);
    return { items: (await ledger.listPauses()).map(pauseSummary), ...(copy && { copy: copySummary(copy) }) };
  },
  async takeOver() {
    const copy = await copyStanding(records);
    await records.commit([takesOver]);
    return { changed: copy !== null };
  },

  async stepLog({ id, attempt, offset = 0 }) {
    if (attempt !== undefined) return { attempt, ...(await ledger.logOf(id, attempt, offset)) };
    const { step, attempts } = await ledger.getStep(id);
    const last = attempts.at(-1)?.fence;
    if (last === undefined) return { attempt: 0, text: "", next: 0, ended: step.state !== "queued" };
    return { attempt: last, ...(await ledger.logOf(id, last, offset)) };
  },
});
