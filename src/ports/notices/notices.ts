import type { Json } from "../../base/index.ts";

export interface Notice {
  /** A UUID; the same for each try, so that a receiver can tell a repetition. */
  readonly id: string;
  /** What it is about, as in `alert/late-arrival`: notices of a topic are sent in order. */
  readonly topic: string;
  readonly body: Json;
}

/** Tells somebody outside. */
export interface Notices {
  readonly name: string;
  /**
   * Resolves once the receiver has taken it. Errors: `notice.failed` and `notice.private` (worth another try),
   * `notice.gone` (the receiver wants no more), `notice.refused` (it does not want this one). No error tells a secret, the address beyond its host, or the body.
   */
  send(notice: Notice): Promise<void>;
}
