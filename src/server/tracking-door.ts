/**
 * A door of its own for the scripts of steps: MLflow's protocol on this machine's loopback address, for who has a credential that was given out here and is
 * kept in memory alone. It opens when the first is asked for, whether or not the platform is served.
 */
import { createHash, randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { MillError } from "../base/index.ts";
import { codeInfo, VERBS, type Verb, type VerbName } from "../contract/index.ts";
import { type BoundCall, type Call, type CallOptions, SCRIPT } from "../guard/index.ts";
import { mlflowRoutes } from "../protocols/index.ts";
import { tokenOf } from "./authenticate.ts";
import { boundPatience } from "./bytes.ts";
import { isStreaming } from "./doors.ts";
import { addForeign, answerForeign, foreignOf } from "./foreign.ts";
import { BODY_BYTES_MAX, toMillError } from "./problem.ts";
import { unpack } from "./read-input.ts";

export interface TrackingDoor {
  /** Errors: those of listening. */
  admit(): Promise<Admitted>;
  close(): Promise<void>;
}

/** What an MLflow client is told. It prints its address, so the credential is not in it. */
export interface Admitted {
  readonly address: string;
  readonly username: string;
  readonly password: string;
  /** Ends the credential. */
  end(): void;
}

const REQUEST_TIMEOUT_MS = 60_000;

/** `verbs`: what a credential is for. */
export function createTrackingDoor({ call, verbs }: { readonly call: Call; readonly verbs: readonly VerbName[] }): TrackingDoor {
  const admitted = new Set<string>();
  let opened: Promise<FastifyInstance> | null = null;

  return {
    async admit() {
      opened ??= open().catch((error) => {
        opened = null;
        throw error;
      });
      const { port } = (await opened).server.address() as AddressInfo;
      const password = randomBytes(32).toString("base64url");
      const digest = digestOf(password);
      admitted.add(digest);
      return { address: `http://127.0.0.1:${port}`, username: "script", password, end: () => void admitted.delete(digest) };
    },
    async close() {
      admitted.clear();
      const app = await opened?.catch(() => null);
      app?.server.closeAllConnections();
      await app?.close();
    },
  };

  async function open(): Promise<FastifyInstance> {
    const app = fastify({ bodyLimit: BODY_BYTES_MAX, requestTimeout: 0, routerOptions: { maxParamLength: 200 } });
    app.server.unref();
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, async (request: FastifyRequest, body: Buffer) =>
      unpack(body, request.headers["content-encoding"]),
    );
    app.decorateRequest("door", "none");
    app.addHook("onRequest", async (request, reply) => {
      if (!isStreaming(request)) boundPatience(request, reply, REQUEST_TIMEOUT_MS);
      if (!admitted.has(digestOf(tokenOf(request.headers.authorization ?? "")))) throw stranger();
    });
    app.setErrorHandler((thrown, request, reply) => {
      const error = toMillError(thrown);
      const answer = foreignOf(request)?.fail(error);
      return answer ? answerForeign(reply, answer) : reply.code(codeInfo(error.code).status).send({ message: error.message });
    });
    addForeign(app, mlflowRoutes(), (request) => bound(call, request, verbs));
    await app.listen({ host: "127.0.0.1", port: 0 });
    return app;
  }
}

const digestOf = (token: string): string => createHash("sha256").update(token).digest("hex");

const bound = (call: Call, { id }: FastifyRequest, verbs: readonly VerbName[]): BoundCall =>
  ((verb: VerbName, input: unknown, options: CallOptions = {}) => {
    if (!verbs.includes(verb)) throw beyond(verb);
    return call(SCRIPT, verb, input, { ...options, requestId: id });
  }) as BoundCall;

const stranger = () =>
  new MillError("guard.token-wrong", "This address is for the script of a step, while it runs.", {
    fix: "Use the address that `mill up` prints.",
  });

const beyond = (verb: VerbName) =>
  new MillError("guard.not-permitted", `A training script may log to tracking, and nothing else: not ${verb}.`, {
    at: (VERBS[verb] as Verb).about,
    fix: "Do it with the address that `mill up` prints; a model is registered by its gate, not by its script.",
  });
