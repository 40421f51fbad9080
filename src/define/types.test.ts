import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import ts from "typescript";

interface Mistake {
  readonly does: string;
  readonly writes: string;
  /** What the compiler must print, word for word. */
  readonly told: readonly string[];
}

const AFTER = "only after the event: aggregate it over earlier rows, as in .mean().last('3h'), or use it in a label";
const row = 'date: "2001-06-01T10:00:00", distance: 954, origin: "SEA", tail: null';

const mistakes: readonly Mistake[] = [
  {
    does: "reads a column that does not exist",
    writes: "features('x', flights, (f) => ({ a: f.dealy.mean() }))",
    told: ["Property 'dealy' does not exist on type 'KnownColumns<", "Did you mean 'delay'?"],
  },
  { does: "takes an outcome as a feature", writes: "features('x', flights, (f) => ({ a: f.delay }))", told: [AFTER] },
  {
    does: "takes a comparison of an outcome as a feature",
    writes: "features('x', flights, (f) => ({ a: f.delay.gt(15) }))",
    told: [AFTER],
  },
  {
    does: "hides an outcome behind a known column",
    writes: "features('x', flights, (f) => ({ a: f.distance.plus(f.delay) }))",
    told: [AFTER],
  },
  {
    does: "forgets the window of an aggregate",
    writes: "features('x', flights, (f) => ({ a: f.delay.mean() }))",
    told: ["only with a window: add .last('3h')"],
  },
  {
    does: "computes with an aggregate that has no window",
    writes: "features('x', flights, (f) => ({ a: f.delay.mean().plus(1) }))",
    told: ["Property 'plus' does not exist on type 'Aggregate<"],
  },
  {
    does: "takes a moment as a feature",
    writes: "features('x', flights, (f) => ({ a: f.date }))",
    told: ['Type \'"a timestamp"\' is not assignable to type \'"a number" |'],
  },
  {
    does: "groups a window by an outcome",
    writes: "features('x', flights, (f) => ({ a: f.distance.mean().by(f.delay).last('3h') }))",
    told: [AFTER],
  },
  {
    does: "compares a text with >",
    writes: "features('x', flights, (f) => ({ a: f.origin.gt(3) }))",
    told: ["Property 'gt' does not exist on type 'TextExpr<"],
  },
  {
    does: "compares a text with a number",
    writes: "features('x', flights, (f) => ({ a: f.origin.eq(3) }))",
    told: ["'number' is not assignable to parameter of type 'Textual'"],
  },
  {
    does: "compares a number with a text column",
    writes: "features('x', flights, (f) => ({ a: f.distance.gt(f.origin) }))",
    told: ["Type '\"a text\"' is not assignable to type '\"a number\"'"],
  },
  {
    does: "writes a span with a space",
    writes: "features('x', flights, (f) => ({ a: f.delay.mean().by(f.origin).last('3 hours') }))",
    told: ["'\"3 hours\"' is not assignable to parameter of type"],
  },
  {
    does: "hands in a definition as a feature",
    writes: "features('x', airports, (f) => ({ n: f.runways.plus(1), n2: flights }))",
    told: ['Dataset<"flights"', "is missing the following properties", '"as a feature"'],
  },
  {
    does: "hands in a plain value as a feature",
    writes: "features('x', airports, () => ({ n: 3 }))",
    told: ["Type 'number' is not assignable to type 'Feature'"],
  },
  {
    does: "forgets that a feature may be missing",
    writes: "((x: { n: number }) => x)(null! as FeatureRow<typeof nullable>)",
    told: ["Type 'number | null' is not assignable to type 'number'"],
  },
  {
    does: "asks an instant for its hour without a zone",
    writes: "features('x', flights, (f) => ({ a: f.seen.hour() }))",
    told: ["Expected 1 arguments, but got 0", "An argument for 'zone' was not provided"],
  },
  {
    does: "asks a date for its hour",
    writes: "features('x', flights, (f) => ({ a: f.day.hour() }))",
    told: ["Property 'hour' does not exist on type 'DateExpr<"],
  },
  {
    does: "compares a timestamp with an instant",
    writes: "features('x', flights, (f) => ({ a: f.date.before(f.seen) }))",
    told: ["Type '\"an instant\"' is not assignable to type '\"a timestamp\"'"],
  },
  {
    does: "labels a yes-or-no question with a number",
    writes: "model('x', { solves: lateness, from: departures, label: (f) => f.delay, train: gradientBoosting() })",
    told: ["Type '\"a number\"' is not assignable to type '\"a boolean\"'"],
  },
  {
    does: "labels a regression with a boolean",
    writes: "model('x', { solves: minutes, from: departures, label: (f) => f.delay.gt(15), train: gradientBoosting() })",
    told: ["Type '\"a boolean\"' is not assignable to type '\"a number\"'"],
  },
  {
    does: "labels classes with a number",
    writes: "model('x', { solves: which, from: departures, label: (f) => f.delay, train: gradientBoosting() })",
    told: ["Type '\"a number\"' is not assignable to type '\"a text\"'"],
  },
  {
    does: "labels with an aggregate",
    writes: "model('x', { solves: minutes, from: departures, label: (f) => f.delay.mean(), train: gradientBoosting() })",
    told: ["Type '\"an aggregate\"' is not assignable to type '\"a number\"'"],
  },
  {
    does: "reads a column that does not exist in a label",
    writes: "model('x', { solves: lateness, from: departures, label: (f) => f.dealy.gt(1), train: gradientBoosting() })",
    told: ["Property 'dealy' does not exist on type 'AllColumns<", "Did you mean 'delay'?"],
  },
  {
    does: "accepts by a measure of another task",
    writes:
      "model('x', { solves: lateness, from: departures, label: (f) => f.delay.gt(1), train: gradientBoosting(), accept: (m) => [m.rmse.atMost(3)] })",
    told: ["Property 'rmse' does not exist on type 'Measures<\"binary-classification\""],
  },
  {
    does: "accepts by gain where the problem states none",
    writes:
      "model('x', { solves: gainless, from: departures, label: (f) => f.delay.gt(1), train: gradientBoosting(), accept: (m) => [m.gain.atLeast(3)] })",
    told: ["Property 'gain' does not exist on type 'Measures<\"binary-classification\", undefined>'"],
  },
  {
    does: "wants the threshold of greatest gain where the problem states none",
    writes:
      "model('x', { solves: gainless, from: departures, label: (f) => f.delay.gt(1), train: gradientBoosting(), threshold: 'max-gain' })",
    told: ["'\"max-gain\"' is not assignable", "max-gain needs a problem that states its gain"],
  },
  {
    does: "states a threshold for a regression",
    writes: "model('x', { solves: minutes, from: departures, label: (f) => f.delay, train: gradientBoosting(), threshold: 0.5 })",
    told: ["only a binary classification has a threshold"],
  },
  {
    does: "slices by a column that does not exist",
    writes:
      "model('x', { solves: minutes, from: departures, label: (f) => f.delay, train: gradientBoosting(), slices: (f) => ({ a: f.orign }) })",
    told: ["Property 'orign' does not exist", "Did you mean 'origin'?"],
  },
  {
    does: "trains a regression by logistic regression",
    writes: "model('x', { solves: minutes, from: departures, label: (f) => f.delay, train: logisticRegression() })",
    told: ['Type \'"regression"\' is not assignable to type \'"binary-classification" | "multiclass-classification"\''],
  },
  {
    does: "misspells a training parameter",
    writes: "gradientBoosting({ tree: 200 })",
    told: ["'tree' does not exist in type 'GradientBoostingParams'", "Did you mean to write 'trees'?"],
  },
  {
    does: "solves a data set",
    writes: "model('x', { solves: flights, from: departures, label: (f) => f.delay.gt(1), train: gradientBoosting() })",
    told: ["Type '\"dataset\"' is not assignable to type '\"problem\"'"],
  },
  {
    does: "misspells a column type",
    writes: "dataset('x', { from: files('a'), columns: { a: 'int32', b: 'itn32' } })",
    told: ["'\"itn32\"' is not assignable", "Did you mean '\"int32\"'?"],
  },
  {
    does: "names a number as the time column",
    writes: "dataset('x', { from: files('a'), columns: { a: 'int32', b: 'string' }, time: 'a' })",
    told: ["needs a column of type timestamp, instant or date"],
  },
  {
    does: "names a time column with missing values",
    writes: "dataset('x', { from: files('a'), columns: { a: 'timestamp?' }, time: 'a' })",
    told: ["needs a column of type timestamp, instant or date"],
  },
  {
    does: "checks a text as a number",
    writes: "dataset('x', { from: files('a'), columns: { a: 'int32', b: 'string' }, checks: (c) => [c.b.between(1, 2)] })",
    told: ["Property 'between' does not exist on type 'TextExpr<"],
  },
  {
    does: "checks by a number",
    writes: "dataset('x', { from: files('a'), columns: { a: 'int32' }, checks: (c) => [c.a.plus(2)] })",
    told: ["Type '\"a number\"' is not assignable to type '\"a boolean\"'"],
  },
  {
    does: "checks that a column is unique that does not exist",
    writes: "dataset('x', { from: files('a'), columns: { a: 'int32' }, checks: (_, { unique }) => [unique('b')] })",
    told: ["'\"b\"' is not assignable to parameter of type '\"a\"'"],
  },
  {
    does: "names an entity that is no column",
    writes: "dataset('x', { from: files('a'), columns: { a: 'int32' }, entity: 'b' })",
    told: ["Type '\"b\"' is not assignable to type"],
  },
  {
    does: "names an outcome that is no column",
    writes: "dataset('x', { from: files('a'), columns: { a: 'int32', t: 'timestamp' }, time: 't', outcomes: { b: '1h' } })",
    told: ["'b' does not exist in type"],
  },
  {
    does: "says when an outcome is known by a number",
    writes: "dataset('x', { from: files('a'), columns: { a: 'int32', t: 'timestamp' }, time: 't', outcomes: { a: (r) => r.a } })",
    told: ['Type \'"a number"\' is not assignable to type \'"a timestamp" | "a date" | "an instant"\''],
  },
  {
    does: "leaves rows out by a number",
    writes: "dataset('x', { from: files('a'), columns: { a: 'int32' }, where: (c) => c.a })",
    told: ["Type '\"a number\"' is not assignable to type '\"a boolean\"'"],
  },
  {
    does: "misspells an option",
    writes: "dataset('x', { from: files('a'), columns: { a: 'int32' }, cheks: () => [] })",
    told: ["'cheks' does not exist", "Did you mean to write 'checks'?"],
  },
  {
    does: "proves a principle by a measure of another task",
    writes:
      "problem('p', { question: 'q', task: 'regression', owner: 'o', principles: [{ statement: 's', proof: (m) => m.auc.atLeast(1) }] })",
    told: ["Property 'auc' does not exist on type 'Measures<\"regression\""],
  },
  {
    does: "watches a risk by a measure of another task",
    writes:
      "problem('p', { question: 'q', task: 'regression', owner: 'o', risks: [{ what: 'w', likelihood: 'low', impact: 'low', measure: 'auc' }] })",
    told: ['Type \'"auc"\' is not assignable to type \'"rmse" | "mae" | "r2"'],
  },
  {
    does: "leaves out who answers for a problem",
    writes: "problem('p', { question: 'q', task: 'regression' })",
    told: ["Property 'owner' is missing"],
  },
  {
    does: "serves features",
    writes: "endpoint('x', { serves: departures })",
    told: ["Type '\"features\"' is not assignable to type '\"model\"'"],
  },
  {
    does: "schedules features",
    writes: "schedule('x', { runs: [departures], when: [cron('0 3 * * *')] })",
    told: ["is not assignable to type"],
  },
  {
    does: "schedules by an age in words",
    writes: "schedule('x', { runs: [late], when: [olderThan('7 days')] })",
    told: ["'\"7 days\"' is not assignable to parameter of type"],
  },
  {
    does: "misspells an option of a clock",
    writes:
      "schedule('x', { runs: [late, flights], when: [newSources(), published(flights), cron('0 3 * * *', { timezone: 'UTC' })] })",
    told: ["'timezone' does not exist", "Did you mean to write 'timeZone'?"],
  },
  {
    does: "writes a window in words",
    writes: "endpoint('x', { serves: late, retrain: { when: [drift({ psi: 1 })], window: '90 days' } })",
    told: ["Type '\"90 days\"' is not assignable to type"],
  },
  {
    does: "retrains by a measure of another task",
    writes: "endpoint('x', { serves: late, retrain: { when: [metric({ measure: 'rmse', worseThan: 3 })] } })",
    told: ["Type '\"rmse\"' is not assignable to type"],
  },
  {
    does: "retrains by a gain that no problem states",
    writes:
      "endpoint('x', { serves: model('x', { solves: gainless, from: departures, label: (f) => f.delay.gt(15), train: gradientBoosting() }), retrain: { when: [metric({ measure: 'gain', worseThan: 0 })] } })",
    told: ["Type '\"gain\"' is not assignable to type"],
  },
  {
    does: "retrains by a measure that does not exist",
    writes: "metric({ measure: 'acu', worseThan: 0.6 })",
    told: ["Type '\"acu\"' is not assignable to type"],
  },
  {
    does: "leaves a column out of a request",
    writes: `client.predict('late-arrival', { ${row} })`,
    told: ["Property 'destination' is missing"],
  },
  {
    does: "leaves a nullable column out of a request",
    writes: "client.predict('late-arrival', { date: '', distance: 954, origin: 'SEA', destination: 'LAX' })",
    told: ["Property 'tail' is missing"],
  },
  {
    does: "misspells a column of a request",
    writes: `client.predict('late-arrival', { ${row}, destnation: 'LAX' })`,
    told: ["'destnation' does not exist", "Did you mean to write 'destination'?"],
  },
  {
    does: "sends text for a number",
    writes: "client.predict('late-arrival', { date: '', distance: '954', origin: 'SEA', destination: 'LAX', tail: null })",
    told: ["Type 'string' is not assignable to type 'number'"],
  },
  {
    does: "sends the outcome with the request",
    writes: `client.predict('late-arrival', { ${row}, destination: 'LAX', delay: 3 })`,
    told: ["'delay' does not exist"],
  },
  {
    does: "asks an endpoint that does not exist",
    writes: `client.predict('late-arival', { ${row}, destination: 'LAX' })`,
    told: ['\'"late-arival"\' is not assignable to parameter of type \'"late-arrival" |'],
  },
  {
    does: "reads the answer of another task",
    writes: `client.predict('length', { ${row}, destination: 'LAX' }).then((answer) => answer.probability)`,
    told: ["Property 'probability' does not exist"],
  },
  {
    does: "labels a yes-or-no prediction with a text",
    writes: "client.feedback('late-arrival', [{ id: 'x', label: 'late' }])",
    told: ["Type 'string' is not assignable to type 'boolean'"],
  },
];

