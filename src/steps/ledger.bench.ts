/** What the ledger adds to a step: no-op steps that run in this process, in turns one after the other, many at once and by one call, then the same keys again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pin } from "../ports/objects/index.ts";
import { openTestWorkspace } from "./fixtures/workspace.ts";

const STEPS = 200;
const ROUNDS = 5;
const AT_ONCE = 64;
const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));
const workspace = await openTestWorkspace(folder);
const { ledger } = workspace;
const ask = (input: unknown) => ({ kind: "nothing", input, target: "dataset/flights", runId: null, memoryMb: 300, threads: 1 });
const execute = (input: unknown) => ledger.execute(ask(input));

async function inLanes(inputs: readonly unknown[]): Promise<void> {
  const rest = [...inputs];
  const lane = async () => {
    while (rest.length > 0) await execute(rest.pop());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

const inTurn = async <T>(all: readonly T[], work: (one: T) => Promise<unknown>) => {
  for (const one of all) await work(one);
};

type Work = (inputs: readonly { readonly round: number; readonly step: number }[]) => Promise<unknown>;

const works: Record<string, Work> = {
  "no-op, one after the other": (inputs) => inTurn(inputs, execute),
  [`no-op, ${AT_ONCE} at a time`]: (inputs) => inLanes(inputs.map((input) => ({ ...input, lanes: true }))),
  [`no-op, ${AT_ONCE} at a time, by executeAll`]: (inputs) =>
    ledger.executeAll(
      inputs.map((input) => ask({ ...input, together: true })),
      { concurrency: AT_ONCE },
    ),
  reused: (inputs) => inTurn(inputs, execute),
  "looked up together": (inputs) => ledger.resultsOf(inputs.map((input) => ledger.keyOf("nothing", input))),
  "for comparison: one object, put": (inputs) =>
    inTurn(inputs, (input) => workspace.objects.put(Buffer.from(JSON.stringify(input)))),
  "for comparison: one commit": (inputs) =>
    inTurn(inputs, (input) =>
      workspace.records.commit(pin(`bench:${input.round}-${input.step}`, [ledger.keyOf("nothing", input)])),
    ),
};

await inTurn([...Array(STEPS).keys()], (warm) => execute({ warm }));
const taken = new Map(Object.keys(works).map((name) => [name, [] as { clockMs: number; processorMs: number }[]]));
for (let round = 0; round < ROUNDS; round++) {
  const inputs = Array.from({ length: STEPS }, (_, step) => ({ round, step }));
  for (const [name, work] of Object.entries(works)) {
    const startedAt = performance.now();
    const before = process.cpuUsage();
    await work(inputs);
    const { user, system } = process.cpuUsage(before);
    taken.get(name)!.push({ clockMs: (performance.now() - startedAt) / STEPS, processorMs: (user + system) / 1000 / STEPS });
  }
}
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!.toFixed(3);
for (const [name, rounds] of taken)
  console.log(
    `${name.padEnd(40)} ${median(rounds.map(({ clockMs }) => clockMs))} ms a step, ${median(rounds.map(({ processorMs }) => processorMs))} ms of processor time`,
  );
await workspace.close();
rmSync(folder, { recursive: true, force: true });
