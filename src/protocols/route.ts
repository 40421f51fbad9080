import type { Readable } from "node:stream";
import type { BoundCall } from "../guard/index.ts";

/** A request of a foreign protocol, as the server hands it on. */
export interface ForeignRequest {
  /** `*` is what a wildcard stood for. */
  readonly params: Readonly<Record<string, string>>;
  /** A key that is repeated is a list. */
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The address at which the client found us: `https://models.example.com`. */
  readonly origin: string;
  /** Empty on a route that streams. */
  readonly body: Buffer;
  /** What is sent to a route that streams, as it comes. */
  readonly stream: Readable;
}

export interface ForeignReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer | Readable;
}

/** One path of a foreign protocol. It only translates: all it can do is call verbs. Errors are in the protocol's own form. */
export interface ForeignRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `:name` is a parameter, a `*` at the end the rest of the path. */
  readonly path: string;
  /** What metrics, logs and the access log call it: the protocol, and what it does where that is one of few words. */
  readonly door: string;
  /** Of control: counts for the rate of who asks. */
  readonly plane: "control" | "data";
  /** The body is read by the route itself, unpacked by nobody, and may be of any length. */
  readonly streams?: true;
  handle(request: ForeignRequest, call: BoundCall): Promise<ForeignReply>;
  /** How this protocol tells an error, that of a request which came to no `handle` too. */
  fail(error: unknown): ForeignReply;
}
