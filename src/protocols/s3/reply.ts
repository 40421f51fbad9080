import { document } from "./xml.ts";

/** What is answered, as data; the door alone writes it. */
export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | number>;
  readonly body?: string | Uint8Array | AsyncIterable<string | Uint8Array>;
}

/** An XML document; `inner` is XML already. */
export const xmlReply = (root: string, inner: string, headers: Record<string, string | number> = {}): Reply => ({
  status: 200,
  headers: { "content-type": "application/xml", ...headers },
  body: document(root, inner),
});

export const empty = (status: number, headers: Record<string, string | number> = {}): Reply => ({ status, headers });
