/** For tests: HTTP requests with any header, which `fetch` would not send. */
import { type IncomingHttpHeaders, request } from "node:http";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The text as JSON. */
  json<T = Record<string, unknown>>(): T;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or a text as it is. */
  readonly body?: unknown;
  /** Bytes of a body that is stated and never sent. */
  readonly announced?: number;
}

/** Without a method: POST when there is a body, else GET. */
export function ask(base: string, path: string, { method, headers = {}, body, announced }: Asked = {}): Promise<Reply> {
  const sent = body === undefined || typeof body === "string" ? (body as string | undefined) : JSON.stringify(body);
  const type = sent === undefined ? {} : { "content-type": "application/json" };
  const size = announced === undefined ? {} : { "content-length": String(announced) };
  return new Promise((resolve, reject) => {
    const options = {
      method: method ?? (sent === undefined ? "GET" : "POST"),
      headers: { ...type, ...size, ...headers },
      agent: false,
    };
    const asked = request(new URL(path, base), options, async (reply) => {
      const chunks: Buffer[] = [];
      for await (const chunk of reply) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString("utf8");
      asked.destroy();
      resolve({ status: reply.statusCode!, headers: reply.headers, text, json: () => JSON.parse(text) });
    });
    asked.on("error", reject);
    if (announced === undefined) asked.end(sent);
    else asked.flushHeaders();
  });
}
