/** Durable commits per second, alone and 64 at once, and one query; PostgreSQL where MILL_TEST_POSTGRES names a server. Rounds are interleaved. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dropSchemas, testAddress } from "./fixtures/open-test-records.ts";
import { openPostgres, openSqlite, type Records } from "./index.ts";

const ROUNDS = 5;
const ROUND_MS = 400;
const folder = mkdtempSync(join(tmpdir(), "mill-records-bench-"));
const server = process.env.MILL_TEST_POSTGRES;
const stores: Record<string, Records> = {
  SQLite: await openSqlite(join(folder, "mill.db")),
  ...(server && { PostgreSQL: await openPostgres(testAddress(server, folder)) }),
};

let serial = 0;
const commit = async (records: Records): Promise<void> => {
  const id = `${serial++}`;
  await records.commit([
    { sql: "INSERT INTO pins (digest, holder) VALUES (?, ?)", params: [id, "bench"], rows: 1 },
    { sql: "UPDATE pins SET holder = ? WHERE digest = ? AND holder = ?", params: ["benched", id, "bench"], rows: 1 },
  ]);
};
const query = async (records: Records): Promise<void> =>
  void (await records.query("SELECT holder FROM pins WHERE digest = ?", ["7"]));
const kinds: [string, (records: Records) => Promise<void>, number][] = [
  ["commits, one at a time", commit, 1],
  ["commits, 64 at once", commit, 64],
  ["queries, one at a time", query, 1],
  ["queries, 64 at once", query, 64],
];

const rates = new Map<string, number[]>();
for (let round = 0; round < ROUNDS + 1; round++)
  for (const [kind, work, lanes] of kinds)
    for (const [name, records] of Object.entries(stores)) {
      const rate = await measure(() => work(records), lanes);
      const key = `${kind}|${name}`;
      if (round > 0) rates.set(key, [...(rates.get(key) ?? []), rate]); // the first warms up
    }

console.log(
  `| per second, median of ${ROUNDS} | ${Object.keys(stores).join(" | ")} |\n|---|${"---|".repeat(Object.keys(stores).length)}`,
);
for (const [kind] of kinds)
  console.log(
    `| ${kind} | ${Object.keys(stores)
      .map((name) => Math.round(median(rates.get(`${kind}|${name}`)!)).toLocaleString("en"))
      .join(" | ")} |`,
  );
if (!server) console.log("PostgreSQL was left out: set MILL_TEST_POSTGRES=postgres://... (.ci/postgres start DIR)");

await Promise.all(Object.values(stores).map((records) => records.close()));
if (server) await dropSchemas(server);
rmSync(folder, { recursive: true, force: true });

async function measure(work: () => Promise<void>, lanes: number): Promise<number> {
  const started = performance.now();
  let done = 0;
  const lane = async () => {
    for (; performance.now() - started < ROUND_MS; done++) await work();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return done / ((performance.now() - started) / 1000);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
