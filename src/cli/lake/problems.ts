import type { Output } from "../output.ts";
import { cell } from "../table.ts";

export interface Problem {
  readonly at: string;
  readonly why: string;
}

/** What was not taken along: told as it is found, and counted. */
export interface Problems {
  /** It is not meant to be taken. */
  leaveOut(at: string, why: string): null;
  /** It was meant to be taken. */
  fail(at: string, why: string): void;
  /** Worth a line, and nothing more. */
  note(at: string, why: string): void;
  readonly leftOut: number;
  readonly failed: number;
  /** The first ones. */
  readonly told: readonly Problem[];
}

const TOLD_MAX = 100;

export function createProblems({ say }: Pick<Output, "say">): Problems {
  const told: Problem[] = [];
  let [leftOut, failed, lines] = [0, 0, 0];
  const tell = (word: string, at: string, why: string) => {
    if (lines++ < TOLD_MAX) say(`${word}${cell(at)}: ${cell(why)}`);
    if (lines === TOLD_MAX) say("more of them are counted, and not told");
  };
  return {
    leaveOut(at, why) {
      if (++leftOut + failed <= TOLD_MAX) told.push({ at, why });
      tell("left out   ", at, why);
      return null;
    },
    fail(at, why) {
      if (++failed + leftOut <= TOLD_MAX) told.push({ at, why });
      tell("FAILED     ", at, why);
    },
    note: (at, why) => tell("again      ", at, why),
    get leftOut() {
      return leftOut;
    },
    get failed() {
      return failed;
    },
    told,
  };
}
