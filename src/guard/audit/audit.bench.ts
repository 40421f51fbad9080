/** Time, processor time and memory of verifying a million rows. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite, type Records } from "../../ports/records/index.ts";
import { createAudit } from "./audit.ts";
import { digestOfRow, GENESIS, type StoredRow } from "./chain.ts";

const ROWS = 1_000_000;
const TOGETHER = 500;
const folder = mkdtempSync(join(tmpdir(), "mill-audit-bench-"));
const records = await openSqlite(join(folder, "mill.db"));

async function fill(records: Records): Promise<void> {
  let link = GENESIS;
  for (let done = 0; done < ROWS; done += TOGETHER) {
    const rows = Array.from({ length: TOGETHER }, (_, index) => {
      const seq = done + index + 1;
      const detail = `{"branch":"main","message":"load of the hour ${seq}","name":"flights"}`;
      const text = { actor: "owner", verb: "commit", target: "flights", outcome: seq % 2 ? "asked" : "done", detail };
      const row: Omit<StoredRow, "digest"> = { seq, at: 1_790_000_000_000 + seq, ...text, previous: link.digest };
      link = { seq, digest: digestOfRow(row) };
      return { ...row, digest: link.digest };
    });
    const columns = Object.keys(rows[0]!);
    const places = rows.map(() => `(${columns.map(() => "?").join(", ")})`).join(", ");
    await records.commit([
      { sql: `INSERT INTO audit (${columns.join(", ")}) VALUES ${places}`, params: rows.flatMap((row) => Object.values(row)) },
    ]);
  }
}

await fill(records);
const startedMs = performance.now();
const before = process.cpuUsage();
const state = await createAudit({ records }).verify();
const { user, system } = process.cpuUsage(before);
const [seconds, cpu] = [(performance.now() - startedMs) / 1000, (user + system) / 1e6];
console.log(
  `${JSON.stringify(state)} in ${seconds.toFixed(1)} s, ${cpu.toFixed(1)} s of processor time; ` +
    `largest memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`,
);
await records.close();
rmSync(folder, { recursive: true });
