/** Nearest neighbours beside scikit-learn's for the same rows and queries, in turns; ours with the making of the index. Ratios count, seconds drift. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "../../base/index.ts";
import type { Frame } from "../frame.ts";
import type { PointNumber } from "../points.ts";
import { searchRows } from "./predictor.ts";

const ROUNDS = 2;
const QUERIES = 10_000;
const NEIGHBOURS = 10;
const SHAPES: readonly [rows: number, columns: number, algorithm: string][] = [
  [100_000, 32, "brute"],
  [100_000, 3, "kd_tree"],
];
const peers = join(import.meta.dirname, "../../../bench/peers");
const python = join(peers, ".venv/bin/python");
if (!existsSync(python)) throw new Error("Run `npm run bench learn.bench` once: it installs the peers.");
const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));

try {
  console.log(
    "rows x columns, peer, threads       ours s   peer s (double)   peer s (single)   ratios   of processor time   queries with the same rows in order",
  );
  for (const threads of new Set([1, availableParallelism()])) for (const shape of SHAPES) await compare(shape, threads);
} finally {
  rmSync(folder, { recursive: true });
}

async function compare([rows, columns, algorithm]: (typeof SHAPES)[number], threads: number): Promise<void> {
  const random = createRandom(3);
  const all = Float64Array.from({ length: (rows + QUERIES) * columns }, () => Math.fround(random.normal()));
  const [file, foundFile] = [join(folder, "points"), join(folder, "found")];
  writeFileSync(file, all);
  const peer = (...more: string[]): { seconds: number; processor: number } => {
    const sizes = [rows, columns, QUERIES, NEIGHBOURS].map(String);
    const options = ["--algorithm", algorithm, "--threads", String(threads), ...more];
    return JSON.parse(
      execFileSync(python, [join(peers, "neighbors_sklearn.py"), file, ...sizes, foundFile, ...options], { encoding: "utf8" }),
    );
  };
  const inputs = Array.from(
    { length: columns },
    (_, at): PointNumber => ({
      ...{ kind: "number", name: `x${at}`, offset: 0, scale: 1, fill: 0 },
      ...{ at, missingAt: -1, reach: 8 },
    }),
  );
  const model = { space: { inputs, width: columns }, points: all.slice(0, rows * columns), neighbours: NEIGHBOURS };
  const X = frameOf(all.subarray(rows * columns), columns);
  const best = [Infinity, Infinity, Infinity];
  const used = [Infinity, Infinity, Infinity];
  const take = (which: number, { seconds, processor }: { seconds: number; processor: number }) => {
    best[which] = Math.min(best[which]!, seconds);
    used[which] = Math.min(used[which]!, processor);
  };
  let same = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const [began, before] = [performance.now(), process.cpuUsage()];
    const found = await searchRows(model, X, { threads, progress: () => {}, signal: new AbortController().signal });
    const { user, system } = process.cpuUsage(before);
    take(0, { seconds: (performance.now() - began) / 1000, processor: (user + system) / 1e6 });
    take(2, peer("--single"));
    take(1, peer());
    const theirs = new BigInt64Array(new Uint8Array(readFileSync(foundFile)).buffer);
    same = 0;
    for (let query = 0; query < QUERIES; query++) {
      const [from, to] = [query * NEIGHBOURS, (query + 1) * NEIGHBOURS];
      if (found.rows.subarray(from, to).every((row, at) => BigInt(row) === theirs[from + at])) same++;
    }
  }
  const [ours, double, single] = best as [number, number, number];
  const cells = [ours.toFixed(3).padStart(9), double.toFixed(3).padStart(15), single.toFixed(3).padStart(17)];
  const ratios = `${(double / ours).toFixed(2)}x ${(single / ours).toFixed(2)}x   ${(used[1]! / used[0]!).toFixed(2)}x ${(used[2]! / used[0]!).toFixed(2)}x`;
  console.log(`${rows} x ${columns}, ${algorithm}, ${threads}`.padEnd(34), ...cells, `  ${ratios}   ${same} of ${QUERIES}`);
}

function frameOf(points: Float64Array, columns: number): Frame {
  const rowCount = points.length / columns;
  const entries = Array.from({ length: columns }, (_, column) => {
    const values = Float64Array.from({ length: rowCount }, (_, row) => points[row * columns + column]!);
    return [`x${column}`, { kind: "number", values }] as const;
  });
  return { rowCount, columns: Object.fromEntries(entries) };
}
