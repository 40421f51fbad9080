/**
 * The same definitions over the same rows leave the same objects and facts, step by step. When a digest below changes, results that users have are
 * no longer what their keys say: raise the kind's `revision` in the same commit, then write the new digests down (the failing test prints them).
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { KINDS } from "./app.ts";
import { createRandom, digestOfFile, digestOfJson, formatMoment, type Json } from "./base/index.ts";
import { loadProject } from "./define/index.ts";
import { buildGraph, type Outside } from "./orchestrate/graph.ts";
import { createFileObjects } from "./ports/objects/index.ts";
import { openSqlite } from "./ports/records/index.ts";
import { createInlineEngine, createLedger, type StepManifest } from "./steps/index.ts";

const folder = mkdtempSync(join(tmpdir(), "mill-golden-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Revision and digest of the manifest, by kind. */
const GOLDEN: Readonly<Record<string, readonly [revision: number, manifest: string]>> = {
  ingest: [1, "a08266af7da29c1e"],
  check: [1, "3a525be7068686ca"],
  split: [1, "a1aa8631398776e3"],
  "training-set": [1, "8f17c2f6d97e49a9"],
  train: [1, "cc8dd641b73f9128"],
  bundle: [1, "d49c5bd79384fb58"],
  prove: [1, "1c05416a962816a8"],
  assess: [1, "57de08b164b0b973"],
  gate: [1, "3a9684aebc1c58e9"],
};

test("each kind of step leaves what its revision says", async () => {
  const found: Record<string, readonly [number, string]> = {};
  for (const [id, manifest] of await runProject()) {
    const kind = KINDS.find(({ name }) => name === id.split(":")[1])!;
    found[kind.name] = [kind.revision, digestOfJson(manifest).slice(7, 23)];
  }
  assert.deepEqual(found, GOLDEN);
});

async function runProject(): Promise<Map<string, StepManifest>> {
  const project = await loadProject(writeProject());
  const objects = createFileObjects(join(folder, "objects"));
  const records = await openSqlite(join(folder, "mill.db"));
  const engine = createInlineEngine(KINDS, { objects });
  const environment = { millwright: "golden" };
  const ledger = createLedger({ records, objects, engine, folder: join(folder, "steps"), kinds: KINDS, environment });
  try {
    const results = new Map<string, StepManifest>();
    for (const node of buildGraph(project, environment)) {
      const input = await node.input(results, outside);
      const outcome = await ledger.execute({
        kind: node.kind,
        input,
        target: node.target,
        runId: null,
        memoryMb: 1000,
        threads: 2,
      });
      if (outcome.state === "failed") throw outcome.error;
      assert.ok(outcome.state === "succeeded" || outcome.state === "reused");
      results.set(node.id, node.kind === "prove" ? withoutLastBits(outcome.manifest) : outcome.manifest);
    }
    return results;
  } finally {
    await ledger.close();
    await records.close();
  }
}

/** How far ONNX Runtime's sums are from ours depends on the machine's vector instructions; that no decision differs does not. */
const withoutLastBits = ({ facts, measurements, ...rest }: StepManifest): StepManifest => ({
  ...rest,
  facts: { ...facts, largest: 0 },
  measurements: measurements.map((measurement) =>
    measurement.measure === "graphDifference" ? { ...measurement, value: 0 } : measurement,
  ),
});

const outside: Outside = {
  sources: async () =>
    [
      { path: join(folder, "rows.csv"), name: "rows.csv", format: "csv", digest: await digestOfFile(join(folder, "rows.csv")) },
    ] as Json,
  champion: async () => null,
  frozenSplit: async () => null,
};

function writeProject(): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "rows.csv"), rows(900));
  writeFileSync(
    join(folder, "mill.ts"),
    `import { byTime, dataset, features, files, gradientBoosting, model, problem } from "millwright";
const question = problem("late", { question: "Late?", task: "binary-classification", owner: "o@example.org", gain: { truePositive: 4, falsePositive: -1 } });
const trips = dataset("trips", {
  from: files("rows.csv"), time: "left",
  columns: { left: "timestamp", line: "string", km: "float64?", delay: "int32" },
  outcomes: { delay: (r) => r.left.plusMinutes(r.km.times(2).orElse(30)) },
  split: byTime({ test: 0.2, holdout: 0.2 }),
  checks: (c) => [c.delay.between(-60, 600).holdsFor(0.9)],
});
const known = features("known", trips, (f) => ({ hour: f.left.hour(), line: f.line, km: f.km, recent: f.delay.mean().by(f.line).last("6h") }));
export const late = model("late", {
  solves: question, from: known, label: (f) => f.delay.gt(10), threshold: "max-gain", train: gradientBoosting({ trees: 20, leaves: 7 }),
  slices: (f) => ({ line: f.line }), accept: (m) => [m.auc.atLeast(0.5), m.auc.beatsChampion()],
});
`,
  );
  return folder;
}

/** Trips of three lines, every 20 minutes; late ones come in runs; some are out of range and some lack their length. */
function rows(count: number): string {
  const random = createRandom(7);
  const lines = Array.from({ length: count }, (_, row) => {
    const line = "ABC"[random.below(3)]!;
    const jam = Math.sin(row / 40) * 12 + (line === "B" ? 6 : 0);
    const delay = random.next() < 0.01 ? 9999 : Math.round(jam + 8 * random.normal());
    const km = random.next() < 0.05 ? "" : (5 + 20 * random.next()).toFixed(2);
    return `${formatMoment(1_000_000_000e6 + row * 1200e6)},${line},${km},${delay}`;
  });
  return `left,line,km,delay\n${lines.join("\n")}\n`;
}
