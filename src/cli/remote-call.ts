/** The verbs of a running server, by HTTP. node:http, because fetch gives up a stream that is silent for five minutes: a step may be. */
import { readFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { type RequestOptions, request as tlsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type ErrorJson, errorFromJson, MillError } from "../base/index.ts";
import { VERBS, type Verb, type VerbName } from "../contract/index.ts";
import type { BoundCall, CallOptions, LockInfo } from "../guard/index.ts";

/** The server that a workspace's lock tells of. */
export interface ServerPlace extends Pick<LockInfo, "certificate"> {
  readonly url: string;
}

export const placeOf = ({ url, certificate = null }: LockInfo): ServerPlace | null =>
  url === null ? null : { url, certificate };

export function remoteCall({ url, certificate }: ServerPlace, token: string | null): BoundCall {
  const call = (name: VerbName, input: unknown, { signal, bytes }: CallOptions = {}) => {
    const verb: Verb = VERBS[name];
    const ask = async () =>
      send(url, verb, (input ?? {}) as Fields, token, { ...(await trusting(certificate)), ...(signal && { signal }) }, bytes);
    if (verb.bytes === "out") return content(ask, url, signal);
    return verb.stream ? lines(ask, url, signal) : document(ask);
  };
  return call as BoundCall;
}

/** Who shows the workspace's own certificate is its server, whatever name it stands for; read each time, because it may have been renewed. */
async function trusting(certificate: string | null): Promise<RequestOptions> {
  const ca = certificate === null ? null : await readFile(certificate).catch(() => null);
  return ca === null ? {} : { ca, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
}

const BYTES = "application/octet-stream";

/** What the source of bytes throws, and not the connection. */
const isOurs = (cause: Error): boolean => cause instanceof MillError;

type Fields = Readonly<Record<string, unknown>>;

async function document(ask: () => Promise<IncomingMessage>): Promise<unknown> {
  const reply = await ask();
  return JSON.parse(await textOf(reply));
}

async function* lines(ask: () => Promise<IncomingMessage>, url: string, signal?: AbortSignal): AsyncGenerator<unknown> {
  const reply = await ask();
  try {
    for await (const line of linesOf(reply, (cause) => (signal?.aborted ? interrupted() : serverAway(url, cause)))) {
      const value = JSON.parse(line) as { readonly error?: ProblemBody };
      if (value.error !== undefined && !("event" in value)) throw fromProblem(value.error);
      yield value;
    }
  } finally {
    reply.destroy();
  }
}

/** Of what describes the bytes their number alone is told. */
async function content(ask: () => Promise<IncomingMessage>, url: string, signal?: AbortSignal) {
  const reply = await ask();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of reply) yield chunk as Buffer;
    } catch (cause) {
      throw signal?.aborted ? interrupted() : serverAway(url, cause as Error);
    }
  }
  return { sizeBytes: Number(reply.headers["content-length"]), content: chunks };
}

async function* linesOf(reply: IncomingMessage, broken: (cause: Error) => MillError): AsyncGenerator<string> {
  let rest = "";
  reply.setEncoding("utf8");
  const chunks = reply[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks.next().catch((cause: Error) => Promise.reject(broken(cause)));
    if (next.done) break;
    const lines = (rest + next.value).split("\n");
    rest = lines.pop()!;
    yield* lines.filter((line) => line !== "");
  }
  if (rest !== "") yield rest;
}

function send(
  url: string,
  verb: Verb,
  input: Fields,
  token: string | null,
  options: RequestOptions,
  bytes?: AsyncIterable<Uint8Array>,
): Promise<IncomingMessage> {
  const { signal } = options;
  const ask = url.startsWith("https:") ? tlsRequest : request;
  const { path, body } = toRequest(verb, input);
  const headers = {
    ...(verb.bytes === "in" ? { "content-type": BYTES } : body === null ? {} : { "content-type": "application/json" }),
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  return new Promise((resolve, reject) => {
    const away = (cause: Error) => reject(signal?.aborted ? interrupted() : serverAway(url, cause));
    const sent = ask(new URL(path, url), { ...options, method: verb.http.method, headers }, (reply) => {
      if (reply.statusCode === 200) return resolve(reply);
      textOf(reply).then((text) => reject(readProblem(text, reply.statusCode!, url)), away);
    });
    sent.on("error", away);
    if (verb.bytes !== "in") sent.end(body ?? undefined);
    // a source that fails ends the request before its end, so that nothing is kept of it
    else
      pipeline(Readable.from(bytes ?? [], { objectMode: false }), sent).catch((cause) =>
        isOurs(cause) ? reject(cause) : away(cause),
      );
  });
}

function toRequest({ http, bytes }: Verb, input: Fields): { path: string; body: string | null } {
  const rest = { ...input };
  const path = http.path.replaceAll(/:(\w+)/g, (_, field: string) => {
    delete rest[field];
    return encodeURIComponent(String(input[field]));
  });
  if (http.method === "POST" && bytes !== "in") return { path, body: JSON.stringify(rest) };
  const fields = Object.entries(rest).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(fields.map(([name, value]): [string, string] => [name, String(value)]));
  return { path: query.size > 0 ? `${path}?${query}` : path, body: null };
}

async function textOf(reply: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of reply) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

type ProblemBody = Omit<ErrorJson, "message"> & { readonly detail: string };

function readProblem(text: string, status: number, url: string): MillError {
  try {
    const problem = JSON.parse(text) as ProblemBody;
    if (typeof problem.code === "string") return fromProblem(problem);
  } catch {}
  return serverAway(url, new Error(`it answered with status ${status} and no problem document`));
}

const fromProblem = ({ code, detail, at, expected, got, fix }: ProblemBody): MillError =>
  errorFromJson({ code, message: detail, at, expected, got, fix });

const serverAway = (url: string, cause: Error) =>
  new MillError("cli.server-away", `The server of this workspace does not answer: ${cause.message}`, {
    at: url,
    fix: "See its log; when it hangs, stop it and try again: the workspace is then opened here.",
    cause,
  });

const interrupted = () =>
  new MillError("cli.interrupted", "Interrupted; what is done is kept.", { fix: "Run the same command again to go on." });
