import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { openTracking } from "./fixtures/open-tracking.ts";
import type { NewRun, Run, RunSearch, Tracking } from "./index.ts";

const { tracking, records, server } = await openTracking();
const other = server();

let named = 0;
const newExperiment = async () => (await tracking.createExperiment({ name: `experiment ${named++}` })).id;
const newRun = async (run: Partial<NewRun> = {}) =>
  tracking.createRun({ experimentId: run.experimentId ?? (await newExperiment()), ...run });
const point = (key: string, value: number, step = 0, timestamp = 0) => ({ key, value, step, timestamp });
const names = (runs: readonly { readonly name: string }[]) => runs.map(({ name }) => name);

describe("experiments", () => {
  test("there is one from the start", async () => {
    const { id, name, artifactLocation, deletedAt } = await tracking.experiment("0");
    assert.deepEqual(
      { id, name, artifactLocation, deletedAt },
      { id: "0", name: "Default", artifactLocation: "mlflow-artifacts:/0", deletedAt: null },
    );
  });

  test("a name belongs to one, deleted or not, whichever server makes it", async () => {
    const wanted = Array.from({ length: 8 }, (_, at) => (at % 2 ? tracking : other).createExperiment({ name: "wanted by many" }));
    const settled = await Promise.allSettled(wanted);
    assert.equal(settled.filter(({ status }) => status === "fulfilled").length, 1);
    const { id } = await other.experimentNamed("wanted by many");
    await tracking.deleteExperiment(id);
    await assert.rejects(other.createExperiment({ name: "wanted by many" }), { code: "tracking.experiment-exists", at: "name" });
    await assert.rejects(other.renameExperiment("0", "wanted by many"), { code: "tracking.experiment-exists" });
  });

  test("ids are numbers that no two have, made by whichever server", async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, at) => (at % 2 ? tracking : other).createExperiment({ name: `at once ${at}` })),
    );
    const ids = made.map(({ id }) => Number(id)).sort((a, b) => a - b);
    assert.deepEqual(
      ids,
      ids.map((_, at) => ids[0]! + at),
    );
  });

  test("a deleted one takes its runs along and brings them back, those deleted before it too", async () => {
    const experimentId = await newExperiment();
    const [kept, gone] = [await newRun({ experimentId }), await newRun({ experimentId })];
    await tracking.deleteRun(gone.id);
    await other.deleteExperiment(experimentId);
    assert.notEqual((await tracking.run(kept.id)).deletedAt, null);
    await assert.rejects(tracking.log(kept.id, { params: [{ key: "a", value: "1" }] }), {
      code: "tracking.not-active",
      at: "run_id",
    });
    await assert.rejects(tracking.createRun({ experimentId }), { code: "tracking.not-active", at: "experiment_id" });
    await assert.rejects(tracking.setExperimentTag(experimentId, "a", "b"), { code: "tracking.not-active" });
    await assert.rejects(tracking.deleteExperiment(experimentId), { code: "tracking.unknown-experiment" });
    await tracking.restoreExperiment(experimentId);
    for (const { id } of [kept, gone]) assert.equal((await other.run(id)).deletedAt, null);
    await assert.rejects(tracking.restoreExperiment(experimentId), { code: "tracking.unknown-experiment" });
    await tracking.fold();
    assert.equal((await server().run(gone.id)).deletedAt, null);
  });

  test("tags are set and taken away, also when the rows were read again", async () => {
    const id = await newExperiment();
    await tracking.setExperimentTag(id, "a", "1");
    await tracking.setExperimentTag(id, "__proto__", "2");
    await tracking.fold();
    await tracking.deleteExperimentTag(id, "a");
    await tracking.fold();
    for (const at of [tracking, other, server()])
      assert.deepEqual(Object.entries((await at.experiment(id)).tags), [["__proto__", "2"]]);
    await assert.rejects(other.deleteExperimentTag(id, "a"), { code: "tracking.unknown-tag" });
  });

  test("a search orders them, filters them and pages through them", async () => {
    const prefix = "found by search";
    for (const at of [1, 2, 3]) await tracking.createExperiment({ name: `${prefix} ${at}`, tags: { odd: String(at % 2) } });
    const filter = `name LIKE '${prefix}%' AND tags.odd = '1'`;
    const first = await other.searchExperiments({ filter, orderBy: ["name DESC"], limit: 1 });
    assert.deepEqual(names(first.items), [`${prefix} 3`]);
    const second = await other.searchExperiments({ filter, orderBy: ["name DESC"], limit: 1, pageToken: first.nextPageToken! });
    assert.deepEqual([names(second.items), second.nextPageToken], [[`${prefix} 1`], null]);
  });

  for (const [what, wanted] of [
    ["an empty name", { name: "" }],
    ["a name of 501 characters", { name: "x".repeat(501) }],
    ["a location with ..", { name: "x", artifactLocation: "s3://bucket/../other" }],
    ["a tag's value of 5,001 characters", { name: "x", tags: { a: "x".repeat(5001) } }],
  ] as const)
    test(`${what} is refused`, async () => {
      await assert.rejects(tracking.createExperiment(wanted), { code: "tracking.bad-value" });
    });
});

