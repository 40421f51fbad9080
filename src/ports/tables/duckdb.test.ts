import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { MillError } from "../../base/index.ts";
import { openDuckDb, type Tables } from "./index.ts";
import { tablesSuite } from "./suite.ts";

tablesSuite("duckdb", () => openDuckDb({ threads: 2, memoryMb: 400, tempFolder: join(tmpdir(), "mill-tables-spill") }));

let folder: string;
let tables: Tables;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mill-tables-"));
  tables = openDuckDb({ threads: 2, memoryMb: 400, tempFolder: join(folder, "temp") });
});
after(async () => {
  tables.close();
  await rm(folder, { recursive: true, force: true });
});

test("what does not fit into memory spills; what cannot spill names the limit and the way out", async () => {
  const small = openDuckDb({ threads: 1, memoryMb: 60, tempFolder: join(folder, "spill") });
  const sorted = await small.rows(
    "SELECT count(*) AS n FROM (SELECT i, hash(i) AS h FROM range(4000000) AS r(i) ORDER BY h OFFSET 1)",
  );
  assert.deepEqual(sorted, [{ n: 3_999_999 }]);
  await assert.rejects(
    small.rows("SELECT length(string_agg(repeat('x', 100), '')) AS n FROM range(2000000)"),
    (error: MillError) => {
      assert.equal(error.code, "tables.memory");
      assert.match(error.message, /60 MB/);
      assert.match(error.fix!, /MILL_MEMORY/);
      return true;
    },
  );
  small.close();
});

test("nothing is loaded or downloaded by a query", async () => {
  await assert.rejects(tables.run("SELECT * FROM 's3://bucket/key.parquet'"), { code: "tables.query" });
  await assert.rejects(tables.run("INSTALL httpfs; LOAD httpfs"), { code: "tables.query" });
  assert.ok(!existsSync(join(process.env.HOME ?? folder, ".duckdb", "extensions", "httpfs")));
});

// Only Linux has a device that is always full.
if (existsSync("/dev/full"))
  test("a full disk is told as one", async () => {
    await assert.rejects(tables.run("COPY (SELECT i FROM range(100000) AS r(i)) TO '/dev/full' (FORMAT csv)"), {
      code: "tables.disk-full",
    });
  });
