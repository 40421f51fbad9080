import assert from "node:assert/strict";
import { test } from "node:test";
import { byHash, dataset, features, files, gradientBoosting, model, problem } from "../define/index.ts";
import { makeTrainingSet, rowsOf, stepContext, storeRows } from "./fixtures/flights.ts";
import { readPart } from "./index.ts";

const asked = { question: "?", owner: "o@example.org" } as const;
const lateness = problem("lateness", { ...asked, task: "binary-classification" });
const minutes = problem("minutes", { ...asked, task: "regression" });
const whither = problem("whither", { ...asked, task: "multiclass-classification" });
const trainer = gradientBoosting({ trees: 2 });

/** A flight is late or not when it lands, `air` minutes after it left. */
const flights = dataset("flights", {
  from: files("flights.csv"),
  columns: { left: "timestamp", from: "string", air: "int32", delay: "int32?" },
  time: "left",
  outcomes: { delay: (row) => row.left.plusMinutes(row.air) },
  split: byHash({ test: 0.2, holdout: 0.2 }),
});
const departures = features("departures", flights, (f) => ({
  hour: f.left.hour(),
  recent: f.delay.mean().by(f.from).last("3h"),
  known: f.delay.count().by(f.from).last("3h"),
}));
const late = model("late", { solves: lateness, from: departures, label: (f) => f.delay.gt(15), train: trainer });

const flightRows = (...rows: string[]) =>
  storeRows(`SELECT "left"::TIMESTAMP AS "left", "from", air::INTEGER AS air, delay::INTEGER AS delay
    FROM (VALUES ${rows.join(", ")}) AS t("left", "from", air, delay)`);

/** Five flights from SEA within two hours; the second is in the air for five hours. */
const DAY = [
  "('2024-01-01T08:00:00', 'SEA', 60, 10)",
  "('2024-01-01T08:30:00', 'SEA', 300, 90)",
  "('2024-01-01T09:00:00', 'SEA', 60, NULL)",
  "('2024-01-01T09:30:00', 'SEA', 30, 20)",
  "('2024-01-01T10:00:00', 'SEA', 30, 0)",
];
const ALL_TRAIN = { testFrom: null, holdoutFrom: null };

test("a window sees only the flights that have landed: those still in the air are no leak", async () => {
  const made = await makeTrainingSet(late, [await flightRows(...DAY)], ALL_TRAIN);
  const windows = (await rowsOf(made, "train")).map(({ recent, known }) => [recent, known]);
  assert.deepEqual(windows, [
    [null, 0], // 08:00: nothing has happened
    [null, 0], // 08:30: the first is in the air; its 10 minutes are not known
    [10, 1], // 09:30: the first has landed, at 09:00; the second has not
    [10, 1], // 10:00: the fourth lands at this very moment, which is not before it
  ]);
  const naive = [null, 10, 50, 40];
  assert.notDeepEqual(
    windows.map(([recent]) => recent),
    naive,
    "what a window over all earlier rows would have told",
  );
  assert.deepEqual(made.facts.windows, {
    recent: { spanMicros: 3 * 3600e6, shortHistoryRows: 5 },
    known: { spanMicros: 3 * 3600e6, shortHistoryRows: 5 },
  });
});

test("rows without a label are left out and counted", async () => {
  const made = await makeTrainingSet(late, [await flightRows(...DAY)], ALL_TRAIN);
  assert.equal(made.facts.unlabelled, 1);
  assert.deepEqual(made.facts.train, { rows: 4, from: "2024-01-01T08:00:00", to: "2024-01-01T10:00:00" });
  assert.deepEqual(
    (await rowsOf(made, "train")).map(({ __label }) => __label),
    [false, true, true, false],
  );
});

test("parts follow the boundary, in the order of the rows, over all files of the data set", async () => {
  const [morning, evening] = [await flightRows(...DAY.slice(0, 2)), await flightRows(...DAY.slice(2))];
  const boundary = { testFrom: "2024-01-01T09:30:00", holdoutFrom: "2024-01-01T10:00:00" };
  const made = await makeTrainingSet(late, [morning, evening], boundary);
  const hours = async (part: string) => (await rowsOf(made, part)).map(({ hour }) => hour);
  assert.deepEqual([await hours("train"), await hours("test"), await hours("holdout")], [[8, 8], [9], [10]]);
  assert.deepEqual(made.facts.holdout, { rows: 1, from: "2024-01-01T10:00:00", to: "2024-01-01T10:00:00" });
});

test("a row of the test part sees what became of earlier training rows", async () => {
  const boundary = { testFrom: "2024-01-01T09:30:00", holdoutFrom: null };
  const made = await makeTrainingSet(late, [await flightRows(...DAY)], boundary);
  assert.deepEqual(
    (await rowsOf(made, "test")).map(({ recent, known }) => [recent, known]),
    [
      [10, 1],
      [10, 1],
    ],
  );
});

