import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type * as mill from "../src/define/fixtures/mill.ts";
import { connect, MillwrightError } from "./index.ts";

interface Asked {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly authorization: string | undefined;
  readonly body: { readonly rows: readonly Readonly<Record<string, unknown>>[]; readonly labels?: unknown };
}

/** A server that answers every request by what the test says next, and keeps what it was asked. */
const asked: Asked[] = [];
let answer: { readonly status: number; readonly body: string };
const server = createServer(async (request, response) => {
  asked.push(await read(request));
  response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
});

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  return { method: request.method, path: request.url, authorization: request.headers.authorization, body };
}

let url: string;
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

const row = { date: "2001-06-01T10:00:00", distance: 954, origin: "SEA", destination: "LAX", tail: null };
const answering = (status: number, body: unknown) => {
  answer = { status, body: typeof body === "string" ? body : JSON.stringify(body) };
};

describe("a client", () => {
  test("asks an endpoint for one row and gets one prediction, with what answered", async () => {
    answering(200, { id: "c1", model: "late", version: "3", predictions: [{ id: "p1", probability: 0.7, decision: true }] });
    const reply = await connect<typeof mill>(`${url}/`, { token: "secret" }).predict("late-arrival", row);
    assert.deepEqual(reply, { id: "p1", model: "late", version: "3", probability: 0.7, decision: true });
    assert.deepEqual(asked.at(-1), {
      method: "POST",
      path: "/v1/endpoints/late-arrival/predict",
      authorization: "Bearer secret",
      body: { rows: [row] },
    });
  });

  test("asks for many rows in one call and keeps their order", async () => {
    answering(200, {
      id: "c1",
      model: "kinds",
      version: "1",
      predictions: [
        { id: "p1", label: "a", probabilities: { a: 0.9, b: 0.1 } },
        { id: "p2", label: "b", probabilities: { a: 0.2, b: 0.8 } },
      ],
    });
    const replies = await connect<typeof mill>(url).predictMany("kinds", [row, { ...row, distance: 1 }]);
    assert.deepEqual(
      replies.map(({ label }) => label),
      ["a", "b"],
    );
    assert.equal(asked.at(-1)!.body.rows[1]!.distance, 1);
    assert.equal(asked.at(-1)!.authorization, undefined);
  });

  test("sends an integer beyond 2^53 as decimal text", async () => {
    answering(200, { id: "c", model: "length", version: "1", predictions: [{ id: "p", value: 3 }] });
    const wide = { ...row, distance: 9_007_199_254_740_993n } as unknown as typeof row;
    assert.equal((await connect<typeof mill>(url).predict("length", wide)).value, 3);
    assert.equal(asked.at(-1)!.body.rows[0]!.distance, "9007199254740993");
  });

  test("tells what really happened, and hears which labels were not taken", async () => {
    const told = { accepted: 1, refused: [{ index: 1, reason: 'Label 1, field "id": ...' }] };
    answering(200, told);
    const labels = [
      { id: "p1", label: true },
      { id: "p?", label: false, at: "2001-06-01T12:00:00" },
    ] as const;
    assert.deepEqual(await connect<typeof mill>(url, { token: "secret" }).feedback("late-arrival", labels), told);
    const { path, authorization, body } = asked.at(-1)!;
    assert.deepEqual([path, authorization, body.labels], ["/v1/endpoints/late-arrival/feedback", "Bearer secret", labels]);
  });

  test("throws what the server says, with its code and what to do", async () => {
    answering(422, {
      type: "about:blank",
      status: 422,
      code: "endpoint.bad-row",
      detail: "distance is missing.",
      fix: "Add it.",
      at: "/rows/0",
    });
    await assert.rejects(connect<typeof mill>(url).predict("late-arrival", row), (error: unknown) => {
      assert.ok(error instanceof MillwrightError);
      assert.deepEqual([error.code, error.status, error.at, error.fix], ["endpoint.bad-row", 422, "/rows/0", "Add it."]);
      assert.equal(error.message, "distance is missing. Add it.");
      return true;
    });
  });

  for (const [what, status, body] of [
    ["a page", 200, "<html>"],
    ["nothing", 502, ""],
    ["other JSON", 200, { ok: true }],
  ] as const)
    test(`tells when ${what} comes back that is no answer of Millwright`, async () => {
      answering(status, body);
      await assert.rejects(connect<typeof mill>(url).predict("late-arrival", row), { code: "client.not-millwright", status });
    });

  test("tells when nobody answers", async () => {
    const client = connect<typeof mill>("http://127.0.0.1:1");
    await assert.rejects(client.predict("late-arrival", row), { code: "client.unreachable", status: 0 });
  });

  test("lets the caller end a call", async () => {
    const client = connect<typeof mill>(url, { signal: AbortSignal.abort(new Error("enough")) });
    await assert.rejects(client.predict("late-arrival", row), { message: "enough" });
  });
});

test("the client needs nothing but the web platform: it imports only types", () => {
  const source = readFileSync(join(import.meta.dirname, "index.ts"), "utf8");
  const imports = source.split("\n").filter((line) => /^(import|export .* from)/.test(line));
  assert.ok(imports.length > 0 && imports.every((line) => line.startsWith("import type ")), imports.join("\n"));
  assert.doesNotMatch(source, /\b(Buffer|process|require)\b/);
});
