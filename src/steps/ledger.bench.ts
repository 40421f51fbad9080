/** What the ledger adds to a step: no-op steps that run in this process, then the same keys again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pin } from "../ports/objects/index.ts";
import { openTestWorkspace } from "./fixtures/workspace.ts";

const STEPS = 400;
const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));
const workspace = await openTestWorkspace(folder);
const { ledger } = workspace;
const execute = (input: unknown) =>
  ledger.execute({ kind: "nothing", input, target: "dataset/flights", runId: null, memoryMb: 300, threads: 1 });

async function perStep(label: string, run: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  await run();
  console.log(`${label.padEnd(40)} ${((performance.now() - started) / STEPS).toFixed(3)} ms a step`);
}

for (let warm = 0; warm < 50; warm++) await execute({ warm });
const inputs = Array.from({ length: STEPS }, (_, step) => ({ step }));
await perStep("no-op, one after the other", async () => {
  for (const input of inputs) await execute(input);
});
await perStep("no-op, all at once", () => Promise.all(inputs.map(({ step }) => execute({ step, fanOut: true }))));
await perStep("no-op, by executeAll", async () => {
  const ask = { kind: "nothing", target: "dataset/flights", runId: null, memoryMb: 300, threads: 1 };
  await ledger.executeAll(inputs.map(({ step }) => ({ ...ask, input: { step, batch: true } })));
});
await perStep("reused", async () => {
  for (const input of inputs) await execute(input);
});
await perStep("for comparison: one object, put", async () => {
  for (const { step } of inputs) await workspace.objects.put(Buffer.from(`object ${step}`));
});
await perStep("for comparison: one commit", async () => {
  for (const { step } of inputs) await workspace.records.commit(pin(`bench:${step}`, [ledger.keyOf("nothing", { step })]));
});
const keys = inputs.map((input) => ledger.keyOf("nothing", input));
await perStep("looked up together", () => ledger.resultsOf(keys));
await workspace.close();
rmSync(folder, { recursive: true, force: true });
