/** The mistakes that the compiler stops, and those it cannot see, made in plain JavaScript: each is told at load. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MillError } from "../base/index.ts";
import * as words from "./index.ts";

/* biome-ignore lint/suspicious/noExplicitAny: plain JavaScript, as a user without types writes it */
const mill = words as any;
const {
  byHash,
  byTime,
  canary,
  columns,
  cron,
  dataset,
  drift,
  endpoint,
  every,
  features,
  files,
  gradientBoosting,
  logisticRegression,
  metric,
  model,
  newRows,
  newSources,
  olderThan,
  pipeline,
  problem,
  published,
  python,
  schedule,
  standardScale,
} = mill;

const question = { question: "Will it arrive late?", owner: "ops@example.org" };
const lateness = problem("late", { ...question, task: "binary-classification", gain: { truePositive: 40, falsePositive: -15 } });
const gainless = problem("gainless", { ...question, task: "binary-classification" });
const minutes = problem("minutes", { ...question, task: "regression" });
const which = problem("which", { ...question, task: "multiclass-classification" });

/* biome-ignore lint/suspicious/noExplicitAny: plain JavaScript */
type Rows = any;
const flightOptions = {
  from: files("flights.parquet"),
  time: "date",
  columns: {
    date: "timestamp",
    distance: "int32",
    origin: "string",
    delay: { type: "int32", unit: "min" },
    name: { type: "string", personal: "direct" },
    seen: "instant?",
    kind: "category",
  },
  outcomes: { delay: (r: Rows) => r.date.plusMinutes(90) },
  split: byTime({ test: 0.15, holdout: 0.15 }),
};
const flights = dataset("flights", flightOptions);
const airports = dataset("airports", {
  from: files("airports.csv"),
  columns: { code: "string", runways: "int32?", kind: "category" },
  split: byHash({ test: 0.2, holdout: 0.2 }),
});
const departures = features("departures", flights, (f: Rows) => ({
  hour: f.date.hour(),
  recent: f.delay.mean().by(f.origin).last("3h"),
}));
const places = features("places", airports, (f: Rows) => ({ runways: f.runways }));
const base = { solves: lateness, from: departures, label: (f: Rows) => f.delay.gt(15), train: gradientBoosting() };
const late = model("late", base);

/** `sentences` must all occur in what a person is told. */
function told(does: string, code: string, run: () => unknown, ...sentences: readonly string[]): void {
  test(does, () => {
    assert.throws(run, (error: unknown) => {
      assert.ok(error instanceof MillError, String((error as Error).stack));
      const all = [error.message, error.at, error.expected, error.got, error.fix].join("\n");
      assert.equal(error.code, code, all);
      for (const sentence of sentences) assert.ok(all.includes(sentence), `expected "${sentence}" in\n${all}`);
      for (const part of [error.at, error.expected, error.got, error.fix]) assert.ok(part, `something is left out:\n${all}`);
      return true;
    });
  });
}

const data = (more: object) => () =>
  dataset("x", { from: files("a"), columns: { a: "int32", b: "string", t: "timestamp" }, ...more });
const taught = (more: object) => () => model("x", { ...base, ...more });
const asked = (more: object) => () => problem("x", { ...question, task: "binary-classification", ...more });
const served = (more: object) => () => endpoint("x", { serves: late, ...more });
const drawn = (build: (f: Rows) => object) => () => features("x", flights, build);

