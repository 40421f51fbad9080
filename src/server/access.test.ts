import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessEntry } from "../guard/index.ts";
import { startSample } from "./fixtures/sample-platform.ts";

test("each request of the data plane is told once, refused ones too, without rows and tokens; looking around is not", async () => {
  const told: AccessEntry[] = [];
  const sample = await startSample({}, { access: (entry) => void told.push(entry) });
  const token = sample.token;
  const ask = async (path: string, body?: unknown, authorization = `Bearer ${token}`) => {
    const answer = await fetch(new URL(path, sample.url), {
      headers: { "content-type": "application/json", "x-request-id": `asked-${told.length}`, authorization },
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    });
    await answer.text();
    return answer.status;
  };
  const path = "/v1/endpoints/late-arrival";
  const asked = [
    await ask(`${path}/predict`, { rows: [{ secret: "of a row" }] }),
    await ask(`${path}/predict`, { rows: "none" }),
    await ask(`${path}/feedback`, { labels: [{ id: "p1", label: true }] }, "Bearer another"),
    await ask("/metrics"),
    await ask("/v1/models"),
    await ask("/healthz"),
  ];
  await sample.close();
  assert.deepEqual(
    told.map(({ verb, target, status, requestId }) => [verb, target, status, requestId]),
    [
      ["predict", "late-arrival", asked[0], "asked-0"],
      ["predict", "late-arrival", 400, "asked-1"],
      ["feedback", "late-arrival", 401, "asked-2"],
      ["metrics", null, 200, "asked-3"],
    ],
  );
  assert.deepEqual([told[0]!.actor, told[2]!.actor], ["owner", null]);
  assert.ok(told.every(({ bytes, ms }) => bytes! > 0 && ms >= 0));
  assert.ok(!JSON.stringify(told).includes(token) && !JSON.stringify(told).includes("of a row"));
});
