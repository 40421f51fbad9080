import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import type { Problem } from "./problem.ts";

/**
 * A stream's lines as NDJSON. What is wrong before the first line is an ordinary error answer; what goes wrong later is the last line, `{"error": problem}`.
 */
export async function sendLines(
  reply: FastifyReply,
  lines: AsyncIterable<unknown>,
  toProblem: (error: unknown) => Problem,
): Promise<FastifyReply> {
  const iterator = lines[Symbol.asyncIterator]();
  const first = await iterator.next();
  return reply.type("application/x-ndjson; charset=utf-8").send(Readable.from(written(first, iterator, toProblem)));
}

async function* written(
  first: IteratorResult<unknown>,
  iterator: AsyncIterator<unknown>,
  toProblem: (error: unknown) => Problem,
): AsyncGenerator<string> {
  try {
    for (let next = first; !next.done; next = await iterator.next()) yield `${JSON.stringify(next.value)}\n`;
  } catch (error) {
    yield `${JSON.stringify({ error: toProblem(error) })}\n`;
  } finally {
    await iterator.return?.();
  }
}