describe("a problem is refused", () => {
  told(
    "without an owner",
    "define.missing",
    () => problem("x", { question: "q", task: "regression" }),
    'problem "x": owner is missing',
  );
  told("with an empty question", "define.bad-value", asked({ question: " " }), "question", "not empty");
  told("with a task that does not exist", "define.bad-value", asked({ task: "binary" }), "binary-classification");
  told("with an option that does not exist", "define.unknown-option", asked({ princples: [] }), 'Did you mean "principles"?');
  told("with half a gain", "define.missing", asked({ gain: { truePositive: 3 } }), "gain.falsePositive is missing");
  told("with a gain that is no number", "define.bad-value", asked({ gain: { truePositive: "3", falsePositive: 1 } }), '"3"');
  told(
    "with a gain for a regression",
    "define.bad-value",
    asked({ task: "regression", gain: { truePositive: 3, falsePositive: 1 } }),
    "gain only with",
  );
  told("with a cost below 0", "define.bad-value", asked({ constraints: { monthlyCost: -3 } }), "above 0");
  told(
    "with a proof by another task's measure",
    "define.unknown-measure",
    asked({ task: "regression", principles: [{ statement: "s", proof: (m: Rows) => m.auc.atLeast(1) }] }),
    'no measure "auc"',
    "rmse, mae, r2",
  );
  told(
    "with a proof that returns nothing",
    "define.missing",
    asked({ principles: [{ statement: "s", proof: () => {} }] }),
    "m.auc.atLeast",
  );
  told(
    "with a bound that is no number",
    "define.bad-value",
    asked({ principles: [{ statement: "s", proof: (m: Rows) => m.auc.atLeast("high") }] }),
    "m.auc.atLeast(...)",
    '"high"',
  );
  told(
    "with a risk watched by no measure",
    "define.unknown-measure",
    asked({ risks: [{ what: "w", likelihood: "low", impact: "low", measure: "acu" }] }),
    "risks[0].measure",
    'Did you mean "auc"?',
  );
  told(
    "with a risk of no likelihood",
    "define.bad-value",
    asked({ risks: [{ what: "w", likelihood: "often", impact: "low" }] }),
    "low, medium, high",
  );
  for (const name of ["Late", "late arrival", "9late", "", "a".repeat(64), undefined])
    told(
      `with the name ${name}`,
      "define.bad-name",
      () => problem(name, { ...question, task: "regression" }),
      "lower-case letters",
    );
});

describe("a data set is refused", () => {
  told(
    "with a type that does not exist",
    "define.bad-value",
    data({ columns: { b: "itn32" } }),
    "columns.b",
    'Did you mean "int32"?',
  );
  told("without columns", "define.bad-value", data({ columns: {} }), "at least one column");
  told(
    "with a column spec that says too much",
    "define.unknown-option",
    data({ columns: { a: { type: "int32", units: "m" } } }),
    'Did you mean "unit"?',
  );
  told("with columns that differ in case only", "define.duplicate", data({ columns: { a: "int32", A: "int32" } }), '"a" and "A"');
  told("with a reserved column name", "define.bad-name", data({ columns: { __reason: "string" } }), "__");
  told(
    "with a time column that does not exist",
    "define.unknown-column",
    data({ time: "tt" }),
    'no column "tt"',
    'Did you mean "t"?',
  );
  told("with a number as time", "define.wrong-type", data({ time: "a" }), "needs a column of type timestamp, instant or date");
  told(
    "with a time that may be missing",
    "define.wrong-type",
    data({ columns: { t: "timestamp?" }, time: "t" }),
    "without missing values",
  );
  told("with an outcome that is no column", "define.unknown-column", data({ time: "t", outcomes: { q: "1h" } }), 'no column "q"');
  told(
    "with an outcome known at a number",
    "define.wrong-type",
    data({ time: "t", outcomes: { a: (r: Rows) => r.a } }),
    "outcomes.a",
    "a moment",
  );
  told(
    "with an outcome known at another kind of moment",
    "define.wrong-type",
    () =>
      dataset("x", {
        from: files("a"),
        columns: { a: "int32", t: "timestamp", i: "instant" },
        time: "t",
        outcomes: { a: (r: Rows) => r.i },
      }),
    "timestamp",
  );
  told("with outcomes and no time", "define.time-missing", data({ outcomes: { a: "1h" } }), 'time: "date"');
  told("with its time as an outcome", "define.bad-value", data({ time: "t", outcomes: { t: "1h" } }), "says when a row happened");
  told(
    "with a bad span of an outcome",
    "value.duration",
    data({ time: "t", outcomes: { a: "soon" } }),
    '"soon" is not a duration',
  );
  told("with a check of the wrong type", "define.wrong-type", data({ checks: (c: Rows) => [c.a] }), "checks[0]", "a boolean");
  told(
    "with a check that compares text with numbers",
    "express.operand",
    data({ checks: (c: Rows) => [c.b.between(1, 2)] }),
    "checks[0]",
    "between",
  );
  told(
    "with a check of a column that does not exist",
    "express.unknown-column",
    data({ checks: (c: Rows) => [c.aa.gt(0)] }),
    'Did you mean "a"?',
  );
  told("with a check that is no expression", "define.no-expression", data({ checks: () => [true] }), "checks[0]", "got true");
  told("with checks that are no list", "define.bad-value", data({ checks: (c: Rows) => c.a.gt(0) }), "a list");
  told("with a share above 1", "express.share", data({ checks: (c: Rows) => [c.a.gt(0).holdsFor(99.9)] }), "at most 1");
  told(
    "with unique over a column that does not exist",
    "define.unknown-column",
    data({ checks: (_: Rows, { unique }: Rows) => [unique("q")] }),
    'no column "q"',
  );
  told("with `where` of the wrong type", "define.wrong-type", data({ where: (c: Rows) => c.a }), "where", "a boolean");
  told("with a misspelt option", "define.unknown-option", data({ cheks: () => [] }), 'Did you mean "checks"?');
  told("with an entity that is no column", "define.unknown-column", data({ entity: ["a", "q"] }), 'no column "q"');
  told("with a path instead of files", "define.bad-value", data({ from: "a.csv" }), 'files("a.csv")');
  told("with an address instead of a path", "define.bad-value", () => files("https://example.org/a.csv"), "Download");
  told("without a path", "define.bad-value", () => files([]), "at least one path");
  told(
    "with a split that leaves nothing to train on",
    "define.bad-value",
    () => byTime({ test: 0.5, holdout: 0.5 }),
    "sum to less than 1",
  );
  told("with a split of percent", "define.bad-value", () => byTime({ test: 15, holdout: 15 }), "below 1");
  told("with half a split", "define.missing", () => byHash({ test: 0.5 }), "holdout is missing");
  told("with a split by time and no time", "define.time-missing", data({ split: byTime({ test: 0.1, holdout: 0.1 }) }), "byHash");
  told("with a column of shared columns that has no type", "define.bad-value", () => columns({ a: "int" }), "columns.a");
});

