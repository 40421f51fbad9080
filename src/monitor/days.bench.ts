/** Drift and profile of 3 million rows by 20 columns over 30 days, and how often a value is looked at: from columns, and from a log's JSON texts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DAY_MICROS } from "../base/index.ts";
import type { Lake } from "../lake/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { predictionsOf } from "../serve/index.ts";
import { type Bins, countBins, layBins } from "./bins.ts";
import { openLog } from "./days-log.ts";

const ROWS = 3_000_000;
const folder = mkdtempSync(join(tmpdir(), "mill-days-bench-"));
const tables = openDuckDb({ threads: 2, memoryMb: 384, tempFolder: folder });
const path = (name: string) => join(folder, `${name}.parquet`);

async function timed<T>(label: string, work: () => Promise<T>): Promise<T> {
  const [started, spent] = [performance.now(), process.cpuUsage()];
  const made = await work();
  const { user, system } = process.cpuUsage(spent);
  const rss = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${label.padEnd(60)} ${((performance.now() - started) / 1000).toFixed(2)} s, ${((user + system) / 1e6).toFixed(2)} s of the processors, at most ${rss} MB`,
  );
  return made;
}

const numbers = Array.from({ length: 15 }, (_, i) => `n${i}`);
const texts = Array.from({ length: 5 }, (_, i) => `t${i}`);
const kinds = Object.fromEntries([...numbers.map((name) => [name, "number"]), ...texts.map((name) => [name, "text"])]) as Record<
  string,
  Bins["kind"]
>;
const values = [
  ...numbers.map(
    (name, i) => `CASE WHEN hash(i * ${i + 7}) % 50 <> 0 THEN (hash(i * ${i + 1}) % 100000)::DOUBLE / 1000 END AS ${name}`,
  ),
  ...texts.map((name, i) => `'v' || (hash(i * ${i + 31}) % ${50 * (i + 1)})::VARCHAR AS ${name}`),
];
await tables.run(
  `COPY (SELECT i * ${(30 * DAY_MICROS) / ROWS} AS "time", ${values.join(", ")} FROM range(${ROWS}) r(i)) TO '${path("columns")}' (FORMAT parquet, COMPRESSION zstd)`,
);
const fields = [...numbers, ...texts].map((name) => `${name}: ${name}`).join(", ");
await tables.run(`COPY (SELECT 'p' || "time" AS id, "time"::DOUBLE AS "time", 0 AS "at", 'late' AS model, 1.0 AS version, to_json({${fields}})::VARCHAR AS features,
  n0 / 100 AS probability, n0 > 50 AS decision FROM '${path("columns")}') TO '${path("log")}' (FORMAT parquet, COMPRESSION zstd)`);

const bins = await timed("bins of a tenth of the rows", () =>
  layBins(tables, `(SELECT * FROM '${path("columns")}' LIMIT ${ROWS / 10})`, kinds),
);
const counted = await timed("3M rows x 20 columns, 30 days: from Parquet columns", () =>
  countBins({ tables, relation: `'${path("columns")}'`, chunk: `floor("time" / ${DAY_MICROS})`, columns: bins }),
);
console.log(`${counted.size} days`);

const lake = {
  read: async (name: string) => ({ relation: name === predictionsOf("late") ? `read_parquet('${path("log")}')` : null }),
} as unknown as Lake;
const log = (await timed("the log opened", () => openLog(lake, "late", tables)))!;
const prediction: Bins = { kind: "number", edges: [0.2, 0.4, 0.6, 0.8], values: [] };
const asked = { model: "late", versions: [1], from: 0, to: 31 * DAY_MICROS, features: bins, prediction };
await timed("the same as logged: from JSON texts", () => log.count(asked));
await timed("one day of it", () => log.count({ ...asked, from: 7 * DAY_MICROS, to: 8 * DAY_MICROS }));
tables.close();
rmSync(folder, { recursive: true, force: true });
