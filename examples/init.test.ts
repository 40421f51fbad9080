import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { createRandom } from "../src/base/index.ts";
import { openDuckDb } from "../src/ports/tables/index.ts";
import { mill, millJson, newPath } from "./run-mill.ts";

interface Decided {
  readonly name: string;
  readonly data: string;
  readonly rows: number;
  readonly label: string;
  readonly task: string;
  readonly positive: string | null;
  readonly split: string;
  readonly features: readonly string[];
  readonly leftOut: readonly { readonly column: string; readonly why: string }[];
  readonly notes: readonly { readonly column: string; readonly note: string }[];
  readonly next: readonly string[];
}
type Prediction = Readonly<Record<string, unknown>>;

/** Writes the project, trains, and asks the endpoint for the row that `init` showed. */
async function fromFile(file: string | null, ...flags: readonly string[]) {
  const project = newPath("project");
  const decided = await millJson<Decided>("init", project, ...(file === null ? [] : ["--from", file]), ...flags);
  const ran = await mill("run", "--project", project);
  assert.equal(ran.code, 0, ran.stderr);
  const row = /--row '(.*)'$/s.exec(decided.next[1]!)![1]!.replaceAll(`'\\''`, "'");
  const { predictions } = await millJson<{ predictions: Prediction[] }>(
    "predict",
    decided.name,
    "--project",
    project,
    "--row",
    row,
  );
  return { project, decided, prediction: predictions[0]!, definitions: readFileSync(join(project, "mill.ts"), "utf8") };
}

