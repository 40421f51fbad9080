/** What 10,000 partitions cost to look at: a backfill over them planned, asked for, listed; a plan of the project; and how many a second are taken in. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { periodsBefore } from "../../base/index.ts";
import { openPlatform } from "../fixtures/platform.ts";

const PARTITIONS = 10_000;
const TAKEN_IN = 400;

const folder = mkdtempSync(join(tmpdir(), "mill-backfills-"));
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
writeFileSync(
  join(folder, "mill.ts"),
  `import { dataset, files, hourly } from "millwright";
export const loads = dataset("loads", {
  from: files("hours/{partition}.csv"), partitions: hourly("2023-01-01", { to: "2024-02-21T15" }),
  columns: { at: "timestamp", load: "int32" }, time: "at",
});`,
);
const hours = periodsBefore({ every: "hour", from: "2023-01-01", timeZone: "UTC" }, Date.UTC(2030, 0)).slice(0, PARTITIONS);
mkdirSync(join(folder, "hours"));
for (const hour of hours) writeFileSync(join(folder, "hours", `${hour}.csv`), `at,load\n${hour}:00:00,1\n`);

const { workspace, call, backfiller, close } = await openPlatform({ folder });
const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  const [wall, used] = [performance.now(), process.cpuUsage()];
  const made = await work();
  const { user, system } = process.cpuUsage(used);
  console.log(
    `${what.padEnd(62)} ${(performance.now() - wall).toFixed(0).padStart(6)} ms  ${((user + system) / 1000).toFixed(0).padStart(6)} ms of processor time`,
  );
  return made;
};

const TARGET = "dataset/loads";
const ALL = { target: TARGET, only: "all" } as const;
await timed("a backfill over 10,000 new partitions, planned", () => call("planBackfill", ALL));
const { id } = await timed("the same, asked for", () => call("backfill", ALL));
await call("cancelBackfill", { id });
await backfiller.settled();
await timed("a page of 1,000 of its partitions", () => call("listBackfillPartitions", { id, limit: 1000 }));
await timed("a page of backfills", () => call("listBackfills", {}));
await timed("the plan of the project", () => call("plan", {}));

const { id: some } = await call("backfill", { target: TARGET, to: hours[TAKEN_IN - 1] });
await timed(`${TAKEN_IN} partitions taken in`, async () => {
  await backfiller.settled();
  return call("getBackfill", { id: some });
});
await timed("planned again, some of them current", () => call("planBackfill", ALL));

await workspace.records.commit(
  hours.map((hour) => ({
    sql: "INSERT INTO partitions (dataset, partition_key, state, step_key, definition, stamps, at) SELECT dataset, ?, state, step_key, definition, stamps, at FROM partitions WHERE dataset = ? LIMIT 1 ON CONFLICT (dataset, partition_key) DO NOTHING",
    params: [hour, "loads"],
  })),
);
await timed("planned, all 10,000 on record and changed since", () => call("planBackfill", ALL));
await close();
rmSync(folder, { recursive: true });
