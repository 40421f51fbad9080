/** How long a request may take to come, over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { after, before, test } from "node:test";
import fastify from "fastify";
import { boundPatience } from "./bytes.ts";

const app = fastify({ requestTimeout: 0 });
before(async () => {
  app.addHook("onRequest", async (request, reply) => boundPatience(request, reply, 200));
  app.post("/whole", async ({ body }) => ({ got: body }));
  app.get("/slow", async () => new Promise((resolve) => setTimeout(() => resolve({ said: "late" }), 600)));
  await app.listen({ host: "127.0.0.1", port: 0 });
});
after(() => app.close());

/** What comes back until the other side ends, of a request that is sent up to here and left open. */
async function answerTo(sent: string): Promise<string> {
  const socket = connect((app.server.address() as AddressInfo).port, "127.0.0.1");
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes;
  });
  socket.write(sent.replaceAll("\n", "\r\n"));
  await once(socket, "close");
  return text;
}

const POST = "POST /whole HTTP/1.1\nHost: a\nConnection: close\nContent-Type: application/json\n";

test("a body that does not come is told so, and its connection ends", async () => {
  assert.match(await answerTo(`${POST}Content-Length: 20\n\n{"half"`), /^HTTP\/1\.1 408 Request Timeout\r\n/);
  assert.match(await answerTo(`${POST}Transfer-Encoding: chunked\n\n5\n{"hal`), /^HTTP\/1\.1 408 /);
});

test("a body that is there, and a request without one, may be answered later", async () => {
  assert.match(await answerTo(`${POST}Content-Length: 8\n\n{"a": 1}`), /^HTTP\/1\.1 200 .*"got":\{"a":1\}/s);
  assert.match(await answerTo("GET /slow HTTP/1.1\nHost: a\nConnection: close\n\n"), /^HTTP\/1\.1 200 .*late/s);
});
