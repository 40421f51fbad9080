import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { createOnnxruntimeScoring } from "./onnxruntime.ts";
import { castGraph, frame, rankGraph, scoringSuite } from "./suite.ts";

scoringSuite("onnxruntime", createOnnxruntimeScoring);

test("without the package the error names the command that installs it", async () => {
  const scoring = createOnnxruntimeScoring({ module: "onnxruntime-that-is-not-installed" });
  await assert.rejects(scoring.open(castGraph("float64")), (error: { code: string; fix: string }) => {
    assert.equal(error.code, "scoring.unavailable");
    assert.match(error.fix, /npm install onnxruntime-node/);
    assert.match(error.fix, /ONNXRUNTIME_NODE_INSTALL=skip/);
    return true;
  });
});

test("a worker that runs out of memory rejects the calls in progress, and later ones as closed", async () => {
  const session = await createOnnxruntimeScoring({ heapMbMax: 16 }).open(rankGraph());
  const texts = Array.from({ length: 1_000_000 }, (_, index) => `text ${index}`);
  const X = { rowCount: 1, columns: { origin: { kind: "text" as const, codes: Int32Array.of(0), texts } } };
  const calls = [session.score(X), session.score(frame({ origin: ["SEA"] }))];
  for (const call of calls) await assert.rejects(call, { code: "scoring.failed" });
  await assert.rejects(session.score(frame({ origin: ["SEA"] })), { code: "scoring.closed" });
  await session.close();
});

const runScript = (body: string, graph = 'castGraph("float64")') => {
  const door = new URL("./index.ts", import.meta.url).href;
  const suite = new URL("./suite.ts", import.meta.url).href;
  const script = `
    const { createOnnxruntimeScoring } = await import(${JSON.stringify(door)});
    const { castGraph, slowGraph } = await import(${JSON.stringify(suite)});
    const session = await createOnnxruntimeScoring().open(${graph});
    const X = { rowCount: 1, columns: { x: { kind: "number", values: Float64Array.of(3) } } };
    ${body}`;
  return promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { timeout: 20_000 });
};

test("close ends the worker", async () => {
  const { stdout } = await runScript(`
    const threads = () => process.report.getReport().workers.length;
    const open = threads();
    await session.score(X);
    await session.close();
    console.log(open, threads());`);
  assert.equal(stdout.trim(), "1 0");
});

test("a session left open does not keep the process alive", async () => {
  const { stdout } = await runScript("console.log((await session.score(X)).values[0]);");
  assert.equal(stdout.trim(), "3");
});

test("the process can exit in the middle of a call with its own status", async () => {
  const exit = runScript(
    `const rows = { rowCount: 100_000, columns: { x: { kind: "number", values: new Float64Array(100_000) } } };
    session.score(rows);
    setTimeout(() => process.exit(5), 100);`,
    "slowGraph()",
  );
  await assert.rejects(exit, { code: 5, signal: null });
});
