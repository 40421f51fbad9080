import type { IncomingHttpHeaders } from "node:http";
import type { Actor } from "../../guard/index.ts";
import type { Repositories, Uploads } from "../../lake/index.ts";
import type { Objects } from "../../ports/objects/index.ts";
import type { RequestBody } from "./body.ts";
import type { Buckets } from "./place.ts";
import { S3Error } from "./s3-error.ts";

/** One request, parsed and authenticated; its body still on the wire. */
export interface S3Request {
  readonly id: string;
  readonly method: string;
  /** Empty: the service. */
  readonly bucket: string;
  /** Empty: the bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
  readonly actor: Actor;
  readonly body: RequestBody;
}

/** What the operations work on. */
export interface Resources {
  readonly repositories: Repositories;
  readonly buckets: Buckets;
  readonly uploads: Uploads;
  readonly objects: Objects;
  /** What clients are told of where a bucket is; requests of every region are taken. */
  readonly region: string;
  readonly clock: () => number;
  /** What the client is told of a failure; one of ours goes into the log, with the request's id. */
  readonly report: (requestId: string, thrown: unknown) => S3Error;
}

export const headerOf = ({ headers }: Pick<S3Request, "headers">, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
};

/** A whole number of a query; absent or empty: the default. Errors: InvalidArgument. */
export function numberOf(query: ReadonlyMap<string, string>, name: string, fallback: number, min = 0): number {
  const text = query.get(name) ?? "";
  if (text === "") return fallback;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  if (number < min || number > 2 ** 31 - 1)
    throw new S3Error("InvalidArgument", `${name} must be a whole number from ${min}.`, {
      ArgumentName: name,
      ArgumentValue: text,
    });
  return number;
}
