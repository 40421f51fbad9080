import type { BoundCall } from "../guard/index.ts";

/** A request of a foreign protocol, as the server hands it on. */
export interface ForeignRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface ForeignReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** One path of a foreign protocol. It only translates: all it can do is call verbs. Errors are in the protocol's own form. */
export interface ForeignRoute {
  readonly method: "GET" | "POST";
  /** `:name` is a parameter. */
  readonly path: string;
  handle(request: ForeignRequest, call: BoundCall): Promise<ForeignReply>;
  /** How this protocol tells an error. */
  fail(error: unknown): ForeignReply;
}