const root = join(import.meta.dirname, "..", "..");
const fixtures = join(import.meta.dirname, "fixtures");
const wrongFile = join(fixtures, "wrong.ts");
const header = [
  'import { cron, dataset, drift, endpoint, type FeatureRow, features, files, gradientBoosting, logisticRegression, metric, model, newSources, olderThan, problem, published, schedule } from "millwright";',
  'import { connect } from "millwright/client";',
  'import { airports, departures, flights, gainless, late, lateness, minutes, which } from "./data.ts";',
  'import type * as mill from "./mill.ts";',
  "const client = connect<typeof mill>('');",
  "const nullable = features('x', airports, (f) => ({ n: f.runways.plus(1) }));",
];
const wrongText = [...header, ...mistakes.map(({ writes }, i) => `export const e${i} = ${writes};`)].join("\n");

function strictOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  return { ...ts.convertCompilerOptionsFromJson(config.compilerOptions, root).options, noUnusedLocals: false };
}

/** A program over files on the disk and some that are only here. */
function programOf(files: readonly string[], options: ts.CompilerOptions, virtual: ReadonlyMap<string, string>): ts.Program {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile, directoryExists } = host;
  host.fileExists = (path) => virtual.has(path) || fileExists(path);
  host.readFile = (path) => virtual.get(path) ?? readFile(path);
  host.directoryExists = (path) => [...virtual.keys()].some((file) => file.startsWith(`${path}/`)) || directoryExists!(path);
  host.getSourceFile = (path, ...rest) => {
    const text = virtual.get(path);
    return text === undefined ? getSourceFile(path, ...rest) : ts.createSourceFile(path, text, rest[0]);
  };
  return ts.createProgram(files, options, host);
}

