import type { JsonSchema } from "../json-schema.ts";

/**
 * What an actor must be allowed, none of which includes another: `read` looks, `predict` asks models, `edit` changes data and its versions, `operate`
 * runs, trains and deploys, `approve` decides which version is served, `admin` decides who may, and what holds the others.
 */
export const PERMISSIONS = ["read", "predict", "edit", "operate", "approve", "admin"] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Sets of permissions by the name of a role: those that every workspace has, beside its own. */
export const ROLES = {
  viewer: ["read", "predict"],
  editor: ["read", "predict", "edit"],
  operator: ["read", "predict", "edit", "operate"],
  approver: ["read", "predict", "approve"],
  admin: PERMISSIONS,
} as const satisfies Record<string, readonly Permission[]>;

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
  /** Takes bytes of any length beside its input, which then stands in path and query; or answers bytes, which its output describes. */
  readonly bytes?: "in" | "out";
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
/** Only looks, at what admins alone may see. */
export const inspects = declare("admin", "control", false);
/** Changes data or its versions: audited. */
export const edits = declare("edit", "control", true);
/** Changes what the platform does: audited. */
export const operates = declare("operate", "control", true);
/** Changes which version is served, whatever a gate said: audited. */
export const approves = declare("approve", "control", true);
export const administers = declare("admin", "control", true);
/** Changes what is one's own, whatever one may beside: audited. */
export const changesOwn = declare("read", "control", true);
/** Asks a model: too many for the audit. */
export const predicts = declare("predict", "data", false);
/** Only looks, as often as programs do. */
export const browses = declare("read", "data", false);
/** Feeds data: too much for the audit. */
export const feeds = declare("edit", "data", false);

export const takesBytes = <Input, Output>(verb: Verb<Input, Output>) => ({ ...verb, bytes: "in" as const });
export const givesBytes = <Input, Output>(verb: Verb<Input, Output>) => ({ ...verb, bytes: "out" as const });
export const streamed = <Input, Output>(verb: Verb<Input, Output>) => ({ ...verb, stream: true as const });
