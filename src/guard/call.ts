/** The one call: permission, then the input's form, then the verb, then the record of what was done. */
import { asMillError, type Json, MillError, newId } from "../base/index.ts";
import {
  type AnswerOf,
  type CallContext,
  type Handlers,
  type JsonSchema,
  VERBS,
  type Verb,
  type VerbName,
} from "../contract/index.ts";
import { type Actor, mayDo } from "./actors.ts";
import type { Audit } from "./audit/audit.ts";
import { checkJson, withDefaults } from "./check-json.ts";

/** What a caller may say beside actor, verb and input. */
export type CallOptions = Partial<Pick<CallContext, "requestId" | "signal" | "bytes">>;

/**
 * Answers as the verb does: a promise, or lines for a stream; the errors of a stream come with its first line.
 * Audited verbs leave two rows, one before and one after; who has not said their name leaves none (they could fill the disk), the server logs them.
 * Errors: `guard.token-required`, `guard.not-permitted`, `request.invalid`, and what the verb throws.
 */
export type Call = <V extends VerbName>(actor: Actor, verb: V, input: unknown, options?: CallOptions) => AnswerOf<V>;

/** Verbs for an actor who is known already: what the command line and foreign protocols speak. */
export type BoundCall = <V extends VerbName>(verb: V, input: unknown, options?: CallOptions) => AnswerOf<V>;

type Handler = (input: unknown, context: CallContext) => Promise<unknown> | AsyncIterable<unknown>;

export function createCall({ handlers, audit }: { readonly handlers: Handlers; readonly audit: Audit }): Call {
  const call = (actor: Actor, verb: VerbName, input: unknown, options: CallOptions = {}) => {
    const known: Verb = VERBS[verb];
    const handler = handlers[verb] as Handler;
    const context = {
      actor: actor.id,
      rights: actor,
      requestId: options.requestId ?? newId(),
      signal: options.signal ?? new AbortController().signal,
      bytes: options.bytes,
    };
    const prepare = () => {
      permit(actor, verb, known);
      return checked(known, verb, input);
    };
    const audited = known.audited && !actor.anonymous;
    const note = (outcome: string) => (audited ? audit.record(entry(actor, verb, input, outcome)) : undefined);
    const run = (ready: unknown) => handler(ready, context);
    return known.stream ? streamed(prepare, run as never, note) : answered(prepare, run as never, note);
  };
  return call as Call;
}

type Note = (outcome: string) => Promise<void> | undefined;

async function answered(prepare: () => unknown, run: (input: unknown) => Promise<unknown>, note: Note): Promise<unknown> {
  const input = await prepared(prepare, note);
  try {
    const output = await run(input);
    await note("done");
    return output;
  } catch (error) {
    await note(`failed ${asMillError(error).code}`);
    throw error;
  }
}

async function* streamed(
  prepare: () => unknown,
  run: (input: unknown) => AsyncIterable<unknown>,
  note: Note,
): AsyncGenerator<unknown> {
  const input = await prepared(prepare, note);
  let outcome = "left";
  try {
    yield* run(input);
    outcome = "done";
  } catch (error) {
    outcome = `failed ${asMillError(error).code}`;
    throw error;
  } finally {
    await note(outcome);
  }
}

/** Notes the question before anything is done: nothing audited happens without a trace, even if the process ends meanwhile. */
async function prepared(prepare: () => unknown, note: Note): Promise<unknown> {
  let input: unknown;
  try {
    input = prepare();
  } catch (error) {
    await note(`refused ${asMillError(error).code}`);
    throw error;
  }
  await note("asked");
  return input;
}

function permit(actor: Actor, name: VerbName, { permission }: Verb): void {
  if (mayDo(actor, permission)) return;
  if (actor.anonymous) {
    throw new MillError("guard.token-required", `"${name}" needs the permission "${permission}", and a token that gives it.`, {
      expected: "Authorization: Bearer TOKEN",
      got: "no token",
      fix: "Send a token that `mill token create` made, or the admin token, which stands in the workspace's file `token`; `mill token` prints it.",
    });
  }
  const { id, roles, token, may } = actor;
  const by = token === undefined ? "" : `, by the token "${token}", which allows ${[...may].join(", ") || "nothing"}`;
  throw new MillError(
    "guard.not-permitted",
    `"${name}" needs the permission "${permission}"; you are ${id} with ${roles.length === 0 ? "no role" : `the roles ${roles.join(", ")}`}${by}.`,
    {
      expected: permission,
      got: [...may].join(", ") || "no permission",
      fix: "Ask someone with admin for a role, or a token, that has it; mill whoami shows what you may.",
    },
  );
}

function checked({ input: schema }: Verb, name: VerbName, input: unknown): unknown {
  const found = checkJson(schema, input);
  if (found === null) return withDefaults(schema, input);
  const { at, expected, got, hint } = found;
  throw new MillError(
    "request.invalid",
    `"${name}"${at === "" ? "" : ` at ${at}`}: expected ${expected}, got ${got}.${hint ? ` ${hint}` : ""}`,
    {
      at: at || "/",
      expected,
      got,
      fix: hint || "Correct the request; /openapi.json shows its form.",
    },
  );
}

/** Control inputs are names and reasons: they stand in the record as they came, unless they are long or secret. */
function entry(actor: Actor, verb: VerbName, input: unknown, outcome: string) {
  const fields = (typeof input === "object" && input !== null ? input : {}) as Record<string, unknown>;
  const target = typeof fields.name === "string" ? fields.name.slice(0, 100) : null;
  const text = JSON.stringify(withoutSecrets(VERBS[verb].input, input)) ?? "null";
  const detail = (text.length <= 2000 ? JSON.parse(text) : `${text.slice(0, 2000)}...`) as Json;
  return { actor: actor.id, verb, target, outcome, detail };
}

/** Where a verb takes a secret, a field that it does not know may be that one mistyped; what is no object may be the secret alone. */
function withoutSecrets({ properties = {} }: JsonSchema, input: unknown): unknown {
  if (!Object.values(properties).some(({ writeOnly }) => writeOnly)) return input;
  if (typeof input !== "object" || input === null || Array.isArray(input)) return SECRET;
  const isSecret = (field: string) => !Object.hasOwn(properties, field) || properties[field]!.writeOnly;
  return Object.fromEntries(Object.entries(input).map(([field, value]) => [field, isSecret(field) ? SECRET : value]));
}

const SECRET = "(secret)";
