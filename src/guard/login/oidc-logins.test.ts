import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { createOidcLogins } from "./oidc-logins.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-oidc-logins-"));
const path = join(folder, "mill.db");
const [records, others] = [await openTestRecords(path), await openTestRecords(path)];
after(async () => {
  await Promise.all([records.close(), others.close()]);
  await rm(folder, { recursive: true });
});
const clock = { ms: 1_000_000_000 };
const now = () => clock.ms;
const servers = [createOidcLogins({ records, now }), createOidcLogins({ records: others, now })] as const;
const CALLBACK = "https://mill.example.org/login/oidc/callback";

test("a login that was begun at one server is ended once, at whichever", async () => {
  for (const cookie of ["a", "b", "c", "d"]) await servers[0].begin(cookie, CALLBACK);
  const ended = await Promise.all(["a", "b", "c", "d"].flatMap((cookie) => servers.map((server) => server.end(cookie))));
  assert.deepEqual(ended.toSorted(), [...Array(4).fill(CALLBACK), ...Array(4).fill(null)]);
  for (const cookie of ["a", "b", "never begun", ""]) assert.equal(await servers[1].end(cookie), null);
});

test("one that is older than ten minutes counts no more, and makes room", async () => {
  await servers[0].begin("late", CALLBACK);
  await servers[0].begin("later", CALLBACK);
  clock.ms += 10 * 60_000;
  assert.equal(await servers[1].end("late"), CALLBACK);
  clock.ms += 1;
  assert.equal(await servers[1].end("later"), null);
  await servers[0].begin("left", CALLBACK);
  clock.ms += 11 * 60_000;
  await servers[0].begin("new", CALLBACK);
  assert.equal((await records.query("SELECT digest FROM oidc_logins")).length, 1);
});

test("whoever begins and never ends them keeps no more than ten thousand, the newest", async () => {
  const sql = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
    INSERT INTO oidc_logins (digest, redirect, begun_at) SELECT 'flood-' || i, 'x', CAST(? AS BIGINT) + i FROM n`;
  await records.commit([{ sql, params: [clock.ms] }]);
  clock.ms += 20_000;
  await servers[0].begin("newest", CALLBACK);
  const [row] = await records.query<{ rows: number; oldest: number }>(
    `SELECT COUNT(*) AS "rows", MIN(begun_at) AS "oldest" FROM oidc_logins`,
  );
  assert.deepEqual([row!.rows, clock.ms - row!.oldest], [10_000, 20_000 - 2_002]);
  assert.equal(await servers[1].end("newest"), CALLBACK);
});