describe("runs", () => {
  test("one begins running, with a made-up name that its tag says too", async () => {
    const run = await newRun({ tags: { "mlflow.parentRunId": "of another" }, userId: "ada", startedAt: 5 });
    assert.match(run.id, /^[0-9a-f]{32}$/);
    assert.match(run.name, /^[a-z]+-[a-z]+-\d+$/);
    assert.deepEqual(run.tags, { "mlflow.parentRunId": "of another", "mlflow.runName": run.name });
    assert.deepEqual([run.status, run.userId, run.startedAt, run.endedAt], ["RUNNING", "ada", 5, null]);
    assert.equal(run.artifactUri, `mlflow-artifacts:/${run.experimentId}/${run.id}/artifacts`);
  });

  test("name and tag are one: either changes both, and both at once must agree", async () => {
    const { id } = await newRun({ tags: { "mlflow.runName": "by tag" } });
    assert.equal((await tracking.run(id)).name, "by tag");
    await tracking.log(id, { tags: [{ key: "mlflow.runName", value: "by log" }] });
    assert.equal((await tracking.run(id)).name, "by log");
    const { tags } = await tracking.updateRun(id, { name: "by update", status: "FINISHED", endedAt: 7 });
    assert.equal(tags["mlflow.runName"], "by update");
    await assert.rejects(newRun({ name: "a", tags: { "mlflow.runName": "b" } }), { code: "tracking.bad-value", at: "tags" });
  });

  test("an id that is given is kept, and taken once", async () => {
    const id = "f".repeat(32);
    const run = await newRun({ id });
    assert.equal(run.id, id);
    await assert.rejects(newRun({ id }), { code: "tracking.run-exists" });
    await assert.rejects(newRun({ id: "../x" }), { code: "tracking.bad-value", at: "run_id" });
  });

  test("64 writers on one run, on two servers, lose nothing and are not refused", async () => {
    const { id } = await newRun();
    await Promise.all(
      Array.from({ length: 64 }, async (_, writer) => {
        for (let step = 0; step < 3; step++)
          await (writer % 2 ? tracking : other).log(id, {
            metrics: [point("loss", writer, step, writer)],
            params: [{ key: `p${writer % 32}`, value: "same" }],
            tags: [{ key: `t${writer}`, value: String(step) }],
          });
      }),
    );
    const run = await tracking.run(id);
    assert.equal(Object.keys(run.params).length, 32);
    assert.equal(Object.values(run.tags).filter((value) => value === "2").length, 64);
    assert.equal((await other.history({ runId: id, key: "loss" })).items.length, 192);
    assert.deepEqual(run.metrics, [point("loss", 63, 2, 63)]);
  });

  test("a batch with one fault is refused whole, and the fault is named", async () => {
    const { id } = await newRun();
    const metric = point("loss", 1);
    const many = (count: number) => Array.from({ length: count }, (_, at) => ({ key: `k${at}`, value: "v" }));
    for (const [entries, at] of [
      [{ metrics: [metric, { ...metric, key: "../up" }] }, "metrics[1].key"],
      [{ metrics: [metric, { ...metric, key: "/etc/passwd" }] }, "metrics[1].key"],
      [{ metrics: [{ ...metric, key: "a//b" }] }, "metrics[0].key"],
      [{ metrics: [{ ...metric, key: "a\\b" }] }, "metrics[0].key"],
      [{ metrics: [{ ...metric, key: "a$b" }] }, "metrics[0].key"],
      [{ metrics: [{ ...metric, key: "k".repeat(251) }] }, "metrics[0].key"],
      [{ metrics: [{ ...metric, key: "" }] }, "metrics[0].key"],
      [{ metrics: [{ ...metric, timestamp: -1 }] }, "metrics[0].timestamp"],
      [{ metrics: [{ ...metric, timestamp: 1.5 }] }, "metrics[0].timestamp"],
      [{ metrics: [{ ...metric, step: 2 ** 60 }] }, "metrics[0].step"],
      [{ metrics: [metric], params: [...many(2), { key: "k0", value: "v" }] }, "params[2].key"],
      [{ metrics: [metric], params: [{ key: "big", value: "x".repeat(10_000_000) }] }, "params[0].value"],
      [{ metrics: [metric], tags: [{ key: "..", value: "v" }] }, "tags[0].key"],
      [{ metrics: [metric], params: many(101) }, "params"],
      [{ metrics: [metric], tags: many(101) }, "tags"],
      [{ metrics: Array.from({ length: 1001 }, () => metric) }, "metrics"],
      [{ metrics: Array.from({ length: 1000 }, () => metric), tags: many(1) }, "metrics, params and tags"],
    ] as const)
      await assert.rejects(tracking.log(id, entries), { code: "tracking.bad-value", at }, at);
    assert.deepEqual((await tracking.run(id)).metrics, []);
    await assert.rejects(tracking.log("nobody", { metrics: [metric] }), { code: "tracking.unknown-run" });
  });

  test("a parameter keeps its value; the same again is taken, another one names both", async () => {
    const { id } = await newRun();
    await tracking.log(id, { params: [{ key: "lr", value: "0.1" }] });
    await other.log(id, { params: [{ key: "lr", value: "0.1" }] });
    const changed = { code: "tracking.param-changed", at: "lr", expected: "0.1", got: "0.2" };
    await assert.rejects(other.log(id, { params: [{ key: "lr", value: "0.2" }], tags: [{ key: "a", value: "b" }] }), changed);
    assert.equal((await tracking.run(id)).tags.a, undefined);
    const [one, two] = await Promise.allSettled(
      ["1", "2"].map((value) => tracking.log(id, { params: [{ key: "first", value }] })),
    );
    assert.deepEqual([one!.status, two!.status], ["fulfilled", "rejected"]);
  });

  test("long values are cut as MLflow cuts them", async () => {
    const { id } = await newRun();
    await tracking.log(id, { params: [{ key: "p", value: "x".repeat(7000) }], tags: [{ key: "t", value: "x".repeat(9000) }] });
    const { params, tags } = await tracking.run(id);
    assert.deepEqual([params.p!.length, tags.t!.length], [6000, 8000]);
  });

  test("what a run read counts once, and comes back with what was said of it first", async () => {
    const { id, experimentId } = await newRun();
    const dataset = {
      name: "flights",
      digest: "abc",
      sourceType: "local",
      source: "flights.csv",
      profile: "{}",
      tags: { "mlflow.data.context": "train" },
    };
    await tracking.logInputs(id, { datasets: [dataset, dataset], models: [{ modelId: "m-1" }] });
    await other.logInputs(id, { datasets: [{ ...dataset, source: "other.csv" }] });
    await tracking.logOutputs(id, [{ modelId: "m-2", step: 3 }]);
    await tracking.fold();
    for (const at of [tracking, other, server()]) {
      const run = await at.run(id);
      assert.deepEqual(run.datasets, [dataset]);
      assert.deepEqual([run.modelInputs, run.modelOutputs], [[{ modelId: "m-1" }], [{ modelId: "m-2", step: 3 }]]);
    }
    assert.deepEqual(await other.datasets([experimentId]), [{ experimentId, name: "flights", digest: "abc", context: "train" }]);
    await assert.rejects(tracking.logInputs(id, { datasets: [{ ...dataset, digest: "x".repeat(37) }] }), {
      code: "tracking.bad-value",
      at: "datasets[0].dataset.digest",
    });
  });

  test("metrics of a logged model are its latest by key and data set", async () => {
    const { id } = await newRun();
    const dataset = { name: "test", digest: "1" };
    const measured = (value: number, step: number) => ({ ...point("auc", value, step), modelId: "m-measured" });
    await tracking.log(id, { metrics: [measured(0.7, 2), measured(0.5, 1), { ...measured(Number.NaN, 0), dataset }] });
    await other.log(id, { metrics: [measured(0.6, 1)] });
    assert.deepEqual(
      (await tracking.modelMetrics(["m-measured", "m-none"])).map(({ value, step, dataset: on }) => [value, step, on]),
      [
        [0.7, 2, null],
        [Number.NaN, 0, dataset],
      ],
    );
  });

  test("a curve has the first and the last step and no more points than wanted", async () => {
    const { id } = await newRun();
    await tracking.log(id, { metrics: Array.from({ length: 1000 }, (_, step) => point("loss", step, step, 1000 - step)) });
    const steps = async (pointsMax: number, between?: { from: number; to: number }) =>
      (await tracking.curve({ runId: id, key: "loss", pointsMax, ...(between && { steps: between }) })).map(({ step }) => step);
    assert.deepEqual(await steps(4), [0, 333, 666, 999]);
    assert.deepEqual(await steps(3, { from: 10, to: 12 }), [10, 11, 12]);
    assert.deepEqual(await tracking.curve({ runId: id, key: "unknown", pointsMax: 3 }), []);
  });

  test("runs stand side by side, with nothing where one has nothing", async () => {
    const [a, b] = [await newRun(), await newRun()];
    await tracking.log(a.id, { metrics: [point("loss", 1)], params: [{ key: "lr", value: "1" }] });
    await tracking.log(b.id, { metrics: [point("auc", 2)] });
    assert.deepEqual(await other.compare([b.id, a.id]), {
      runIds: [b.id, a.id],
      metrics: { auc: [2, null], loss: [null, 1] },
      params: { lr: [null, "1"] },
    });
    await assert.rejects(other.compare(Array(1001).fill(a.id)), { code: "tracking.bad-value", at: "run_ids" });
  });
});

