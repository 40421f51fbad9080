/** What is asked of a measurement, and what was measured: the nouns every gate speaks. `problem` holds `judge`. */
export interface Requirement {
  /** Stable name inside its gate, as in `accept/auc` or `principle/0`. */
  readonly id: string;
  /** A measure's name: `auc`, `logLoss`, `calibrationError`, `gain`, `share` ... */
  readonly measure: string;
  readonly test: "atLeast" | "atMost" | "beatsChampion";
  /** The bound; for `beatsChampion` the margin by which the champion must be beaten. */
  readonly value: number;
  /** Where the requirement comes from, in words: the principle or rule that it proves. */
  readonly because?: string;
}

export interface Measurement {
  /** What was measured, as in `model/late-arrival@holdout` or `dataset/flights#check/0`. */
  readonly subject: string;
  readonly measure: string;
  /** null: could not be measured; `note` says why. */
  readonly value: number | null;
  /** Rows or decisions the value rests on. */
  readonly count?: number;
  /** 95 % interval, where there is one. */
  readonly interval?: readonly [low: number, high: number];
  /** Data time of the rows, as text. */
  readonly window?: { readonly from: string; readonly to: string };
  /** Digest of the object the value can be checked against. */
  readonly evidence?: string;
  readonly note?: string;
}

export interface ChainLink {
  readonly requirement: Requirement;
  readonly measurement: Measurement | null;
  readonly passed: boolean;
  /** One sentence: `auc 0.667 is at least 0.65`. */
  readonly sentence: string;
}

export interface Verdict {
  readonly passed: boolean;
  /** The question of the problem, when the gate belongs to one. */
  readonly problem?: { readonly name: string; readonly question: string };
  readonly chain: readonly ChainLink[];
}
