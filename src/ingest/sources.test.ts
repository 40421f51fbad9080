import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import type { MillError } from "../base/index.ts";
import { newFolder } from "./fixtures/workshop.ts";
import { resolveSources } from "./sources.ts";

let project: string;
before(() => {
  const root = newFolder();
  project = join(root, "apps", "project");
  for (const path of [
    "apps/project/data/2001-b.csv",
    "apps/project/data/2001-a.csv",
    "apps/project/data/2002.csv",
    "apps/project/data/.hidden.csv",
    "apps/project/data/more/2001.ndjson.gz",
    "apps/project/data/other.txt",
    "apps/project/data/big.parquet.gz",
    "apps/project/days.csv/1.csv",
    "apps/secret.csv",
    "node_modules/sets/data/rows.parquet",
    "node_modules/@team/sets/rows.json",
    "node_modules/secret.csv",
  ]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), path);
  }
  symlinkSync(join(root, "apps/secret.csv"), join(root, "node_modules/sets/link.csv"));
});

const find = async (...paths: string[]) =>
  (await resolveSources({ source: "files", paths }, project)).map(({ name, format }) => [name, format]);
const refused = (path: string, code: string, message: RegExp) =>
  assert.rejects(find(path), (error: MillError) => {
    assert.equal(error.code, code);
    assert.match(`${error.message} ${error.expected} ${error.fix}`, message);
    return true;
  });

test("paths are relative to the project; a star matches inside one folder, in the order of names, and no hidden file", async () => {
  assert.deepEqual(await find("data/2001-*.csv"), [
    ["data/2001-a.csv", "csv"],
    ["data/2001-b.csv", "csv"],
  ]);
  assert.deepEqual(await find("data/*.csv", "data/2001-a.csv"), [
    ["data/2001-a.csv", "csv"],
    ["data/2001-b.csv", "csv"],
    ["data/2002.csv", "csv"],
  ]);
  assert.deepEqual(await find("*/more/*"), [["data/more/2001.ndjson.gz", "ndjson"]]);
});

test("a package is found in the node_modules of the project or above it", async () => {
  assert.deepEqual(await find("package:sets/data/rows.parquet", "package:@team/sets/*.json"), [
    ["package:sets/data/rows.parquet", "parquet"],
    ["package:@team/sets/rows.json", "json"],
  ]);
});

test("a path never leaves its package, by dots or by a link", async () => {
  for (const path of ["package:sets/../secret.csv", "package:../secret.csv", "package:sets/link.csv", "package:./secret.csv"])
    await refused(path, "source.outside", /leaves its package/);
});

test("what is not there is named, with a near name and what to do", async () => {
  await refused(
    "data/2001-c.csv",
    "source.missing",
    /no file "data\/2001-c\.csv"\. Did you mean "2001-[ab]\.csv"\?.*relative to the project/,
  );
  await refused("data/1999-*.csv", "source.missing", /No file matches/);
  await refused("package:sett/data/rows.parquet", "source.missing", /npm install sett/);
  await refused("package:sets/data/row.parquet", "source.missing", /Did you mean "rows.parquet"/);
});

test("a name that does not tell the format is refused", async () => {
  await refused("data/other.txt", "source.format", /\.parquet, \.csv/);
  await refused("data/big.parquet.gz", "source.format", /big\.parquet\.gz/);
});

test("a folder in the place of a file is told so, with how to name the files in it", async () => {
  await refused("days.csv", "source.unreadable", /"days\.csv" is a folder.*files\("days\.csv\/\*"\)/);
});

test("the stamp changes with the file", async () => {
  const path = join(project, "data/2002.csv");
  const stamp = async () => (await resolveSources({ source: "files", paths: [path] }, project))[0]!.stamp;
  const first = await stamp();
  assert.equal(await stamp(), first);
  utimesSync(path, new Date(1e9), new Date(1e9));
  assert.notEqual(await stamp(), first);
});
