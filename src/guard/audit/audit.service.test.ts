import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { after, test } from "node:test";
import { dropSchemas, testAddress } from "../../ports/records/fixtures/open-test-records.ts";
import { openPostgres } from "../../ports/records/index.ts";
import { createAudit } from "../index.ts";

const server = process.env.MILL_TEST_POSTGRES ?? "";
const skip = server === "" && "needs a PostgreSQL server: MILL_TEST_POSTGRES=postgres://... (.ci/postgres start DIR)";
if (!skip) after(() => dropSchemas(server));

test("writers in several processes keep one chain, each row in its own order", { skip }, async () => {
  const address = testAddress(server, randomUUID());
  const records = await openPostgres(address);
  const names = ["one", "two", "three"];
  const writer = join(import.meta.dirname, "fixtures", "audit-writer.ts");
  const children = names.map((name) => spawn(process.execPath, [writer, address, name, "40"], { stdio: "inherit" }));
  const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0]));
  assert.deepEqual(codes, [0, 0, 0]);
  const audit = createAudit({ records });
  assert.deepEqual(await audit.verify(), { whole: true, rows: 120 });
  for (const name of names) {
    const rows = await audit.list({ limit: 100, actor: name });
    assert.deepEqual(
      rows.map(({ detail }) => (detail as { index: number }).index),
      Array.from({ length: 40 }, (_, index) => 39 - index),
    );
  }
  await records.close();
});
