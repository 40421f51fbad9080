/** Requests to an MLflow server: nothing but its own address is asked, and its credentials stand in no message. */
import { setTimeout as delay } from "node:timers/promises";
import { sourceAway } from "./problems.ts";

export interface RestClientOptions {
  /** As in `http://user:password@mlflow:5000`. */
  readonly address: string;
  /** In place of what the address says. */
  readonly token?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly signal: AbortSignal;
}

export interface RestClient {
  /** Without credentials. */
  readonly name: string;
  /** The JSON that a path below `/api/2.0/mlflow` answers; null: a plain 404, or no such path. Errors: `import.source-away`. */
  ask(method: "GET" | "POST" | "PATCH", path: string, fields?: Fields): Promise<Answer | null>;
  /** The bytes of a path below the server's root; null: 404. */
  read(path: string, query: Fields): Promise<AsyncIterable<Uint8Array> | null>;
  put(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
}

export type Fields = Readonly<Record<string, unknown>>;
// biome-ignore lint/suspicious/noExplicitAny: what another server answers is looked at field by field
export type Answer = any;

const TRIES = 3;
const AGAIN_MS = 300;
const SAID_MAX = 200;

export function createRestClient({ address, token, username, password, signal }: RestClientOptions): RestClient {
  const url = new URL(address);
  const [user, secret] = [username ?? decodeURIComponent(url.username), password ?? decodeURIComponent(url.password)];
  [url.username, url.password, url.search, url.hash] = ["", "", "", ""];
  const name = url.href.replace(/\/+$/, "");
  const authorization =
    token !== undefined
      ? `Bearer ${token}`
      : user !== "" || secret !== ""
        ? `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`
        : null;

  async function send(method: string, path: string, init: RequestInit & { readonly duplex?: "half" }): Promise<Response> {
    const headers = { ...(init.headers as object), ...(authorization !== null && { authorization }) };
    for (let attempt = 1; ; attempt++) {
      try {
        const reply = await fetch(`${name}${path}`, { ...init, method, headers, signal, redirect: "manual" });
        if ((reply.status !== 429 && reply.status !== 503) || attempt === TRIES || init.duplex) return reply;
        await reply.body?.cancel();
      } catch (cause) {
        signal.throwIfAborted();
        if (attempt === TRIES || init.duplex) throw sourceAway(name, wordsOf(cause), cause);
      }
      await delay(AGAIN_MS * attempt ** 2, undefined, { signal });
    }
  }

  return {
    name,
    async ask(method, path, fields = {}) {
      const [query, body] = method === "GET" ? [`?${queryOf(fields)}`, null] : ["", JSON.stringify(fields)];
      const prefix = path.startsWith("/") ? path : `/api/2.0/mlflow/${path}`;
      const headers = { accept: "application/json", ...(body !== null && { "content-type": "application/json" }) };
      const reply = await send(method, prefix + query, { headers, body });
      const text = await reply.text().catch((cause) => {
        signal.throwIfAborted();
        throw sourceAway(name, wordsOf(cause), cause);
      });
      const answer = jsonOf(text);
      if (reply.status === 200 && answer !== null) return answer;
      if (reply.status === 404 || reply.status === 405) return null;
      const said = typeof answer?.message === "string" ? answer.message : text;
      throw sourceAway(name, `${method} ${prefix} gave ${reply.status}${said ? `, ${said.slice(0, SAID_MAX)}` : ""}`);
    },
    async read(path, query) {
      const reply = await send("GET", `${path}?${queryOf(query)}`, {});
      if (reply.status === 200) return bytesOf(reply);
      await reply.body?.cancel();
      if (reply.status === 404) return null;
      throw sourceAway(name, `GET ${path} gave ${reply.status}`);
    },
    async put(path, bytes) {
      const reply = await send("PUT", path, { body: bytes as never, duplex: "half" });
      const text = await reply.text();
      if (reply.status !== 200) throw sourceAway(name, `PUT ${path} gave ${reply.status}, ${text.slice(0, SAID_MAX)}`);
    },
  };

  /** One that ends before all that was promised fails. */
  async function* bytesOf(reply: Response): AsyncGenerator<Uint8Array> {
    try {
      if (reply.body) yield* reply.body;
    } catch (cause) {
      signal.throwIfAborted();
      throw sourceAway(name, wordsOf(cause), cause);
    }
  }
}

function queryOf(fields: Fields): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields))
    for (const one of [value].flat()) if (one !== undefined) query.append(name, String(one));
  return query;
}

function jsonOf(text: string): Answer | null {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}

function wordsOf(thrown: unknown): string {
  const { message, cause } = thrown as {
    readonly message?: string;
    readonly cause?: { readonly message?: string; readonly code?: string };
  };
  return cause?.message || cause?.code || message || "it is gone";
}
