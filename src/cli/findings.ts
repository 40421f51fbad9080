import { asMillError } from "../base/index.ts";

/** What a look at one thing found, and what mends it. */
export interface Finding {
  readonly what: string;
  /** `warning`: works, with less. */
  readonly state: "ok" | "warning" | "fault";
  readonly found: string;
  /** Empty where nothing needs mending. */
  readonly fix: string;
}

export const finding = (what: string, state: Finding["state"], found: string, fix = ""): Finding => ({
  what,
  state,
  found,
  fix: state === "ok" ? "" : fix,
});

export function fault(what: string, thrown: unknown): Finding {
  const { message, at, fix = "" } = asMillError(thrown);
  return finding(what, "fault", at ? `${message} (${at})` : message, fix);
}