describe("features are refused", () => {
  told(
    "over a column that does not exist",
    "express.unknown-column",
    drawn((f) => ({ a: f.dealy.mean() })),
    'Did you mean "delay"?',
  );
  told(
    "over an outcome",
    "express.leak",
    drawn((f) => ({ a: f.delay })),
    'features "x".a',
    "delay",
  );
  told(
    "over a comparison of an outcome",
    "express.leak",
    drawn((f) => ({ a: f.delay.gt(15) })),
    "delay",
  );
  told(
    "by an outcome",
    "express.leak",
    drawn((f) => ({ a: f.distance.mean().by(f.delay).last("3h") })),
    "delay",
  );
  told(
    "without a window",
    "express.unfinished",
    drawn((f) => ({ a: f.delay.mean() })),
    '.last("3h")',
  );
  told(
    "that compare text by >",
    "express.operand",
    drawn((f) => ({ a: f.origin.gt(3) })),
    "gt",
  );
  told(
    "that compare text with a number",
    "express.operand",
    drawn((f) => ({ a: f.origin.eq(3) })),
    "eq",
  );
  told(
    "that compare a number with text",
    "express.operand",
    drawn((f) => ({ a: f.distance.gt(f.origin) })),
    "gt",
  );
  told(
    "that average text",
    "express.operand",
    drawn((f) => ({ a: f.origin.mean().last("3h") })),
    "mean",
  );
  told(
    "with a span in words",
    "value.duration",
    drawn((f) => ({ a: f.delay.mean().last("3 hours") })),
    '"3 hours" is not a duration',
  );
  told(
    "with a definition as a feature",
    "define.no-expression",
    drawn(() => ({ a: flights })),
    'features "x".a',
  );
  told(
    "of another data set",
    "express.other-dataset",
    () => {
      let code: unknown;
      features("y", airports, (f: Rows) => {
        code = f.code;
        return { a: f.code };
      });
      features("x", flights, () => ({ a: code }));
    },
    '"airports"',
  );
  told(
    "that are moments",
    "express.feature",
    drawn((f) => ({ a: f.date })),
    ".weekday()",
  );
  told(
    "with a column that names a person",
    "define.personal",
    drawn((f) => ({ a: f.name })),
    '"name" names a person directly',
  );
  told(
    "with a person's name in lower case",
    "define.personal",
    drawn((f) => ({ a: f.name.lower().orElse("") })),
    "personal",
  );
  told(
    "with a name that is no field",
    "define.bad-name",
    drawn((f) => ({ "recent delay": f.distance })),
    "letters, digits and _",
  );
  told(
    "with names that differ in case only",
    "define.duplicate",
    drawn((f) => ({ a: f.distance, A: f.distance })),
    '"a" and "A"',
  );
  told(
    "without any",
    "define.bad-value",
    drawn(() => ({})),
    "at least one feature",
  );
  told("without a callback", "define.missing", () => features("x", flights), "(f) => ({");
  told(
    "from a problem",
    "define.wrong-kind",
    () => features("x", lateness, () => ({})),
    "what dataset(...) returns",
    'kind "problem"',
  );
  told(
    "an instant's hour without a zone",
    "express.operand",
    drawn((f) => ({ a: f.seen.hour() })),
    "zone",
  );
  told(
    "with a window where rows have no time",
    "express.no-time",
    () => features("x", airports, (f: Rows) => ({ a: f.runways.mean().last("3h") })),
    "time",
  );
});

