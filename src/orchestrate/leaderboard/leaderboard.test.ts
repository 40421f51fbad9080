import assert from "node:assert/strict";
import { test } from "node:test";
import { VERBS } from "../../contract/index.ts";
import { checkJson } from "../../guard/index.ts";
import { finished, openDeliveries } from "../fixtures/platform.ts";
import { millText } from "../fixtures/project.ts";

const another = (name: string, trainer: string, accept = "") =>
  `export const ${name} = model("${name}", { solves: lateness, from: departures, label: (f) => f.delay.gt(5), train: ${trainer}, accept: (m) => [${accept}] });`;
const trees = "gradientBoosting({ trees: 20, leaves: 8 })";
const search = "m.tune(logisticRegression(), { trials: 2, parallel: 2, folds: 2 })";

test("the models that solve a problem stand by what was measured on test, with what each costs; a refused one is marked", async () => {
  const platform = await openDeliveries();
  const models = (more = "") => [another("trees", trees), another("searched", search), more].join("\n");
  platform.write("mill.ts", millText({ accept: "m.auc.atLeast(0.5)", more: models() }));
  assert.equal(finished(await platform.run()).state, "succeeded");
  const impossible = another("hopeless", "logisticRegression({ l2: 1000 })", "m.auc.atLeast(1)");
  platform.write(
    "mill.ts",
    millText({ accept: "m.auc.atLeast(0.5)", more: models(`${impossible}\n${another("later", trees)}`) }),
  );
  assert.equal(finished(await platform.run(["model/hopeless"])).state, "refused");

  const board = await platform.call("getLeaderboard", { name: "lateness" });
  assert.equal(checkJson(VERBS.getLeaderboard.output, JSON.parse(JSON.stringify(board))), null);
  assert.deepEqual([board.by, board.better, board.without], ["logLoss", "lower", ["later"]]);
  assert.deepEqual(board.models.map(({ model }) => model).toSorted(), ["hopeless", "late", "searched", "trees"]);
  const losses = board.models.map(({ measures }) => measures.logLoss!);
  assert.deepEqual(
    losses,
    losses.toSorted((a, b) => a - b),
  );
  const { report } = await platform.call("getModelVersion", { name: "trees", version: "1" });
  const found = board.models.find(({ model }) => model === "trees")!;
  assert.deepEqual(
    [found.measures, found.intervals, found.rows],
    [report.test.measures, report.test.intervals, report.test.rows],
  );
  for (const one of board.models) {
    assert.ok(one.trainMs! > 0 && one.sizeBytes! > 0 && one.latency!.rows > 0, one.model);
    assert.ok(one.latency!.medianMicros > 0 && one.latency!.p99Micros >= one.latency!.medianMicros);
    assert.deepEqual([one.framework, one.form, one.license, one.packages], ["millwright", "inline", "Apache-2.0", []]);
    assert.equal(one.standing, one.model === "hopeless" ? "refused" : "champion");
    assert.equal(one.searched, one.model === "searched" ? 2 : null);
    assert.equal(one.searchMs !== null, one.model === "searched");
  }
  assert.match(
    board.sentence,
    /^\w+ has the lowest logLoss on test, 0\.\d+, at .+ a row and .+, under Apache-2\.0 .+ comes next/,
  );

  const quickest = await platform.call("getLeaderboard", { name: "lateness", by: "latency" });
  const micros = quickest.models.map(({ latency }) => latency!.medianMicros);
  assert.deepEqual([quickest.by, micros], ["latency", micros.toSorted((a, b) => a - b)]);
  await assert.rejects(platform.call("getLeaderboard", { name: "lateness", by: "beauty" }), {
    code: "request.unknown-name",
    expected: /auc, .*latency, time, memory, size/,
  });
  await assert.rejects(platform.call("getLeaderboard", { name: "latenes" }), {
    code: "request.unknown-name",
    message: /lateness/,
  });
  await platform.close();
});

test("a model whose gate now refuses it is shown as it was and as it is", async () => {
  const platform = await openDeliveries();
  platform.write("mill.ts", millText({ accept: "m.auc.atLeast(0.5)" }));
  await platform.run();
  platform.write("mill.ts", millText({ accept: "m.auc.atLeast(1)", trainer: trees }));
  assert.equal(finished(await platform.run()).state, "refused");
  const { models } = await platform.call("getLeaderboard", { name: "lateness" });
  assert.deepEqual(models.map(({ version, standing }) => [version, standing]).toSorted(), [
    [1, "champion"],
    [2, "refused"],
  ]);
  await platform.close();
});