test("each row keeps its data time, null where the data set has none", async () => {
  const made = await makeTrainingSet(late, [await flightRows(...DAY)], ALL_TRAIN);
  const [first, second] = await rowsOf(made, "train");
  assert.deepEqual([first!.__time, second!.__time], [1704096000000000n, 1704097800000000n].map(Number));
  const timeless = await makeTrainingSet(where, [await storeRows(TRIPS)], whole);
  assert.ok((await rowsOf(timeless, "train")).every(({ __time }) => __time === null));
});

test("the same input makes the same objects", async () => {
  const part = await flightRows(...DAY);
  const [first, second] = [await makeTrainingSet(late, [part], ALL_TRAIN), await makeTrainingSet(late, [part], ALL_TRAIN)];
  assert.deepEqual(first, second);
});

test("rows from before `trainFrom` are in no part, and the windows of later rows still know them", async () => {
  const grown = { trainFrom: "2024-01-01T09:15:00", testFrom: null, holdoutFrom: "2024-01-01T10:00:00" };
  const unlabelled = "('2024-01-01T08:45:00', 'SEA', 5, NULL)";
  const long = "('2024-01-01T02:00:00', 'SEA', 9, 50)"; // older than any window of a row that is in a part
  const made = await makeTrainingSet(late, [await flightRows(long, ...DAY, unlabelled)], grown);
  const windows = async (part: string) => (await rowsOf(made, part)).map(({ recent, known }) => [recent, known]);
  assert.deepEqual([await windows("train"), await windows("test"), await windows("holdout")], [[[10, 1]], [], [[10, 1]]]);
  assert.deepEqual(made.facts.train, { rows: 1, from: "2024-01-01T09:30:00", to: "2024-01-01T09:30:00" });
  assert.equal(made.facts.unlabelled, 0, "of the rows that are in a part");
  assert.deepEqual(made.facts.windows, {
    recent: { spanMicros: 3 * 3600e6, shortHistoryRows: 0 },
    known: { spanMicros: 3 * 3600e6, shortHistoryRows: 0 },
  });
});

test("features of a row are the same whether training starts before it or at it", async () => {
  const moment = (i: number) => `2024-01-0${1 + Math.floor(i / 24)}T${String(i % 24).padStart(2, "0")}:00:00`;
  const rows = Array.from(
    { length: 96 },
    (_, i) => `('${moment(i)}', '${"AB"[(i * 7) % 2]}', ${10 + ((i * 37) % 200)}, ${((i * 31) % 90) - 20})`,
  );
  const part = await flightRows(...rows);
  const [all, grown] = [
    await makeTrainingSet(late, [part], { trainFrom: null, testFrom: null, holdoutFrom: "2024-01-04T00:00:00" }),
    await makeTrainingSet(late, [part], { trainFrom: "2024-01-03T00:00:00", testFrom: null, holdoutFrom: "2024-01-04T00:00:00" }),
  ];
  assert.deepEqual(await rowsOf(grown, "train"), (await rowsOf(all, "train")).slice(48));
  assert.deepEqual(await rowsOf(grown, "holdout"), await rowsOf(all, "holdout"));
});

test("an older holdout and a newer test part of the same rows are two objects, for the older one is sealed", async () => {
  const part = await flightRows(...DAY);
  const older = await makeTrainingSet(late, [part], { testFrom: null, holdoutFrom: "2024-01-01T10:00:00" });
  const newer = await makeTrainingSet(late, [part], { trainFrom: null, testFrom: "2024-01-01T10:00:00", holdoutFrom: null });
  assert.deepEqual(await rowsOf(older, "holdout"), await rowsOf(newer, "test"));
  assert.notEqual(older.objects.holdout, newer.objects.test);
});

test("a slice is a column of its own, beside the features", async () => {
  const sliced = model("late", {
    ...{ solves: lateness, from: departures, train: trainer },
    label: (f) => f.delay.gt(15),
    slices: (f) => ({ origin: f.from, long: f.air.gt(100) }),
  });
  const made = await makeTrainingSet(sliced, [await flightRows(...DAY)], ALL_TRAIN);
  const [first, second] = await rowsOf(made, "train");
  assert.deepEqual(Object.keys(first!), ["hour", "recent", "known", "__slice_origin", "__slice_long", "__time", "__label"]);
  assert.deepEqual([first!.__slice_origin, first!.__slice_long, second!.__slice_long], ["SEA", false, true]);
});

const trips = dataset("trips", {
  from: files("trips.csv"),
  columns: { to: "string?", km: "float64" },
  split: byHash({ test: 0.2, holdout: 0.2 }),
});
const where = model("where", {
  solves: whither,
  from: features("tos", trips, (f) => ({ km: f.km })),
  label: (f) => f.to,
  train: trainer,
});
const whole = { salt: "s", test: 0, holdout: 0 };
const TRIPS = "SELECT * FROM (VALUES ('LAX', 1.0), ('JFK', 2.5), (NULL, 9.0), ('LAX', 3.0), ('BOS', 4.5)) AS t(\"to\", km)";

