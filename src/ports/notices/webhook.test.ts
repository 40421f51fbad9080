import assert from "node:assert/strict";
import { createHmac, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { MillError, newId } from "../../base/index.ts";
import { isPublic } from "./address.ts";
import { createWebhook, type WebhookOptions } from "./index.ts";
import { noticesSuite, type Received } from "./suite.ts";

const SECRET = `whsec_${Buffer.from("a secret of thirty-two bytes....").toString("base64")}`;
const notice = (body: Parameters<ReturnType<typeof createWebhook>["send"]>[0]["body"] = { n: 1 }) => ({
  id: newId(),
  topic: "t",
  body,
});

/** Reads a notice as a receiver that trusts nobody would: by the words of Standard Webhooks, not by our code. */
async function readSigned(request: IncomingMessage, secret = SECRET): Promise<Received | null> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": signature } = request.headers;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest();
  const given = Buffer.from(/^v1,(.+)$/.exec(String(signature))?.[1] ?? "", "base64");
  const isRight = given.length === expected.length && timingSafeEqual(given, expected);
  const isFresh = Math.abs(Date.now() / 1000 - Number(seconds)) < 300;
  return isRight && isFresh && request.method === "POST" ? { id: String(id), body: JSON.parse(body) } : null;
}

async function listen(answer: RequestListener, port = 0): Promise<{ server: Server; port: number; close(): Promise<void> }> {
  const server = createServer(answer).listen(port, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return { server, port: (server.address() as AddressInfo).port, close };
}

const webhook = (url: string, options: Partial<WebhookOptions> = {}) =>
  createWebhook({ url, secret: SECRET, allowPrivate: true, ...options });

noticesSuite("webhook", async () => {
  const received: Received[] = [];
  let status = 204;
  const answer: RequestListener = async (request, response) => {
    const read = await readSigned(request);
    if (read === null) status = 401;
    else if (status === 204) received.push(read);
    response.writeHead(status).end();
  };
  let receiver = await listen(answer);
  const { port } = receiver;
  return {
    notices: webhook(`http://127.0.0.1:${port}/hooks?team=a`),
    received,
    async receiver(state) {
      status = { well: 204, failing: 500, away: 204, gone: 410 }[state];
      if (state === "away") await receiver.close();
      else if (!receiver.server.listening) receiver = await listen(answer, port);
    },
    close: () => receiver.close(),
  };
});

async function withServer(answer: RequestListener, use: (port: number) => Promise<void>): Promise<void> {
  const { port, close } = await listen(answer);
  await use(port).finally(close);
}
const refused = (run: Promise<unknown>, code: string, message: RegExp) =>
  assert.rejects(run, (error) => {
    assert.ok(error instanceof MillError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(!/token|whsec|hunter2/.test(JSON.stringify([error.message, error.at, error.expected, error.got, error.fix])));
    return true;
  });

test("a body or a time that was changed under way does not fit the signature", async () => {
  await withServer(
    async (request, response) => {
      request.headers["webhook-timestamp"] = String(Number(request.headers["webhook-timestamp"]) + 1);
      response.writeHead((await readSigned(request)) === null ? 401 : 204).end();
    },
    (port) => refused(webhook(`http://127.0.0.1:${port}`).send(notice()), "notice.failed", /answered 401/),
  );
});

test("a secret that is a plain text signs as its bytes", async () => {
  await withServer(
    async (request, response) => {
      const secret = `whsec_${Buffer.from("sixteen letters!").toString("base64")}`;
      response.writeHead((await readSigned(request, secret)) === null ? 401 : 200).end("thanks");
    },
    (port) => webhook(`http://127.0.0.1:${port}`, { secret: "sixteen letters!" }).send(notice()),
  );
});

test("a redirect is not followed, wherever it leads", async () => {
  let followed = 0;
  await withServer(
    (_, response) => {
      followed++;
      response.end();
    },
    (elsewhere) =>
      withServer(
        (request, response) => {
          request.resume();
          response.writeHead(307, { location: `http://127.0.0.1:${elsewhere}/` }).end();
        },
        (port) =>
          refused(webhook(`http://127.0.0.1:${port}/token`).send(notice()), "notice.failed", /answered 307, and redirects/),
      ),
  );
  assert.equal(followed, 0);
});

test("a receiver that never answers, and a name that never resolves, end with the time-out", async () => {
  await withServer(
    () => undefined,
    (port) =>
      refused(webhook(`http://127.0.0.1:${port}`, { timeoutMs: 100 }).send(notice()), "notice.failed", /no answer within 0\.1 s/),
  );
  const slow = webhook("http://hooks.example/", { timeoutMs: 100, resolve: () => new Promise(() => undefined) });
  await refused(slow.send(notice()), "notice.failed", /no answer within 0\.1 s/);
});

test("a receiver that takes the connection and breaks it off is tried again", async () => {
  await withServer(
    (request) => void request.socket.destroy(),
    (port) => refused(webhook(`http://127.0.0.1:${port}`).send(notice()), "notice.failed", /ECONNRESET/),
  );
});

test("a receiver that answers without end is let go at its status", async () => {
  await withServer(
    (request, response) => {
      request.resume();
      response.writeHead(200);
      const endless = setInterval(() => response.write("x".repeat(1000)), 1);
      response.on("close", () => clearInterval(endless));
    },
    (port) => webhook(`http://127.0.0.1:${port}`).send(notice()),
  );
});

const PRIVATE = [
  "127.0.0.1",
  "127.8.8.8",
  "0x7f.1",
  "2130706433",
  "0.0.0.0",
  "10.1.2.3",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "100.100.100.200",
  "168.63.129.16",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "[::1]",
  "[::]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[64:ff9b::7f00:1]",
  "[2002:7f00:1::]",
  "[fe80::1]",
  "[fd00:ec2::254]",
  "[ff02::1]",
];
test("addresses of this machine and of private networks are refused in every spelling, and nothing is sent", async () => {
  let asked = 0;
  await withServer(
    (_, response) => {
      asked++;
      response.end();
    },
    async (port) => {
      for (const host of PRIVATE)
        await refused(
          webhook(`http://${host}:${port}/`, { allowPrivate: false }).send(notice()),
          "notice.private",
          /this machine or in a private network/,
        );
      await refused(webhook(`http://localhost:${port}/`, { allowPrivate: false }).send(notice()), "notice.private", /localhost/);
    },
  );
  assert.equal(asked, 0);
});

test("a name is refused if any of its addresses is private, and a name that leads nowhere is tried again", async () => {
  const named = (addresses: readonly string[]) =>
    webhook("https://hooks.example/token", { allowPrivate: false, resolve: async () => addresses });
  await refused(named(["8.8.8.8", "10.0.0.1"]).send(notice()), "notice.private", /hooks\.example/);
  await refused(named(["::ffff:10.0.0.1"]).send(notice()), "notice.private", /hooks\.example/);
  await refused(named([]).send(notice()), "notice.failed", /no address/);
  const unknown = webhook("https://hooks.example/", { resolve: () => Promise.reject(new Error("ENOTFOUND token")) });
  await refused(unknown.send(notice()), "notice.failed", /not known/);
});

test("the connection goes to the address that was checked: the name is resolved once a try, and not again to connect", async () => {
  let host: string | undefined;
  let resolved = 0;
  await withServer(
    (request, response) => {
      host = request.headers.host;
      request.resume();
      response.writeHead(204).end();
    },
    async (port) => {
      const resolve = async () => {
        resolved++;
        return ["127.0.0.1"];
      };
      await webhook(`http://no-such-name.invalid:${port}/`, { resolve }).send(notice());
      assert.equal(host, `no-such-name.invalid:${port}`);
    },
  );
  assert.equal(resolved, 1);
});

test("public addresses are told from special ones at the borders of the ranges", () => {
  for (const address of [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "223.255.255.255",
  ])
    assert.ok(isPublic(address), address);
  for (const address of ["2606:4700::1111", "2001:4860:4860::8888", "2a00::1"]) assert.ok(isPublic(address), address);
  for (const address of ["", "hooks.example", "1.1.1", "::ffff:1.1.1.1", "3fff::1", "2001:db8::1", "4000::1"])
    assert.ok(!isPublic(address), address);
});

test("an address or a secret that cannot be used is refused when the webhook is made, and not repeated", () => {
  const BAD: readonly (readonly [url: string, secret: string | null, at: string])[] = [
    ["hooks.example", SECRET, "webhook"],
    ["ftp://hooks.example/token", SECRET, "webhook"],
    ["file:///etc/passwd", SECRET, "webhook"],
    ["https://user:hunter2@hooks.example/", SECRET, "webhook"],
    ["https://hooks.example/", null, "webhookSecret"],
    ["https://hooks.example/", "hunter2", "webhookSecret"],
    ["https://hooks.example/", "whsec_aHVudGVyMg==", "webhookSecret"],
    ["https://hooks.example/", "whsec_not base64 at all, however long it is", "webhookSecret"],
  ];
  for (const [url, secret, at] of BAD)
    assert.throws(
      () => createWebhook({ url, secret, allowPrivate: false }),
      (error) =>
        error instanceof MillError &&
        error.code === "notice.bad-target" &&
        error.at === at &&
        !/token|hunter2|aHVud/.test(JSON.stringify([error.message, error.got, error.fix])),
    );
});