describe("a Python script is refused", () => {
  const asked = (more: object) => () => python({ script: "train.py", requirements: [], ...more });
  told("that lies outside of the project", "define.bad-value", asked({ script: "../train.py" }), "python: script", "without ..");
  told("that is named from the root", "define.bad-value", asked({ files: ["/etc/passwd"] }), "python: files");
  told("of another language", "define.bad-value", asked({ script: "train.sh" }), ".py or .ipynb");
  told("with an option of pip's", "define.bad-value", asked({ requirements: ["--index-url=x"] }), "python: requirements");
  told("with parameters that are no JSON", "define.bad-value", asked({ params: { a: [Number.NaN] } }), "python: params.a.0");
  told("with a time that is none", "value.duration", asked({ timeout: "soon" }), "python: timeout");
  told("with an option that does not exist", "define.unknown-option", asked({ scripts: 1 }), 'Did you mean "script"?');
  told(
    "with steps around it",
    "define.bad-value",
    taught({ train: pipeline([standardScale("all")], python({ script: "train.py", requirements: [] })) }),
    "takes no steps around it",
  );
});

describe("a model is refused", () => {
  told(
    "that learns a number as yes or no",
    "define.wrong-type",
    taught({ label: (f: Rows) => f.delay }),
    "label",
    "a boolean",
    "f.delay.gt(15)",
  );
  told(
    "that learns yes or no as a number",
    "define.wrong-type",
    taught({ solves: minutes, label: (f: Rows) => f.delay.gt(1) }),
    "a number",
  );
  told("that learns numbers as classes", "define.wrong-type", taught({ solves: which, label: (f: Rows) => f.delay }), "a text");
  told(
    "with a label of a column that does not exist",
    "express.unknown-column",
    taught({ label: (f: Rows) => f.dealy.gt(1) }),
    'Did you mean "delay"?',
  );
  told(
    "with a label that has no window",
    "express.unfinished",
    taught({ solves: minutes, label: (f: Rows) => f.delay.mean() }),
    "label",
  );
  told(
    "with a label over a window",
    "express.window",
    taught({ solves: minutes, label: (f: Rows) => f.delay.mean().last("3h") }),
    "label",
  );
  told(
    "with a label of another data set",
    "express.other-dataset",
    () => {
      let runways: Rows;
      features("y", airports, (f: Rows) => {
        runways = f.runways;
        return { a: f.code };
      });
      model("x", { ...base, label: () => runways.gt(3) });
    },
    '"airports"',
  );
  told(
    "that is given its label",
    "define.label-leak",
    () =>
      model("x", {
        ...base,
        solves: which,
        from: features("y", airports, (f: Rows) => ({ same: f.kind.eq("large") })),
        label: (f: Rows) => f.kind,
      }),
    '"same" reads "kind"',
    "given the answer",
  );
  told(
    "with a measure of another task",
    "define.unknown-measure",
    taught({ accept: (m: Rows) => [m.rmse.atMost(3)] }),
    'no measure "rmse"',
  );
  told(
    "with gain where the problem states none",
    "define.unknown-measure",
    taught({ solves: gainless, accept: (m: Rows) => [m.gain.atLeast(0)] }),
    "once the problem states `gain`",
  );
  told(
    "with the same requirement twice",
    "define.duplicate",
    taught({ accept: (m: Rows) => [m.auc.atLeast(0.6), m.auc.atLeast(0.7)] }),
    "auc.atLeast",
  );
  told(
    "with a threshold of greatest gain and no gain",
    "define.bad-value",
    taught({ solves: gainless, threshold: "max-gain" }),
    "states its gain",
  );
  told("with a threshold above 1", "define.bad-value", taught({ threshold: 15 }), "at most 1");
  told(
    "with a threshold for a regression",
    "define.bad-value",
    taught({ solves: minutes, label: (f: Rows) => f.delay, threshold: 0.5 }),
    "no threshold",
  );
  told(
    "with a trainer that cannot learn its task",
    "define.wrong-trainer",
    taught({ solves: minutes, label: (f: Rows) => f.delay, train: logisticRegression() }),
    "cannot learn a regression",
  );
  told(
    "with a parameter that does not exist",
    "learn.bad-parameter",
    () => gradientBoosting({ tree: 200 }),
    'Did you mean "trees"?',
  );
  told("with a parameter outside its range", "learn.bad-parameter", () => gradientBoosting({ trees: 0 }), "at least 1");
  told(
    "with slices that do not exist",
    "express.unknown-column",
    taught({ slices: (f: Rows) => ({ a: f.orign }) }),
    "slices",
    'Did you mean "origin"?',
  );
  told(
    "with slices by moments",
    "define.wrong-type",
    taught({ slices: (f: Rows) => ({ a: f.date }) }),
    "slices.a",
    "a timestamp",
  );
  told("that solves a data set", "define.wrong-kind", taught({ solves: flights }), 'kind "dataset"');
  told("that solves what is not defined", "define.wrong-kind", taught({ solves: undefined }), "defined above");
  told("with a seed that is no integer", "define.bad-value", taught({ seed: 0.5 }), "an integer");
  told(
    "over rows without a split",
    "define.split-missing",
    () =>
      model("x", {
        ...base,
        from: features("y", dataset("y", { ...flightOptions, split: undefined }), (f: Rows) => ({ a: f.distance })),
      }),
    "byTime",
  );
});

