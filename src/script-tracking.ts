/** Where the scripts of steps log while they run: a door that the first of them opens. */
import type { Call } from "./guard/index.ts";
import type { Records } from "./ports/records/index.ts";
import type { TrackingDoor } from "./server/index.ts";
import { createTrackedAttempts, SCRIPT_VERBS, type TrackedAttempts, type Tracking } from "./train/index.ts";

export interface ScriptTracking extends TrackedAttempts {
  /** After the ledger: attempts that end with it still say so. */
  close(): Promise<void>;
}

/** `call` is asked for when the first script logs. */
export function createScriptTracking(options: {
  readonly records: Records;
  readonly tracking: Tracking;
  call(): Call;
}): ScriptTracking {
  const { records, tracking, call } = options;
  let door: Promise<TrackingDoor> | null = null;
  const open = async () => {
    const { createTrackingDoor } = await import("./server/index.ts");
    return createTrackingDoor({ call: call(), verbs: SCRIPT_VERBS });
  };
  const admit = async () => (await (door ??= open())).admit();
  return { ...createTrackedAttempts({ records, tracking, admit }), close: async () => (await door)?.close() };
}