const sentences = (found: readonly ts.Diagnostic[]) =>
  found
    .flatMap((one) => [one, ...(one.relatedInformation ?? [])])
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
const checked = (program: ts.Program, file: string) => {
  const source = program.getSourceFile(file);
  assert.ok(source, file);
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
};

const right = ["data.ts", "mill.ts", "right.ts"].map((name) => join(fixtures, name));
const examples = ["flights", "penguins"].map((name) => join(root, "examples", name, "mill.ts"));
let program: ts.Program;

before(() => {
  const options = {
    ...strictOptions(),
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    outDir: "/out",
    rootDir: root,
  };
  program = programOf([...right, ...examples, wrongFile], options, new Map([[wrongFile, wrongText]]));
});

describe("the compiler", () => {
  for (const file of [...right, ...examples])
    test(`accepts ${file.slice(root.length + 1)}`, () => {
      assert.deepEqual(sentences(checked(program, file)), []);
    });

  test("finds nothing else wrong in the list of mistakes", () => {
    const source = program.getSourceFile(wrongFile)!;
    const lines = checked(program, wrongFile).map(({ start }) => source.getLineAndCharacterOfPosition(start!).line);
    assert.deepEqual(
      lines.filter((line) => line < header.length),
      [],
    );
  });

  for (const [i, { does, writes, told }] of mistakes.entries())
    test(`stops one who ${does}`, () => {
      const source = program.getSourceFile(wrongFile)!;
      const onLine = ({ start }: ts.Diagnostic) => source.getLineAndCharacterOfPosition(start!).line === header.length + i;
      const found = sentences(checked(program, wrongFile).filter(onLine)).join("\n");
      assert.notEqual(found, "", `compiles: ${writes}`);
      for (const sentence of told) assert.ok(found.includes(sentence), `expected "${sentence}" in\n${found}`);
    });
});

