import type { JsonSchema } from "../json-schema.ts";

/** What an actor must be allowed: each includes those before it. */
export const PERMISSIONS = ["read", "predict", "operate", "admin"] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** One thing the platform can do. Server, command line and foreign protocols only translate into it. */
export interface Verb<Input = unknown, Output = unknown> {
  /** One sentence for help and OpenAPI. */
  readonly about: string;
  /** A command that shows it. */
  readonly example: string;
  readonly permission: Permission;
  /** Control verbs that change something are audited, their failures too; the data plane goes to the access log. */
  readonly plane: "control" | "data";
  readonly audited: boolean;
  readonly input: JsonSchema<Input>;
  /** What is answered; of a stream, each line. */
  readonly output: JsonSchema<Output>;
  /** `:field` in the path is a field of the input; the others come from the query (GET) or the body (POST). */
  readonly http: { readonly method: "GET" | "POST"; readonly path: string };
  /** Answers lines as they happen. */
  readonly stream?: true;
}

const declare =
  (permission: Permission, plane: Verb["plane"], audited: boolean) =>
  <Input, Output>(verb: Pick<Verb<Input, Output>, "about" | "example" | "input" | "output" | "http">): Verb<Input, Output> => ({
    permission,
    plane,
    audited,
    ...verb,
  });

/** Only looks. */
export const reads = declare("read", "control", false);
/** Changes what the platform holds or does: audited. */
export const operates = declare("operate", "control", true);
export const administers = declare("admin", "control", true);
/** Asks a model: too many for the audit. */
export const predicts = declare("predict", "data", false);
/** Feeds data: too much for the audit. */
export const feeds = declare("operate", "data", false);

export const streamed = <Input, Output>(verb: Verb<Input, Output>) => ({ ...verb, stream: true as const });
