import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { digestOfJson } from "../../base/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import type { Statement } from "../../ports/records/index.ts";
import { type Audit, createAudit, openAuditAnchor, openKeyring, readAuditAnchor, verifyChain } from "../index.ts";
import { canonicalRow, digestOfRow, type StoredRow } from "./chain.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-audit-"));
after(() => rm(folder, { recursive: true }));

const ROWS = 8;

/** A workspace whose audit has rows 1 to 8, with the anchor on disk. */
async function written({ rows = ROWS, workspace = "" } = {}) {
  const place = workspace || (await mkdtemp(join(folder, "w-")));
  const records = await openTestRecords(join(place, "mill.db"));
  const keyring = await openKeyring(place);
  const anchor = await openAuditAnchor(place, keyring);
  const audit = createAudit({ records, anchor });
  for (let index = 0; index < rows; index++) await audit.record(entry(index));
  const close = async () => {
    await anchor.close();
    await records.close();
  };
  return { workspace: place, records, keyring, anchor, audit, close };
}

const entry = (index: number) => ({
  actor: index % 2 ? "ann" : "bob",
  verb: index % 3 ? "commit" : "run",
  target: null,
  outcome: "done",
  detail: { name: `"${index}" \u{1f4a5}`, after: [1, 2.5, null], b: index },
});

/** Verifies as another process would: by the file alone. */
const verdictOf = async ({ records, workspace, keyring }: Awaited<ReturnType<typeof written>>) =>
  verifyChain(records, (await readAuditAnchor(workspace, keyring)).link);

test("a whole chain is whole, up to its end by the anchor on disk, and goes on after a restart", async () => {
  const first = await written();
  await first.close();
  assert.equal((await stat(join(first.workspace, "audit.head"))).mode & 0o777, 0o600);
  const again = await written({ workspace: first.workspace, rows: 2 });
  assert.deepEqual(await again.audit.verify(), { whole: true, rows: ROWS + 2, anchored: ROWS + 2 });
  await again.close();
});

test("the text that is digested is the canonical JSON of the row", async () => {
  const { records, close } = await written();
  for (const row of await records.query<StoredRow>("SELECT * FROM audit")) {
    const { digest, detail, ...rest } = row;
    assert.equal(digestOfJson({ ...rest, detail: JSON.parse(detail!) }), digest);
    assert.deepEqual(JSON.parse(canonicalRow(row)), { ...rest, detail: JSON.parse(detail!) });
  }
  await close();
});

test("details that an earlier version stored in another order of their fields are whole, and altered ones are found", async () => {
  const { records, audit, close } = await written({ rows: 1 });
  const detail = '{"b":0,"after":[1,2.5,null],"name":"\\"0\\" \u{1f4a5}"}';
  await records.commit([{ sql: "UPDATE audit SET detail = ?", params: [detail] }]);
  assert.equal((await audit.verify()).whole, true);
  await records.commit([{ sql: "UPDATE audit SET detail = ?", params: [detail.replace("2.5", "2.6")] }]);
  assert.equal((await audit.verify()).whole, false);
  await close();
});

const seq = fc.integer({ min: 1, max: ROWS });
const tampering: fc.Arbitrary<readonly Statement[]> = fc.oneof(
  fc
    .tuple(seq, fc.constantFrom("actor", "verb", "target", "outcome", "detail", "previous", "digest"))
    .map(([at, column]) => [{ sql: `UPDATE audit SET ${column} = 'forged' WHERE seq = ?`, params: [at] }]),
  seq.map((at) => [{ sql: "UPDATE audit SET at = at + 1 WHERE seq = ?", params: [at] }]),
  seq.map((at) => [{ sql: "DELETE FROM audit WHERE seq = ?", params: [at] }]),
  seq.map((at) => [{ sql: "DELETE FROM audit WHERE seq >= ?", params: [at] }]),
  fc
    .tuple(seq, seq)
    .filter(([one, other]) => one !== other)
    .map(([one, other]) => [
      { sql: "UPDATE audit SET seq = -1 WHERE seq = ?", params: [one] },
      { sql: "UPDATE audit SET seq = ? WHERE seq = ?", params: [one, other] },
      { sql: "UPDATE audit SET seq = ? WHERE seq = -1", params: [other] },
    ]),
  seq.map((at) => [
    ...Array.from({ length: ROWS + 1 - at }, (_, index) => ({
      sql: "UPDATE audit SET seq = seq + 1 WHERE seq = ?",
      params: [ROWS - index],
    })),
    {
      sql: `INSERT INTO audit SELECT ?, at, actor, verb, target, outcome, detail, previous, digest FROM audit WHERE seq = ?`,
      params: [at, at === 1 ? 2 : at - 1],
    },
  ]),
);