describe("an endpoint is refused", () => {
  told("that serves features", "define.wrong-kind", () => endpoint("x", { serves: departures }), 'kind "features"');
  told(
    "with a window in words",
    "value.duration",
    served({ retrain: { when: [drift({ psi: 1 })], window: "90 days" } }),
    '"90 days"',
  );
  told("with nothing that starts a retraining", "define.bad-value", served({ retrain: { when: [] } }), "at least one of");
  told("with drift below 0", "define.bad-value", () => drift({ psi: -1 }), "above 0");
  told("with a negative span", "value.duration", () => every("-1w"), '"-1w"');
  told("with half a row", "define.bad-value", () => newRows(0.5), "newRows", "an integer at least 1");
  told(
    "with a metric of another task",
    "define.unknown-measure",
    served({ retrain: { when: [metric({ measure: "rmse", worseThan: 3 })] } }),
    'endpoint "x": retrain.when[0]',
    "one of auc",
  );
  told(
    "with a metric of gain that no problem states",
    "define.unknown-measure",
    () =>
      endpoint("x", {
        serves: model("x", { ...base, solves: gainless }),
        retrain: { when: [metric({ measure: "gain", worseThan: 0 })] },
      }),
    "once the problem states `gain`",
  );
  told("with a metric without a bound", "define.missing", () => metric({ measure: "auc" }), "worseThan");
  told(
    "with a bound that a share never falls below",
    "define.bad-value",
    served({ retrain: { when: [metric({ measure: "auc", worseThan: 0 })] } }),
    "above 0 and below 1",
  );
  told(
    "with a bound that a loss always passes",
    "define.bad-value",
    served({ retrain: { when: [metric({ measure: "logLoss", worseThan: 0 })] } }),
    "above 0",
  );
  told(
    "with an estimate of what is not estimated",
    "define.bad-value",
    served({ retrain: { when: [metric({ measure: "calibrationError", worseThan: 0.1, from: "estimated" })] } }),
    "not estimated before labels come",
    "realised",
  );
  told(
    "with a source of quality that does not exist",
    "define.bad-value",
    () => metric({ measure: "auc", worseThan: 0.6, from: "realized" }),
    'Did you mean "realised"?',
  );
  told("with a cooldown in words", "value.duration", served({ retrain: { when: [newRows(100)], cooldown: "a day" } }), '"a day"');
  told(
    "with a trigger that does not exist",
    "define.bad-value",
    served({ retrain: { when: [{ when: "rows", count: 3 }] } }),
    "newRows",
  );
  told("with steps that do not reach 1", "define.bad-value", () => canary({ steps: [0.05, 0.25], hold: "1h" }), "rise to 1");
  told("with steps that fall", "define.bad-value", () => canary({ steps: [0.5, 0.25, 1], hold: "1h" }), "rise to 1");
  told("without a hold", "define.missing", () => canary({ steps: [1] }), "hold is missing");
  told(
    "that counts the time of rows that have none",
    "define.time-missing",
    () =>
      endpoint("x", {
        serves: model("x", { ...base, solves: which, from: places, label: (f: Rows) => f.kind }),
        retrain: { when: [every("1w")] },
      }),
    "airports",
  );
});