test("classes are sorted, and the constant of several classes is the share of each among the training rows", async () => {
  const { facts } = await makeTrainingSet(where, [await storeRows(TRIPS)], whole);
  assert.deepEqual([facts.classes, facts.constant, facts.unlabelled], [["BOS", "JFK", "LAX"], [0.25, 0.25, 0.5], 1]);
});

test("the constant of two classes is the share of the positive, that of a number its mean; neither looks at test rows", async () => {
  const early = { testFrom: "2024-01-01T10:00:00", holdoutFrom: null };
  const part = await flightRows(...DAY);
  const binary = await makeTrainingSet(late, [part], early);
  assert.deepEqual([binary.facts.classes, binary.facts.constant], [["false", "true"], [2 / 3]]);
  const howLate = model("how-late", { solves: minutes, from: departures, label: (f) => f.delay, train: trainer });
  const regression = await makeTrainingSet(howLate, [part], early);
  assert.deepEqual([regression.facts.classes, regression.facts.constant], [[], [40]]);
});

test("a data set without a time has rows but no span", async () => {
  const { facts } = await makeTrainingSet(where, [await storeRows(TRIPS)], whole);
  assert.deepEqual([facts.train, facts.windows], [{ rows: 4 }, {}]);
});

test("a part is read as features and class indices, the slices beside them", async () => {
  const made = await makeTrainingSet(where, [await storeRows(TRIPS)], whole);
  const set = { features: ["km"], task: "multiclass-classification", classes: ["BOS", "JFK", "LAX"] } as const;
  const { X, y, all } = await readPart(made.objects.train!, set, stepContext());
  assert.deepEqual([[...y], X.rowCount, Object.keys(X.columns)], [[2, 1, 2, 0], 4, ["km"]]);
  assert.deepEqual(Object.keys(all.columns), ["km", "__time", "__label"]);

  const binary = await makeTrainingSet(late, [await flightRows(...DAY)], ALL_TRAIN);
  const two = { features: ["hour", "recent"], task: "binary-classification", classes: ["false", "true"] } as const;
  const read = await readPart(binary.objects.train!, two, stepContext());
  const { recent } = read.X.columns;
  assert.deepEqual(
    [[...read.y], recent?.kind === "number" && [...recent.values]],
    [
      [0, 1, 1, 0],
      [NaN, NaN, 10, 10],
    ],
  );
});

test("a class that training lacks is refused by its name", async () => {
  const made = await makeTrainingSet(where, [await storeRows(TRIPS)], whole);
  const set = { features: ["km"], task: "multiclass-classification", classes: ["JFK", "LAX"] } as const;
  await assert.rejects(readPart(made.objects.train!, set, stepContext()), { code: "features.unseen-class", got: "BOS" });
});

test("a sample is taken evenly from the whole part, and has at least the rows that were asked for", async () => {
  const part = await storeRows("SELECT 'LAX' AS \"to\", range::DOUBLE AS km FROM range(1000)");
  const made = await makeTrainingSet(where, [part], whole);
  const set = { features: ["km"], task: "multiclass-classification", classes: ["LAX"] } as const;
  const sample = async (sampleRows: number) => {
    const { km } = (await readPart(made.objects.train!, { ...set, sampleRows }, stepContext())).X.columns;
    return km?.kind === "number" ? [...km.values] : [];
  };
  assert.deepEqual(
    await sample(100),
    Array.from({ length: 100 }, (_, at) => at * 10),
  );
  const uneven = await sample(300);
  assert.ok(uneven.length >= 300 && uneven.at(-1)! > 990);
  assert.equal((await sample(5000)).length, 1000);
});

test("an empty part has no rows, and says so", async () => {
  const made = await makeTrainingSet(where, [await storeRows(TRIPS)], whole);
  assert.deepEqual(made.facts.holdout, { rows: 0 });
  const set = { features: ["km"], task: "multiclass-classification", classes: ["LAX"] } as const;
  assert.equal((await readPart(made.objects.holdout!, set, stepContext())).X.rowCount, 0);
});

test("a part that is asked for and has no labelled row is told, before an empty part is taken for the holdout", async () => {
  const unlabelled = await flightRows(...DAY.map((row) => row.replace(/, \d+\)$/, ", NULL)")));
  await assert.rejects(makeTrainingSet(late, [unlabelled], ALL_TRAIN), {
    code: "features.no-labels",
    at: "train",
    got: "5 rows, all with a missing label",
  });
  const boundary = { testFrom: "2024-01-01T09:00:00", holdoutFrom: "2024-01-01T09:30:00" };
  await assert.rejects(makeTrainingSet(late, [await flightRows(...DAY)], boundary), { code: "features.no-labels", at: "test" });
});