test("rows that were altered, removed, cut off, exchanged or put in between are found", async () => {
  const whole = await written();
  await whole.anchor.close();
  const rows = await whole.records.query<Record<string, string>>("SELECT * FROM audit ORDER BY seq");
  const putBack = rows.map((row) => ({
    sql: `INSERT INTO audit (${Object.keys(row).join(", ")}) VALUES (${Object.keys(row)
      .map(() => "?")
      .join(", ")})`,
    params: Object.values(row),
  }));
  await fc.assert(
    fc.asyncProperty(tampering, async (statements) => {
      await whole.records.commit(statements);
      const state = await verdictOf(whole);
      await whole.records.commit([{ sql: "DELETE FROM audit" }, ...putBack]);
      assert.equal(state.whole, false);
    }),
    { numRuns: 150 },
  );
  assert.equal((await verdictOf(whole)).whole, true);
  await whole.close();
});

test("a chain whose last rows were cut off and that was carried on, or written anew with fitting digests, is found by the anchor", async () => {
  const first = await written();
  await first.close();
  const cut = await written({ workspace: first.workspace, rows: 0 });
  await cut.records.commit([{ sql: "DELETE FROM audit WHERE seq > 5" }]);
  for (let index = 0; index < 6; index++) await cut.audit.record(entry(index));
  const found = { whole: false, seq: ROWS, why: "it is not the row that the anchor knows: the chain was made anew" };
  assert.deepEqual(await cut.audit.verify(), found);
  await cut.close();
  const later = await written({ workspace: first.workspace, rows: 3 });
  assert.deepEqual(await later.audit.verify(), found, "the anchor is not moved to a chain that it does not know");
  await later.close();
});

test("rows that are cut off while the process runs are found, and later rows do not hide it", async () => {
  const running = await written();
  await running.records.commit([{ sql: "DELETE FROM audit WHERE seq > 6" }]);
  assert.deepEqual(await running.audit.verify(), {
    whole: false,
    seq: 7,
    why: "the rows up to 8, which the anchor knows, were cut off",
  });
  for (let index = 0; index < 4; index++) await running.audit.record(entry(index));
  assert.equal((await running.audit.verify()).whole, false);
  await running.close();
});

test("an anchor that is gone, damaged, forged or under an unknown key is made anew, and the audit says so", async () => {
  const lost: readonly [change: (path: string, text: string) => Promise<unknown>, why: RegExp][] = [
    [(path) => rm(path), /none/],
    [(path) => writeFile(path, ""), /damaged/],
    [(path, text) => writeFile(path, text.slice(0, 40)), /damaged/],
    [(path, text) => writeFile(path, text.replace(/"seq":\d+/, '"seq":3')), /forged/],
    [(path, text) => writeFile(path, text.replace(/"mac":"../, '"mac":"')), /forged/],
    [(path, text) => writeFile(path, text.replace(/"key":"[^"]+"/, '"key":"key-other"')), /key-other/],
  ];
  for (const [change, why] of lost) {
    const first = await written();
    await first.close();
    const path = join(first.workspace, "audit.head");
    await change(path, await readFile(path, "utf8"));
    const again = await written({ workspace: first.workspace, rows: 1 });
    const [, told] = await again.audit.list({ limit: 2 });
    assert.equal(told!.verb, "anchorAudit");
    assert.match((told!.detail as { why: string }).why, why);
    assert.deepEqual(await again.audit.verify(), { whole: true, rows: ROWS + 2, anchored: ROWS + 2 });
    await again.close();
  }
});

test("the list can be asked by actor, verb and time, and in pages", async () => {
  const place = await mkdtemp(join(folder, "w-"));
  const records = await openTestRecords(join(place, "mill.db"));
  let at = 1000;
  const audit: Audit = createAudit({ records, now: () => at++ });
  for (let index = 0; index < 9; index++) await audit.record(entry(index));
  const seqs = async (page: Parameters<Audit["list"]>[0]) => (await audit.list(page)).map((row) => row.seq);
  assert.deepEqual(await seqs({ limit: 3 }), [9, 8, 7]);
  assert.deepEqual(await seqs({ limit: 3, before: 7 }), [6, 5, 4]);
  assert.deepEqual(await seqs({ limit: 9, actor: "ann" }), [8, 6, 4, 2]);
  assert.deepEqual(await seqs({ limit: 9, verb: "run", since: 1003 }), [7, 4]);
  assert.deepEqual(await seqs({ limit: 9, actor: "ann'; DROP TABLE audit" }), []);
  await records.close();
});

test("a row's digest covers every field", () => {
  const row = { seq: 1, at: 2, actor: "a", verb: "v", target: "t", outcome: "o", detail: '{"n":1}', previous: "p" };
  const digests = new Set([
    digestOfRow(row),
    ...Object.keys(row).map((field) => digestOfRow({ ...row, [field]: field === "seq" || field === "at" ? 9 : '"x"' })),
  ]);
  assert.equal(digests.size, Object.keys(row).length + 1);
});
