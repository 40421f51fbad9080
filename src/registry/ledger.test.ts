import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { createLoggedModels, createTracking } from "../train/index.ts";
import { createRegisteredModels, readLedger } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-ledger-"));
const records = await openTestRecords(join(root, "mill.db"));
const tracking = createTracking({ records });
const clock = { ms: 1000 };
const now = () => clock.ms--; // it goes back
const models = createRegisteredModels({ records, tracking, loggedModels: createLoggedModels({ records, tracking }), now });
after(async () => {
  await tracking.close();
  await records.close();
  rmSync(root, { recursive: true, force: true });
});

const ANNA = { actor: "anna", why: "it was better" };
const BEN = { actor: "ben" };
const told = async (model: string) =>
  (await readLedger(records, model, { limit: 100 })).map(({ model: of, version, what, name, actor, why }) =>
    [of, version, what, name, actor, why].filter((one) => one !== null && one !== "").join(" "),
  );

test("who registered, described, tagged, moved, renamed and deleted what is told, newest first, whatever the clock says", async () => {
  await models.create({ name: "churn" }, ANNA);
  await models.createVersion({ name: "churn", source: "s3://b/1", license: "MIT" }, BEN);
  await models.createVersion({ name: "churn", source: "s3://b/2" }, BEN);
  await models.setAlias("churn", "best", 1, ANNA);
  await models.changeVersion("churn", 1, { stage: "Production", description: "d", license: "Apache-2.0" }, BEN);
  await models.changeVersion("churn", 2, { stage: "production", archiveOthers: true }, ANNA);
  await models.tag("churn", { set: { a: "1" }, without: ["absent"] }, BEN, 1);
  await models.tag("churn", { without: ["a"] }, BEN, 1);
  await models.change("churn", { newName: "attrition", description: "who leaves" }, ANNA);
  await models.deleteVersion("attrition", 1, BEN);
  await models.delete("attrition", ANNA);
  assert.deepEqual(await told("attrition"), [
    "attrition model.deleted anna it was better",
    "attrition 1 version.deleted ben",
    "attrition 1 alias.removed best ben",
    "attrition model.was churn anna it was better",
    "churn model.renamed attrition anna it was better",
    "churn model.described anna it was better",
    "churn 1 version.tag-removed a ben",
    "churn 1 version.tag-set a ben",
    "churn 2 version.staged anna it was better",
    "churn 1 version.staged anna it was better",
    "churn 1 version.described ben",
    "churn 1 version.described ben",
    "churn 1 version.staged ben",
    "churn 1 alias.set best anna it was better",
    "churn 2 version.created ben",
    "churn 1 version.created ben",
    "churn model.created anna it was better",
  ]);
  const pages = [];
  for (let before: number | undefined; ; ) {
    const page = await readLedger(records, "attrition", { limit: 5, before });
    pages.push(page.length);
    if (page.length < 5) break;
    before = page.at(-1)!.seq;
  }
  assert.deepEqual(pages, [5, 5, 5, 2]);
});

test("a name that is taken again has its own history behind it, and not that of the model which bore it meanwhile", async () => {
  await models.create({ name: "a" }, ANNA);
  await models.change("a", { newName: "b" }, ANNA);
  await models.create({ name: "a" }, BEN);
  await models.change("b", { newName: "c" }, ANNA);
  assert.deepEqual(await told("c"), [
    "c model.was b anna it was better",
    "b model.renamed c anna it was better",
    "b model.was a anna it was better",
    "a model.renamed b anna it was better",
    "a model.created anna it was better",
  ]);
});

test("whatever is done to models, no entry that was made changes or goes", async () => {
  const act = fc.constantFrom("create", "rename", "back", "delete", "version", "alias", "unalias", "tag");
  let before: unknown[] = await records.query("SELECT * FROM registry_ledger ORDER BY seq");
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 10 }), async (acts) => {
      for (const one of acts) {
        const done = {
          create: () => models.create({ name: "x" }, ANNA),
          rename: () => models.change("x", { newName: "y" }, ANNA),
          back: () => models.change("y", { newName: "x" }, ANNA),
          delete: () => models.delete("x", ANNA),
          version: () => models.createVersion({ name: "x", source: "s3://b" }, ANNA),
          alias: () => models.setAlias("x", "best", 1, ANNA),
          unalias: () => models.removeAlias("x", "best", ANNA),
          tag: () => models.tag("x", { set: { k: one }, without: ["l"] }, BEN),
        }[one]();
        await done.catch(({ code }) => assert.match(code, /^registry\.(unknown|exists)/));
        const rows: unknown[] = await records.query("SELECT * FROM registry_ledger ORDER BY seq");
        assert.deepEqual(rows.slice(0, before.length), before);
        before = rows;
      }
    }),
    { numRuns: 20 },
  );
  assert.deepEqual(
    before.map((row) => (row as { seq: number }).seq),
    before.map((_, index) => index + 1),
  );
});

test("no statement of the platform changes the ledger or takes from it", () => {
  const src = join(import.meta.dirname, "..");
  const sources = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  const changing = /\b(UPDATE|DELETE\s+FROM|REPLACE\s+INTO|TRUNCATE|DROP\s+TABLE|ALTER\s+TABLE)\s+registry_ledger\b/i;
  assert.match("DELETE FROM registry_ledger WHERE 1 = 1", changing);
  const found = sources.filter((path) => !path.endsWith(".test.ts") && changing.test(readFileSync(join(src, path), "utf8")));
  assert.deepEqual(found, []);
});