async function fileOf(name: string, content: string): Promise<string> {
  const path = join(newPath("data"), name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

const lines = (count: number, line: (i: number) => readonly unknown[]) =>
  Array.from({ length: count }, (_, i) => line(i).map((cell) => (/[;",]/.test(String(cell)) ? `"${cell}"` : cell)));

test("a file from a spreadsheet: semicolons, a byte order mark, names with spaces and accents, NA among numbers, useless columns", async () => {
  const random = createRandom(1);
  const rows = lines(300, (i) => {
    const size = 150 + random.below(50);
    const stays = size + random.normal() * 8 < 180;
    return [
      1000 + i,
      `Person ${i}`,
      size,
      i % 17 === 0 ? "NA" : `${50 + random.below(40)}.5`,
      i % 2 ? "a" : "b",
      i % 40 === 0 ? "" : random.below(5),
      "",
      "x",
      stays ? "Nein" : "Ja",
    ];
  });
  const header = ["Kunden-Nr", "Name", "Größe (cm)", "Gewicht", "größe (CM)", "constructor", "leer", "fest", "Kündigung"];
  const file = await fileOf(
    "Kunden & Verträge.csv",
    `\ufeff${[header, ...rows].map((cells) => cells.join(";")).join("\r\n")}\r\n`,
  );
  const { project, decided, prediction, definitions } = await fromFile(file);
  assert.deepEqual(
    [decided.name, decided.label, decided.task, decided.positive],
    ["kunden-vertrage", "Kündigung", "binary-classification", "Ja"],
  );
  assert.deepEqual(decided.features, ["grosseCm", "gewicht", "grosseCM5", "constructorColumn"]);
  assert.deepEqual(
    decided.leftOut.map(({ column }) => column),
    ["Kunden-Nr", "Name", "leer", "fest"],
  );
  assert.deepEqual(decided.notes, [{ column: "Gewicht", note: '"NA" (18): read as missing' }]);
  assert.match(definitions, /gewicht: \{ type: "float64\?", source: "Gewicht" \}, \/\/ "NA" \(18\): read as missing/);
  assert.match(definitions, /left out: kundenNr \(numbers the rows\)/);
  assert.equal(typeof prediction.probability, "number");
  assert.ok(existsSync(join(project, decided.data)), "the data are in the project");

  const again = await mill("init", project, "--from", file);
  assert.deepEqual([again.code, readFileSync(join(project, "mill.ts"), "utf8")], [7, definitions]);
  assert.match(again.stderr, /There is a project in .* already.*cli\.project-exists/);
});

test("a Parquet file with names that differ in case, a list, and classes of which one is rare", async () => {
  const file = join(newPath("data"), "birds.parquet");
  await mkdir(dirname(file), { recursive: true });
  const tables = openDuckDb({ threads: 2, memoryMb: 200, tempFolder: newPath("spill") });
  await tables.run(`COPY (SELECT i::BIGINT AS id, (hash(i) % 100)::DOUBLE + 30 * (i % 3) AS "Wing", (hash(i + 7) % 50)::INTEGER AS "wing ", [i] AS tags,
    CASE WHEN i < 4 THEN 'rare' ELSE ['gull', 'tern', 'auk'][1 + i % 3] END AS kind FROM range(400) t(i)) TO '${file}' (FORMAT parquet)`);
  tables.close();
  const { decided, prediction, definitions } = await fromFile(file);
  assert.deepEqual([decided.label, decided.task, decided.features], ["kind", "multiclass-classification", ["wing", "wing2"]]);
  assert.match(definitions, /where: \(c\) => c\.kind\.in\(\["auk", "gull", "tern"\]\)/);
  assert.match(definitions, /tags: its values cannot be read/);
  assert.deepEqual(Object.keys(prediction.probabilities as object).sort(), ["auk", "gull", "tern"]);
});

test("numbers over time are a regression whose newest rows are held out; few wrong values go to quarantine, and the flag names the label", async () => {
  const random = createRandom(3);
  const rows = lines(600, (i) => {
    const at = new Date(Date.UTC(2024, 0, 1) + i * 3_600_000).toISOString().slice(0, 19);
    const hour = i % 24;
    return [
      at,
      i % 200 === 7 ? "?" : (20 + 5 * Math.sin(hour / 4) + random.normal()).toFixed(2),
      hour > 6 && hour < 20 ? "day" : "night",
      (hour * 3 + random.normal() * 4).toFixed(3),
      i % 5,
    ];
  });
  const file = await fileOf(
    "load.csv",
    [["measured at", "temperature", "shift", "load", "sensor"], ...rows].map((cells) => cells.join(",")).join("\n"),
  );
  const { project, decided, prediction } = await fromFile(file, "--label", "load");
  assert.deepEqual([decided.label, decided.task, decided.split], ["load", "regression", "time"]);
  assert.deepEqual(decided.features, [
    "measuredAtHour",
    "measuredAtWeekday",
    "measuredAtMonth",
    "temperature",
    "shift",
    "sensor",
  ]);
  assert.deepEqual(decided.notes, [{ column: "temperature", note: '3 rows go to quarantine, no float64: "?" (3)' }]);
  assert.ok(Math.abs(prediction.value as number) < 20, "the first row is of midnight");
  const check = await millJson<{ rowCount: number; quarantined: number }>("check", "load", "--project", project);
  assert.deepEqual([check.rowCount, check.quarantined], [597, 3]);
});

test("without a file, init shows how with one of its own, in a folder that is a package already", async () => {
  const folder = newPath("package");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "mine", type: "commonjs", private: true }));
  const made = await mill("init", folder);
  assert.equal(made.code, 0, made.stderr);
  assert.deepEqual(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")), {
    name: "mine",
    type: "module",
    private: true,
  });
  const ran = await mill("run", "--project", folder);
  assert.equal(ran.code, 0, ran.stderr);
  const next = /^then {6}mill predict parcels --project (\S+) --row '(.*)'$/m.exec(made.stdout)!;
  assert.equal(basename(next[1]!), basename(folder));
  const { predictions } = await millJson<{ predictions: Prediction[] }>(
    "predict",
    "parcels",
    "--project",
    folder,
    "--row",
    next[2]!,
  );
  assert.equal(typeof predictions[0]!.decision, "boolean");
});

for (const [what, content, flags, code, said] of [
  ["a label that is not there", "a,b\n1,2\n2,3\n", ["--label", "c"], 2, /has no column "c".*cli\.label-unknown/],
  ["a label that never changes", "a,b\n1,x\n2,x\n", ["--label", "b"], 4, /same value in every row.*cli\.label-unfit/],
  ["nothing to learn from", "a,b\n1,2.5\n2,3.5\n3,9.5\n", [], 4, /No column .* says anything.*cli\.nothing-to-learn/],
  ["no rows", "a,b\n", [], 4, /has no rows.*dataset\.empty/],
] as const)
  test(`a file with ${what} leaves no project behind`, async () => {
    const project = newPath("project");
    const outcome = await mill("init", project, "--from", await fileOf("x.csv", content), ...flags);
    assert.deepEqual([outcome.code, existsSync(project)], [code, false]);
    assert.match(outcome.stderr, said);
  });
