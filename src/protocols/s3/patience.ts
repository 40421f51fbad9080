/**
 * Work that may outlast a client's patience. What ends soon is answered with its own status. What takes longer is answered with 200 and white space
 * before the document, as S3 does, and an error is then told in the document: clients of these operations look for it there.
 */
import { type Reply, xmlReply } from "./reply.ts";
import type { Resources, S3Request } from "./request.ts";
import { document, element, XML_HEAD } from "./xml.ts";

const SILENCE_MS = 5_000;

/** `inner`: what stands in the document, as XML. */
export async function patiently(
  { id }: S3Request,
  root: string,
  inner: Promise<string>,
  { report }: Pick<Resources, "report">,
  silenceMs: number = SILENCE_MS,
): Promise<Reply> {
  inner.catch(() => undefined); // the client may be gone by then
  const soon = await before(silenceMs, inner);
  if (soon !== null) return xmlReply(root, soon);
  return { status: 200, headers: { "content-type": "application/xml" }, body: whileWaiting() };

  async function* whileWaiting(): AsyncGenerator<string> {
    yield XML_HEAD;
    try {
      let done: string | null = null;
      while (done === null) {
        yield " ";
        done = await before(silenceMs, inner);
      }
      yield document(root, done).slice(XML_HEAD.length);
    } catch (thrown) {
      const { code, message } = report(id, thrown);
      yield `<Error>${element("Code", code)}${element("Message", message)}${element("RequestId", id)}</Error>`;
    }
  }
}

/** What a promise gives within a time; null: it is not there yet. */
async function before<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ms, null);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