describe("searches of runs", () => {
  const VALUES = [3, 1, Number.NaN, undefined, 2, 1, Number.POSITIVE_INFINITY, undefined];
  let experimentIds: string[];
  const pages = async (at: Tracking, search: Omit<RunSearch, "experimentIds">): Promise<Run[]> => {
    const found: Run[] = [];
    for (let pageToken: string | undefined; ; ) {
      const page = await at.searchRuns({ experimentIds, ...search, pageToken });
      found.push(...page.items);
      if (page.nextPageToken === null) return found;
      pageToken = page.nextPageToken;
    }
  };

  before(async () => {
    experimentIds = [await newExperiment(), await newExperiment()];
    for (const [at, value] of VALUES.entries()) {
      const run = await newRun({ experimentId: experimentIds[at % 2]!, name: `run ${at}`, startedAt: 100 - at, id: String(at) });
      await tracking.log(run.id, {
        ...(value !== undefined && { metrics: [point("m", value)] }),
        params: [{ key: "odd", value: String(at % 2) }],
      });
    }
  });

  for (const [orderBy, wanted] of [
    [[], [0, 1, 2, 3, 4, 5, 6, 7]],
    [["metrics.m"], [1, 5, 4, 0, 6, 2, 3, 7]],
    [["metrics.m DESC"], [6, 0, 4, 1, 5, 2, 3, 7]],
    [
      ["metrics.m DESC", "start_time ASC"],
      [6, 0, 4, 5, 1, 2, 7, 3],
    ],
    [
      ["params.odd DESC", "attributes.run_id DESC"],
      [7, 5, 3, 1, 6, 4, 2, 0],
    ],
    [["metrics.unknown"], [0, 1, 2, 3, 4, 5, 6, 7]],
  ] as const)
    test(`ordered by ${orderBy.join(", ") || "nothing"} they come in that order, whatever the size of a page`, async () => {
      for (const limit of [1, 3, 8])
        assert.deepEqual(
          (await pages(other, { orderBy, limit })).map(({ id }) => Number(id)),
          wanted,
        );
    });

  test("a page goes on where the one before ended, whatever was written in between", async () => {
    const first = await tracking.searchRuns({ experimentIds, limit: 4, filter: "attributes.run_id != 'x'" });
    const late = await newRun({ experimentId: experimentIds[0]!, startedAt: 1000, name: "late" });
    await tracking.deleteRun("1");
    const second = await other.searchRuns({
      experimentIds,
      limit: 50,
      filter: "attributes.run_id != 'x'",
      pageToken: first.nextPageToken!,
    });
    assert.deepEqual(
      second.items.map(({ id }) => Number(id)),
      [4, 5, 6, 7],
    );
    await tracking.restoreRun("1");
    await tracking.deleteRun(late.id);
    assert.deepEqual(names((await tracking.searchRuns({ experimentIds, view: "deleted" })).items), ["late"]);
  });

  test("a filter meets columns as it meets the runs themselves", async () => {
    const value = fc.constantFrom("0", "1", "2", "3");
    await fc.assert(
      fc.asyncProperty(value, value, fc.constantFrom("AND", "OR"), async (m, odd, word) => {
        const found = await pages(tracking, { filter: `metrics.m >= ${m} ${word} params.odd = '${odd}'`, limit: 3 });
        const kept = VALUES.flatMap((held, at) => {
          const [left, right] = [held !== undefined && held >= Number(m), at % 2 === Number(odd)];
          return (word === "AND" ? left && right : left || right) ? [at] : [];
        });
        assert.deepEqual(
          found.map(({ id }) => Number(id)),
          kept,
        );
      }),
      { numRuns: 30, seed: 3 },
    );
  });

  test("tokens of other searches, garbage, and pages of no size are refused", async () => {
    const { nextPageToken } = await tracking.searchRuns({ experimentIds, limit: 1 });
    for (const search of [
      { filter: "metrics.m > 1", pageToken: nextPageToken! },
      { orderBy: ["metrics.m"], pageToken: nextPageToken! },
      { pageToken: "garbage" },
      { pageToken: Buffer.from("[]").toString("base64url") },
      { limit: 0 },
      { limit: 50_001 },
      { limit: 1.5 },
    ])
      await assert.rejects(tracking.searchRuns({ experimentIds, ...search }), { code: "tracking.page" });
    await assert.rejects(tracking.searchRuns({ experimentIds, filter: "metrics.m >" }), { code: "tracking.filter" });
    await assert.rejects(tracking.searchRuns({ experimentIds, orderBy: ["metrics.m", "metrics.m"] }), { code: "tracking.order" });
  });

  test("experiments that there are not have no runs", async () => {
    assert.deepEqual(await tracking.searchRuns({ experimentIds: ["no such", "__proto__"] }), { items: [], nextPageToken: null });
  });
});

test("everything that was done is folded and reads the same after a restart", async () => {
  await tracking.fold();
  assert.deepEqual(await records.query("SELECT last FROM tracking_log"), []);
  const again = server();
  const experiments = (await tracking.searchExperiments({ view: "all" })).items;
  assert.deepEqual((await again.searchExperiments({ view: "all" })).items, experiments);
  for (const { id } of experiments) {
    const search = { experimentIds: [id], view: "all" } as const;
    assert.deepEqual((await again.searchRuns(search)).items.map(sorted), (await tracking.searchRuns(search)).items.map(sorted));
  }
});

const sorted = (run: Run) => ({ ...run, metrics: [...run.metrics].sort((a, b) => (a.key < b.key ? -1 : 1)) });
