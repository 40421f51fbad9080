import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { MillError } from "../base/index.ts";
import { loadProject, openProject } from "./index.ts";

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A project folder with these files. */
function project(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "mill-load-"));
  folders.push(folder);
  for (const [name, text] of Object.entries({ "package.json": '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const problemText = (name: string, word = "p") =>
  `export const ${word} = problem("${name}", { question: "How late?", task: "regression", owner: "ops@example.org" });\n`;
const rowsText =
  'export const rows = dataset("rows", { from: files("a.csv"), columns: { a: "int32", b: "float64" }, split: byHash({ test: 0.1, holdout: 0.1 }) });\n';
const importText = 'import { byHash, dataset, endpoint, features, files, gradientBoosting, model, problem } from "millwright";\n';

describe("a project", () => {
  test("is what mill.ts exports and what that reaches, by name", async () => {
    const folder = project({
      "data.ts": `${importText}${rowsText}${problemText("late")}`,
      "mill.ts": `${importText}
        import { p, rows } from "./data.ts";
        const seen = features("seen", rows, (f) => ({ a: f.a }));
        const late = model("late", { solves: p, from: seen, label: (f) => f.b, train: gradientBoosting() });
        export const gate = endpoint("late", { serves: late });
        export const note: string = "no definition";
        export const nothing = null;`,
    });
    const loaded = await loadProject(folder);
    assert.equal(loaded.folder, folder);
    for (const [names, expected] of [
      [loaded.problems, ["late"]],
      [loaded.datasets, ["rows"]],
      [loaded.features, ["seen"]],
      [loaded.models, ["late"]],
      [loaded.endpoints, ["late"]],
    ] as const)
      assert.deepEqual([...names.keys()], expected);
  });

  test("is read again as its files are now, imports included", async () => {
    const folder = project({ "mill.ts": 'export { p } from "./more.ts";', "more.ts": importText + problemText("before") });
    assert.deepEqual([...(await loadProject(folder)).problems.keys()], ["before"]);
    writeFileSync(join(folder, "more.ts"), importText + problemText("afterwards"));
    assert.deepEqual([...(await loadProject(folder)).problems.keys()], ["afterwards"]);
  });

  test("may be plain JavaScript, and may import from beside its folder", async () => {
    const folder = project({
      "app/mill.mjs": `export { p } from "${"../shared.js"}";`,
      "shared.js": importText + problemText("beside"),
    });
    assert.deepEqual([...(await loadProject(join(folder, "app"))).problems.keys()], ["beside"]);
  });

  test("of each example loads", async () => {
    const examples = join(import.meta.dirname, "..", "..", "examples");
    const flights = await loadProject(join(examples, "flights"));
    assert.deepEqual([...flights.models.keys()].sort(), ["late-arrival", "late-arrival-baseline"]);
    assert.deepEqual(Object.keys(flights.datasets.get("flights")!.outcomes), ["delay"]);
    const penguins = await loadProject(join(examples, "penguins"));
    assert.equal(penguins.datasets.get("penguins")!.columns.beakLength!.source, "Beak Length (mm)");
    assert.equal(penguins.models.get("penguin-species")!.threshold, 0.5);
  });
});

describe("a person is told", () => {
  const told = (
    does: string,
    code: string,
    files: Readonly<Record<string, string>>,
    at: string | undefined,
    ...sentences: readonly string[]
  ) =>
    test(does, async () => {
      await assert.rejects(loadProject(project(files)), (error: unknown) => {
        assert.ok(error instanceof MillError, String((error as Error).stack));
        const all = [error.message, error.at, error.expected, error.got, error.fix].join("\n");
        assert.equal(error.code, code, all);
        if (at !== undefined) assert.ok(error.at?.startsWith(at), `expected at ${at}, got ${error.at}`);
        for (const sentence of sentences) assert.ok(all.includes(sentence), `expected "${sentence}" in\n${all}`);
        assert.ok(error.fix);
        assert.ok(!all.includes("?load="), all);
        return true;
      });
    });

  const trained = (options: string) => `${importText.replace("{", "{ python,")}${rowsText}${problemText("late")}
    export const late = model("late", { solves: p, from: features("seen", rows, (f) => ({ a: f.a })), label: (f) => f.b, train: python({ ${options} }) });`;
  const script = 'script: "train.py", requirements: []';
  told(
    "that a script is not there",
    "define.file",
    { "mill.ts": trained(script) },
    'model "late": train',
    "train.py is not there",
  );
  told(
    "that what should be a script is a folder",
    "define.file",
    { "mill.ts": trained(script), "train.py/a.py": "" },
    'model "late": train',
    "train.py is no file",
  );
  told(
    "which line of a file of requirements is none",
    "define.bad-value",
    {
      "mill.ts": trained('script: "train.py", requirements: "requirements.txt"'),
      "train.py": "",
      "requirements.txt": "-r other.txt",
    },
    "requirements.txt",
    '"-r other.txt"',
  );
  test("that a script is a link out of the folder", async () => {
    const folder = project({ "mill.ts": trained(script), "elsewhere/train.py": "" });
    symlinkSync(join(folder, "elsewhere", "train.py"), join(folder, "train.py"));
    await assert.rejects(loadProject(folder), { code: "define.file", message: /train.py is a link/ });
  });

  told("that there is no mill.ts", "define.project-missing", { "other.ts": "" }, undefined, "it has no mill.ts", "mill init");
  told("where the syntax is wrong", "define.syntax", { "mill.ts": "export const a = {\n  b: 1,,\n};\n" }, "mill.ts:2");
  told(
    "where the syntax of plain JavaScript is wrong",
    "define.syntax",
    { "mill.js": "export const a = {\n  b: 1,,\n};\n" },
    "mill.js:2",
  );
  told(
    "where the syntax of an imported file is wrong",
    "define.syntax",
    { "mill.js": 'import "./b.js";\n', "b.js": "\n\nlet = = 3;\n" },
    "b.js:3",
  );
  told(
    "that an enum cannot be left out",
    "define.syntax",
    { "mill.ts": "export const a = 1;\nenum X { A }\n" },
    "mill.ts:2",
    "enum",
    "plain objects",
  );
  told(
    "that a type was imported as a value",
    "define.type-import",
    {
      "mill.ts": '\nimport { x, Foo } from "./t.ts";\nexport const a: Foo = x;\n',
      "t.ts": "export interface Foo { a: number }\nexport const x = { a: 1 };\n",
    },
    "mill.ts:2",
    'import { type Foo } from "./t.ts"',
  );
  told(
    "the same of a type of the package",
    "define.type-import",
    { "mill.ts": 'import { Dataset } from "millwright";\nexport type A = Dataset<"a", {}>;\n' },
    "mill.ts:1",
    'import { type Dataset } from "millwright"',
  );
  told(
    "that a name is not exported",
    "define.export-missing",
    { "mill.ts": 'import { datset } from "millwright";\n' },
    "mill.ts:1",
    '"datset"',
  );
  told(
    "that a file is missing",
    "define.module-missing",
    { "mill.ts": 'import "./nope.ts";\n' },
    "mill.ts",
    "nope.ts",
    "no such file",
  );
  told(
    "that an extension is missing",
    "define.module-missing",
    { "mill.ts": 'import "./more";\n', "more.ts": "" },
    "mill.ts",
    "more.ts",
  );
  told(
    "that a package is missing",
    "define.module-missing",
    { "mill.ts": 'import "no-such-package-here";\n' },
    "mill.ts",
    "npm install no-such-package-here",
  );
  told(
    "which files import each other in a circle",
    "define.import-cycle",
    {
      "mill.ts": `${importText}import { seen } from "./seen.ts";\n${rowsText}export { seen };\n`,
      "seen.ts": `${importText}import { rows } from "./mill.ts";\nexport const seen = features("seen", rows, (f) => ({ a: f.a }));\n`,
    },
    "seen.ts:3",
    "seen.ts -> mill.ts -> seen.ts",
    '"rows"',
  );
  told(
    "that a definition is used above itself",
    "define.load-failed",
    { "mill.ts": `${importText}export const seen = features("seen", rows, (f) => ({ a: f.a }));\n${rowsText}` },
    "mill.ts:2",
    'uses "rows" before it is defined',
  );
  told(
    "that two definitions have one name",
    "define.duplicate",
    { "mill.ts": importText + problemText("late") + problemText("late", "q") },
    'problem "late"',
    "Rename",
  );
  told(
    "that nothing is exported",
    "define.empty",
    { "mill.ts": `${importText}${problemText("late").replace("export ", "")}` },
    undefined,
    "export",
  );
  told(
    "where a definition is wrong",
    "define.bad-value",
    {
      "mill.ts": `${importText}\nexport const rows = dataset("rows", {\n  from: files("a.csv"),\n  columns: { a: "itn32" },\n});\n`,
    },
    'mill.ts:3, dataset "rows": columns.a',
    "int32",
  );
  told(
    "where an expression is wrong, inside its callback",
    "express.unknown-column",
    {
      "mill.ts": `${importText}${rowsText}\nexport const seen = features("seen", rows, (f) => ({\n  a: f.a,\n  b: f.bb,\n}));\n`,
    },
    'mill.ts:6, features "seen"',
    'Did you mean "b"?',
  );
  told(
    "where anything else fails",
    "define.load-failed",
    { "mill.ts": "const a: any = undefined;\na.b.c;\n" },
    "mill.ts:2",
    "TypeError",
  );
});

test("an opened project is loaded again when one of its files has changed, and only then", async () => {
  const folder = project({
    "mill.ts": `import { question } from "./question.ts"; import { problem } from "millwright";
      export const p = problem("p", { question, task: "regression", owner: "o" });`,
    "question.ts": `export const question = "How much?";`,
  });
  const read = openProject(folder);
  const first = await read();
  assert.equal(await read(), first);
  writeFileSync(join(folder, "question.ts"), `export const question = "How much, and when?";`);
  const second = await read();
  assert.equal(second.problems.get("p")!.question, "How much, and when?");
  writeFileSync(join(folder, "question.ts"), "export const question = ;");
  await assert.rejects(read(), { code: "define.syntax" });
  writeFileSync(join(folder, "question.ts"), `export const question = "How much?";`);
  assert.equal((await read()).problems.get("p")!.question, "How much?");
});
