/** Objects through the S3 door of one's own workspace: over connections that stay, with its token in place of signatures. */
import { Agent, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { MillError } from "../../base/index.ts";

export interface DoorClientOptions {
  readonly url: string;
  readonly token: string | null;
  /** The door's own certificate (PEM): who shows it is the door, whatever name it stands for. */
  readonly ca: Uint8Array | null;
  readonly connections: number;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/** Content of a known length. */
export interface Content {
  readonly sizeBytes: number;
  readonly bytes: Uint8Array | AsyncIterable<Uint8Array>;
}

export interface DoorRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** As in `/BUCKET/KEY?query`, percent-encoded. */
  readonly target: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly content?: Content;
}

export interface DoorAnswer {
  readonly etag: string;
  readonly text: string;
}

export interface DoorClient {
  /** Errors: `cli.door-refused`, `cli.server-away`, `cli.interrupted`, and what the content throws. */
  ask(request: DoorRequest): Promise<DoorAnswer>;
  /** The same, with the body as it comes. */
  read(request: DoorRequest): AsyncIterable<Buffer>;
  close(): void;
}

/** Shows one ref alone, whatever the bucket of the repository's own name shows. */
export const bucketOf = (repository: string, ref: string): string => encodeURIComponent(`${repository}.${ref}`);

export const targetOf = (repository: string, ref: string, path: string): string =>
  `/${bucketOf(repository, ref)}/${path.split("/").map(encodeURIComponent).join("/")}`;

const TRIES = 3;

export function createDoorClient({ url, token, ca, connections, signal }: DoorClientOptions): DoorClient {
  const { protocol, hostname, port } = new URL(url);
  const pool = { keepAlive: true, maxSockets: connections, scheduling: "fifo" } as const;
  const secure = protocol === "https:";
  const agent = secure
    ? new TlsAgent({
        ...pool,
        ...(ca && { ca: Buffer.from(ca), allowPartialTrustChain: true, checkServerIdentity: () => undefined }),
      })
    : new Agent(pool);
  const origin = { hostname: hostname.replace(/^\[|\]$/g, ""), port, agent };
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  const closeAll = () => agent.destroy();
  signal.addEventListener("abort", closeAll);

  const open = async (asked: DoorRequest): Promise<IncomingMessage> => {
    for (let attempt = 1; ; attempt++) {
      if (signal.aborted) throw interrupted();
      let sent: ClientRequest | undefined;
      try {
        const reply = await new Promise<IncomingMessage>((resolve, reject) => {
          const headers = { ...authorization, ...asked.headers, "content-length": asked.content?.sizeBytes ?? 0 };
          sent = (secure ? tlsRequest : request)({ ...origin, method: asked.method, path: asked.target, headers }, resolve);
          sent.on("error", reject);
          write(sent, asked.content).catch((thrown) => {
            sent!.destroy();
            reject(thrown);
          });
        });
        if (reply.statusCode! < 300) return reply;
        throw await refusal(reply, asked.target);
      } catch (thrown) {
        if (signal.aborted) throw interrupted();
        if (!isBroken(thrown)) throw thrown;
        const resendable = asked.content === undefined || asked.content.bytes instanceof Uint8Array;
        // a connection that was kept may have been closed by the other side just then
        if (!sent?.reusedSocket || !resendable || attempt === TRIES) throw away(url, thrown);
      }
    }
  };

  const broken = (cause: Error) => (signal.aborted ? interrupted() : away(url, cause));

  return {
    async *read(asked) {
      const reply = await open(asked);
      const chunks = reply[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await chunks.next().catch((cause: Error) => Promise.reject(broken(cause)));
          if (next.done) return;
          yield next.value as Buffer;
        }
      } finally {
        reply.destroy();
      }
    },
    async ask(asked) {
      const reply = await open(asked);
      const text = await textOf(reply).catch((cause: Error) => Promise.reject(broken(cause)));
      return { etag: (reply.headers.etag ?? "").replaceAll('"', ""), text };
    },
    close() {
      signal.removeEventListener("abort", closeAll);
      agent.destroy();
    },
  };
}

async function write(sent: ClientRequest, content: Content | undefined): Promise<void> {
  if (content === undefined) return void sent.end();
  if (content.bytes instanceof Uint8Array) return void sent.end(content.bytes);
  for await (const chunk of content.bytes) {
    if (sent.destroyed || sent.writableEnded) return;
    if (!sent.write(chunk)) await drained(sent);
  }
  sent.end();
}

const drained = (sent: ClientRequest): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      sent.off("drain", end).off("close", end);
      resolve();
    };
    sent.on("drain", end).on("close", end);
  });

async function textOf(reply: IncomingMessage): Promise<string> {
  let text = "";
  reply.setEncoding("utf8");
  for await (const chunk of reply) text += chunk;
  return text;
}

async function refusal(reply: IncomingMessage, target: string): Promise<MillError> {
  const text = await textOf(reply).catch(() => "");
  const code = elementOf(text, "Code") ?? String(reply.statusCode);
  return new MillError("cli.door-refused", `The S3 door refused a request: ${elementOf(text, "Message") ?? code}`, {
    at: decodeURIComponent(target),
    got: code,
    fix: "Correct what it says, and run the same command again: what came in before is kept.",
  });
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** The text of the first element of a name in the door's XML. */
export function elementOf(xml: string, name: string): string | undefined {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml);
  return found?.[1]?.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, entity: string) => ENTITIES[entity]!);
}

const isBroken = (thrown: unknown): thrown is Error =>
  thrown instanceof Error && !(thrown instanceof MillError) && "code" in thrown && BROKEN.has(String(thrown.code));
const BROKEN = new Set(["ECONNRESET", "ECONNREFUSED", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]);

const away = (url: string, cause: Error) =>
  new MillError("cli.server-away", `The S3 door of this workspace does not answer: ${cause.message}`, {
    at: url,
    fix: "See the server's log; then run the same command again: what came in before is kept.",
    cause,
  });

export const interrupted = () =>
  new MillError("cli.interrupted", "Interrupted; what is done is kept.", { fix: "Run the same command again to go on." });
