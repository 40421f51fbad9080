/** What was done and what was not: counts by kind, and of what was left each reason once, with examples. */
import type { OutputOf } from "../../../contract/index.ts";

export type Outcome = OutputOf<"importExperiment">["outcome"];
export type Kind = "experiments" | "runs" | "loggedModels" | "registeredModels" | "versions" | "files";

export interface Report {
  readonly counts: Readonly<Record<Kind, Readonly<Record<Outcome, number>>>>;
  readonly points: number;
  readonly bytes: number;
  readonly left: readonly { readonly why: string; readonly count: number; readonly examples: readonly string[] }[];
  /** How often something could not be read. */
  readonly broken: number;
}

export interface Reporter {
  count(kind: Kind, outcome: Outcome): void;
  points(count: number): void;
  bytes(count: number): void;
  left(what: string, why: string, broken?: boolean): void;
  report(): Report;
}

const EXAMPLES_MAX = 5;
const REASONS_MAX = 1000;

/** `step`: told of each thing that is done, with its bytes. */
export function createReporter(step: (things: number, bytes: number) => void): Reporter {
  const none = () => ({ new: 0, changed: 0, same: 0 });
  const counts: Record<Kind, Record<Outcome, number>> = {
    ...{ experiments: none(), runs: none(), loggedModels: none() },
    ...{ registeredModels: none(), versions: none(), files: none() },
  };
  const reasons = new Map<string, { count: number; examples: string[] }>();
  let [points, bytes, broken] = [0, 0, 0];
  return {
    count(kind, outcome) {
      counts[kind][outcome]++;
      step(1, 0);
    },
    points(count) {
      points += count;
    },
    bytes(count) {
      bytes += count;
      step(0, count);
    },
    left(what, why, isBroken = false) {
      if (isBroken) broken++;
      const name = reasons.has(why) || reasons.size < REASONS_MAX ? why : "other reasons";
      const reason = reasons.get(name) ?? { count: 0, examples: [] };
      reasons.set(name, reason);
      reason.count++;
      if (reason.examples.length < EXAMPLES_MAX) reason.examples.push(what);
    },
    report: () => ({ counts, points, bytes, left: [...reasons].map(([why, reason]) => ({ why, ...reason })), broken }),
  };
}
