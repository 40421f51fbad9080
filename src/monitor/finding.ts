import type { Json } from "../base/index.ts";
import type { Alert } from "../contract/index.ts";

export type AlertKind = Alert["kind"];

/** Something that is wrong now, as a scan or the watch on the live feed found it. */
export interface Finding {
  /** Stable: `feed/nulls/origin`, `drift/recentDelay`, `quality/auc`, `parity/recentDelay`, `loss/predictions`. */
  readonly cause: string;
  readonly kind: AlertKind;
  /** 0 to 1: importance x size. */
  readonly severity: number;
  /** Columns of the data set that it is about: a broken column explains what drifts because of it. Empty: the whole feed. */
  readonly columns: readonly string[];
  /** One sentence: what, how much, against what it should be. */
  readonly sentence: string;
  readonly detail: Readonly<Record<string, Json>>;
}
