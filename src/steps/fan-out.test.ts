import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openTestWorkspace } from "./fixtures/workspace.ts";

const folder = mkdtempSync(join(tmpdir(), "mill-fan-out-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("of many steps those that have not begun when their caller leaves are not begun", async () => {
  const { ledger, records, close } = await openTestWorkspace(folder);
  const leaving = new AbortController();
  const requests = Array.from({ length: 60 }, (_, step) => ({
    ...{ kind: "write", input: { name: `step ${step}`, parts: 1, waitMs: 1 }, target: "dataset/flights", runId: null },
    ...{ memoryMb: 300, threads: 1, signal: leaving.signal, onProgress: () => leaving.abort() },
  }));
  const states = (await ledger.executeAll(requests, { concurrency: 2 })).map(({ state }) => state);
  assert.ok(states.every((state) => state === "cancelled" || state === "succeeded"));
  const [begun] = await records.query<{ n: number }>("SELECT count(*) AS n FROM steps");
  assert.ok(begun!.n < 60, `${begun!.n} begun`);
  assert.equal(
    (await ledger.executeAll(requests, { concurrency: 2 })).filter(({ state }) => state === "cancelled").length,
    60 - states.filter((state) => state === "succeeded").length,
  );
  await close();
});
