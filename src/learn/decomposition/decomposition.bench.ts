/** Principal components beside scikit-learn's covariance solver on the same rows, in turns. Ratios count, seconds drift. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "../../base/index.ts";
import { unpackFloat64 } from "../packed.ts";
import { pca } from "./pca.ts";

const ROUNDS = 2;
const [ROWS, COLUMNS, COMPONENTS] = [500_000, 50, 10];
const peers = join(import.meta.dirname, "../../../bench/peers");
const python = join(peers, ".venv/bin/python");
if (!existsSync(python)) throw new Error("Run `npm run bench learn.bench` once: it installs the peers.");
const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));

try {
  const random = createRandom(3);
  const shared = Float64Array.from({ length: ROWS * 5 }, () => random.normal());
  const columns = Array.from({ length: COLUMNS }, (_, at) => {
    const values = Float64Array.from({ length: ROWS }, (_, row) =>
      Math.fround((COLUMNS - at) * shared[row * 5 + (at % 5)]! + random.normal()),
    );
    return [`x${at}`, { kind: "number", values }] as const;
  });
  const file = join(folder, "points");
  const points = new Float64Array(ROWS * COLUMNS);
  columns.forEach(([, { values }], at) => {
    for (let row = 0; row < ROWS; row++) points[row * COLUMNS + at] = values[row]!;
  });
  writeFileSync(file, points);
  const X = { rowCount: ROWS, columns: Object.fromEntries(columns) };
  console.log(`${ROWS} x ${COLUMNS}, ${COMPONENTS} components`);
  console.log(
    "threads   ours s   peer s (double)   peer s (single)   ratios   of processor time   largest difference of the variances to double",
  );
  for (const threads of new Set([1, availableParallelism()])) {
    const peer = (...more: string[]): { seconds: number; processor: number; variances: number[] } => {
      const sizes = [ROWS, COLUMNS, COMPONENTS].map(String);
      return JSON.parse(
        execFileSync(python, [join(peers, "decomposition_sklearn.py"), file, ...sizes, "--threads", String(threads), ...more], {
          encoding: "utf8",
        }),
      );
    };
    const best = [Infinity, Infinity, Infinity];
    const used = [Infinity, Infinity, Infinity];
    let difference = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const context = { threads, seed: 1, progress: () => {}, warn: () => {}, signal: new AbortController().signal };
      const [began, before] = [performance.now(), process.cpuUsage()];
      const data = { X, y: new Float64Array(), task: "clustering" as const, classes: [] };
      const fitted = await pca.fit(data, { components: COMPONENTS, standardise: false }, context);
      best[0] = Math.min(best[0]!, (performance.now() - began) / 1000);
      const { user, system } = process.cpuUsage(before);
      used[0] = Math.min(used[0]!, (user + system) / 1e6);
      const [double, single] = [peer(), peer("--single")];
      best[1] = Math.min(best[1]!, double.seconds);
      best[2] = Math.min(best[2]!, single.seconds);
      used[1] = Math.min(used[1]!, double.processor);
      used[2] = Math.min(used[2]!, single.processor);
      const variances = unpackFloat64((fitted.toJson() as Record<string, unknown>).variances);
      difference = Math.max(...double.variances.map((value, at) => Math.abs(variances[at]! / value - 1)));
    }
    const [ours, double, single] = best as [number, number, number];
    const cells = [ours.toFixed(3).padStart(9), double.toFixed(3).padStart(17), single.toFixed(3).padStart(17)];
    const ratios = `${(double / ours).toFixed(2)}x ${(single / ours).toFixed(2)}x   ${(used[1]! / used[0]!).toFixed(2)}x ${(used[2]! / used[0]!).toFixed(2)}x`;
    console.log(String(threads).padEnd(6), ...cells, `  ${ratios}   ${difference.toExponential(1)}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
