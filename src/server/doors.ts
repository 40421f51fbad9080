/** What a request asks for, in one word: the verb, or a fixed word for what is none. Metrics and logs count by it. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { VERBS, type Verb } from "../contract/index.ts";
import type { AccessEntry } from "../guard/index.ts";
import { foreignOf } from "./foreign.ts";

/** For a route's `onRequest`. */
export const enter = (door: string) => async (request: FastifyRequest) => {
  request.door = door;
};

const DOORS: ReadonlyMap<string, string> = new Map(
  Object.entries<Verb>(VERBS).map(([name, { http }]) => [`${http.method} ${http.path}`, name]),
);
const TAKES_BYTES: ReadonlySet<string> = new Set(
  Object.values<Verb>(VERBS).flatMap(({ bytes, http }) => (bytes === "in" ? [`${http.method} ${http.path}`] : [])),
);
const CONTROL: ReadonlySet<string> = new Set(
  Object.values<Verb>(VERBS).flatMap(({ plane, http }) => (plane === "data" ? [] : [`${http.method} ${http.path}`])),
);

export const DATA_PLANE: ReadonlySet<string> = new Set([
  ...Object.entries<Verb>(VERBS).flatMap(([name, { plane }]) => (plane === "data" ? [name] : [])),
  "metrics",
]);

export const isControl = (request: FastifyRequest): boolean =>
  foreignOf(request)?.plane === "control" || CONTROL.has(routeOf(request));
export const isStreaming = (request: FastifyRequest): boolean =>
  foreignOf(request)?.streams === true || TAKES_BYTES.has(routeOf(request));
const routeOf = ({ method, routeOptions }: FastifyRequest): string => `${method} ${routeOptions.url}`;
export const doorOf = (request: FastifyRequest): string => foreignOf(request)?.door ?? DOORS.get(routeOf(request)) ?? "none";

export function accessOf(request: FastifyRequest, reply: FastifyReply, verb: string, ms: number): AccessEntry {
  const { name } = (request.params ?? {}) as { readonly name?: string };
  const lengths = [request.headers["content-length"], reply.getHeader("content-length")];
  return {
    requestId: request.id,
    actor: request.actor?.id ?? null,
    verb,
    target: name ?? null,
    status: reply.statusCode,
    bytes: lengths[1] === undefined ? null : Math.max(...lengths.map((length) => Number(length ?? 0))),
    ms: Math.round(ms * 100) / 100,
  };
}