test("definitions can be emitted as declarations against the installed package", () => {
  const installed = new Map<string, string>();
  program.emit(undefined, (path, text) => installed.set(path.replace("/out/", "/app/node_modules/millwright/"), text));
  installed.set(
    "/app/node_modules/millwright/package.json",
    JSON.stringify({ name: "millwright", type: "module", exports: { ".": "./src/index.d.ts", "./client": "./sdk/index.d.ts" } }),
  );
  const apps = right.map((file) => [file.replace(fixtures, "/app"), ts.sys.readFile(file)!] as const);
  for (const [path, text] of apps) installed.set(path, text);
  installed.set("/app/package.json", JSON.stringify({ name: "app", type: "module" }));

  const { paths: _, ...strict } = strictOptions();
  const options = {
    ...strict,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    types: [],
    outDir: "/app/out",
    rootDir: "/app",
  };
  const app = programOf(
    apps.map(([path]) => path),
    options,
    installed,
  );
  const emitted: string[] = [];
  const { diagnostics } = app.emit(undefined, (path) => emitted.push(path));
  for (const [path] of apps) assert.deepEqual(sentences(checked(app, path)), []);
  assert.deepEqual(sentences([...diagnostics, ...app.getDeclarationDiagnostics()]), []);
  assert.ok(emitted.includes("/app/out/data.d.ts"));
});
