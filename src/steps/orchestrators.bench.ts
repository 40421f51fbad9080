/** A flow of forty steps that do nothing, one after the other, durable in SQLite: ours, Prefect's and Dagster's in turns, each in its own process alone. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTestWorkspace } from "./fixtures/workspace.ts";

const STEPS = 40;
const ROUNDS = 3;
const peers = join(import.meta.dirname, "../../bench/peers");
const venv = join(peers, ".venv-orchestrators");
const root = mkdtempSync(join(tmpdir(), "mill-bench-"));

async function ours(where: "inline" | "processes"): Promise<number> {
  const workspace = await openTestWorkspace(mkdtempSync(join(root, "ours-")), where);
  const forty = async (flow: number) => {
    for (let step = 0; step < STEPS; step++) {
      const input = { flow, step };
      await workspace.ledger.execute({
        kind: "nothing",
        input,
        target: "dataset/flights",
        runId: null,
        memoryMb: 300,
        threads: 1,
      });
    }
  };
  await forty(0);
  const started = performance.now();
  await forty(1);
  const seconds = (performance.now() - started) / 1000;
  await workspace.close();
  return seconds;
}

function peer(name: string): number {
  const words = [join(peers, "orchestrators.py"), name, mkdtempSync(join(root, `${name}-`)), "1"];
  const [seconds] = JSON.parse(
    execFileSync(join(venv, "bin/python"), words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
  );
  return seconds;
}

if (!existsSync(join(venv, "bin/python"))) {
  console.log(`installing Prefect and Dagster into ${venv}`);
  execFileSync("python3", ["-m", "venv", venv]);
  const requirements = join(peers, "requirements-orchestrators.txt");
  execFileSync(join(venv, "bin/pip"), ["install", "--quiet", "-r", requirements], { stdio: "inherit" });
}

const runs: Record<string, () => number | Promise<number>> = {
  "ours, steps in this process": () => ours("inline"),
  "ours, a process a step": () => ours("processes"),
  "Prefect, tasks in its process": () => peer("prefect"),
  "Dagster, ops in its process": () => peer("dagster"),
};
const found = Object.fromEntries(Object.keys(runs).map((name) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round++) for (const [name, run] of Object.entries(runs)) found[name]!.push(await run());

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const first = median(Object.values(found)[0]!);
for (const [name, seconds] of Object.entries(found))
  console.log(
    `${name.padEnd(32)} ${median(seconds).toFixed(3)} s for ${STEPS} steps  ${(median(seconds) / first).toFixed(1)}x of the first`,
  );
rmSync(root, { recursive: true, force: true });
