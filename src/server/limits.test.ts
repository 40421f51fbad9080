import assert from "node:assert/strict";
import { test } from "node:test";
import { startSample } from "./fixtures/sample-platform.ts";

test("strangers are answered a minute's worth and then told when to come again; probes and who bears a token are not kept out by them", async () => {
  const sample = await startSample({}, { host: "0.0.0.0", limits: { strangers: 3, actors: 0 } });
  const ask = (path: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${sample.port}${path}`, { headers });
  try {
    const token = { authorization: `Bearer ${sample.token}` };
    const statuses = [];
    for (const [path, headers] of [
      ["/v1/models", {}],
      ["/v1/models", { authorization: "Bearer another" }],
      ["/login", {}],
      ["/v1/models", {}],
      ["/v1/models", { authorization: "Bearer another" }],
      ["/login", {}],
    ] as const)
      statuses.push((await ask(path, headers)).status);
    assert.deepEqual(statuses, [401, 401, 200, 429, 429, 429]);
    const refused = await ask("/v1/models");
    assert.match(refused.headers.get("retry-after")!, /^(1?\d|20)$/);
    assert.equal(((await refused.json()) as { code: string }).code, "guard.too-many-requests");
    assert.deepEqual([(await ask("/healthz")).status, (await ask("/v1/models", token)).status], [200, 200]);
  } finally {
    await sample.close();
  }
});

test("a user is bounded in what it asks of the control plane, and not in predictions; so is who has no token on this machine", async () => {
  const sample = await startSample({}, { limits: { strangers: 1, actors: 2 } });
  const ask = async (path: string, headers: Record<string, string>, body?: unknown) =>
    (
      await fetch(`http://127.0.0.1:${sample.port}${path}`, {
        headers: { "content-type": "application/json", ...headers },
        ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
      })
    ).status;
  try {
    for (const headers of [{ authorization: `Bearer ${sample.token}` }, {}]) {
      const asked = [];
      for (let count = 0; count < 3; count++) asked.push(await ask("/v1/models", headers));
      assert.deepEqual(asked, [200, 200, 429]);
      for (let count = 0; count < 5; count++) {
        assert.notEqual(await ask("/v1/endpoints/late-arrival/predict", headers, { rows: [{}] }), 429);
        assert.notEqual(await ask("/v2/models/late-arrival", headers), 429);
        assert.equal(await ask("/metrics", headers), 200);
      }
    }
  } finally {
    await sample.close();
  }
});

test("a login that has to wait says how long", async () => {
  const sample = await startSample();
  try {
    const enter = () =>
      fetch(`${sample.url}/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ user: "nobody", password: "guess" }),
      });
    let reply = await enter();
    for (let count = 0; count < 6 && reply.status === 401; count++) reply = await enter();
    assert.equal(reply.status, 429);
    assert.match(reply.headers.get("retry-after")!, /^[1-9]\d*$/);
  } finally {
    await sample.close();
  }
});