describe("a schedule is refused", () => {
  const when =
    (...conditions: unknown[]) =>
    () =>
      schedule("x", { runs: [late], when: conditions });
  told(
    "that runs features",
    "define.wrong-kind",
    () => schedule("x", { runs: [departures], when: [newSources()] }),
    'kind "features"',
  );
  told(
    "that goes by no version",
    "define.bad-value",
    () => schedule("x", { runs: [late], when: [newSources()], definitions: "yesterday" }),
    "mill definitions list",
  );
  told("that runs nothing", "define.bad-value", () => schedule("x", { runs: [], when: [newSources()] }), "at least one data set");
  told("that never starts", "define.bad-value", when(), "at least one of cron");
  told("by a condition that does not exist", "define.bad-value", when({ when: "sources" }), "newSources");
  told("at a minute that does not exist", "value.cron", when({ when: "cron", cron: "61 3 * * *" }), "minute: 61");
  told("at a second", "value.cron", () => cron("0 0 3 * * *"), "is no time");
  told("on a day that never comes", "value.cron", () => cron("0 0 30 2 *"), "never comes");
  told("in a zone that does not exist", "value.cron", () => cron("0 3 * * *", { timeZone: "Europe/Berln" }), "no time zone");
  told(
    "with an option of a clock that does not exist",
    "define.unknown-option",
    () => cron("@daily", { timezone: "UTC" }),
    "timeZone",
  );
  told("that looks at files all the time", "define.bad-value", () => newSources({ every: "0.1s" }), '"1s"');
  told("by an age in words", "value.duration", () => olderThan("7 days"), "7 days");
  told("when features were published", "define.wrong-kind", () => published(departures), 'kind "features"');
  told("that starts itself", "define.bad-value", when({ when: "published", of: late }), "start it again");
});

