/** What goes along with attempts of some kinds, as an address at which their programs are heard while they run. */
import type { Attempt } from "./settle.ts";

/** Asked of each attempt on an engine that is `near`, before its job starts; null: nothing goes along with it. Never rejects. */
export type Attend = (
  attempt: Pick<Attempt, "stepId" | "fence" | "kind" | "target"> & { readonly runId: string | null },
) => Promise<Attended | null>;

export interface Attended {
  /** For the job's process alone: they are in no key, no file, no log and no row. */
  readonly variables: Readonly<Record<string, string>>;
  /** Called once, when the attempt has ended; what comes then is another attempt. Never rejects. */
  end(state: "succeeded" | "failed" | "cancelled"): Promise<void>;
}