describe("a definition's normal form", () => {
  test("has columns with nothing left out", () => {
    assert.deepEqual(flights.columns.seen, { type: "instant", nullable: true });
    assert.deepEqual(flights.columns.delay, { type: "int32", nullable: false, unit: "min" });
  });

  test("is JSON and frozen", () => {
    const endpointJson = JSON.parse(JSON.stringify(endpoint("late", { serves: late })));
    assert.equal(endpointJson.serves.from.from.outcomes.delay.op, "plusMinutes");
    assert.ok(Object.isFrozen(late) && Object.isFrozen(flights));
  });

  test("has every option of a schedule, conditions as written by hand too", () => {
    const { runs, when } = schedule("x", {
      runs: [late, flights],
      when: [cron("0 3 * * *"), newSources(), { when: "olderThan", span: "7d" }, { when: "published", of: airports }],
    });
    assert.deepEqual(runs, [late, flights]);
    assert.deepEqual(when, [
      { when: "cron", cron: "0 3 * * *", timeZone: "UTC", catchUp: true },
      { when: "newSources", every: "30s" },
      { when: "olderThan", span: "7d" },
      { when: "published", of: airports },
    ]);
  });

  test("has every option of a retraining, triggers as written by hand too", () => {
    const trigger = metric({ measure: "gain", worseThan: -20, from: "estimated" });
    const { retrain } = endpoint("x", { serves: late, retrain: { when: [newRows(500), JSON.parse(JSON.stringify(trigger))] } });
    assert.deepEqual(retrain, {
      when: [
        { when: "newRows", count: 500 },
        { when: "metric", measure: "gain", worseThan: -20, from: "estimated" },
      ],
      cooldown: "1d",
    });
  });

  test("has requirements with stable ids, tied to the principle they prove", () => {
    const proven = problem("x", {
      ...question,
      task: "binary-classification",
      principles: [{ statement: "Kept", proof: (m: Rows) => m.calibrationError.atMost(0.03) }],
    });
    assert.deepEqual(proven.principles[0].proof, {
      id: "principle/0",
      measure: "calibrationError",
      test: "atMost",
      value: 0.03,
      because: "Kept",
    });
    const accepted = model("x", {
      ...base,
      accept: (m: Rows) => [m.auc.atLeast(0.65), m.auc.beatsChampion(), m.logLoss.atMost(1), m.auc.atMost(0.99)],
    });
    assert.deepEqual(
      accepted.accept.map(({ id }: { id: string }) => id),
      ["accept/auc", "accept/auc/champion", "accept/logLoss", "accept/auc/atMost"],
    );
    assert.equal(accepted.accept[1].value, 0);
  });

  test("names every parameter of the trainer, and the threshold that gain asks for", () => {
    assert.equal(late.train.estimator, "gradient-boosting");
    assert.deepEqual(Object.keys(late.train.params).slice(0, 3), ["trees", "leaves", "learningRate"]);
    assert.equal(gradientBoosting({ trees: 7 }).params.trees, 7);
    assert.equal(late.threshold, "max-gain");
    assert.equal(model("x", { ...base, solves: gainless }).threshold, 0.5);
    assert.equal(late.seed, 1);
  });

  test("salts a split by hash with the data set's name, unless it has a salt", () => {
    assert.equal(airports.split.salt, "airports");
    const salted = dataset("x", {
      from: files("a"),
      columns: { a: "int32" },
      split: byHash({ test: 0.1, holdout: 0.1, salt: "s" }),
    });
    assert.equal(salted.split.salt, "s");
  });

  test("says in words what is checked", () => {
    const checked = data({ checks: (c: Rows, { unique }: Rows) => [c.a.between(0, 9).holdsFor(0.9), unique("a", "b")] })();
    assert.deepEqual(
      checked.checks.map(({ text, share }: { text: string; share: number }) => [text, share]),
      [
        ["a between 0 and 9", 0.9],
        ["a and b unique", 1],
      ],
    );
    assert.deepEqual(checked.checks[1].holds, { unique: ["a", "b"] });
  });

  test("takes a span after the row's time as the moment an outcome is known", () => {
    const known = data({ time: "t", outcomes: { a: "2h" } })();
    assert.deepEqual(known.outcomes.a.args[1], { op: "literal", value: 120 });
  });

  test("lets a person's column group rows and be compared", () => {
    const fields = features("x", flights, (f: Rows) => ({
      a: f.distance.mean().by(f.name).last("3h"),
      b: f.name.length(),
      c: f.name.eq("x"),
    })).fields;
    assert.deepEqual(Object.keys(fields), ["a", "b", "c"]);
  });
});
