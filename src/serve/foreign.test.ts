/** Endpoints whose model answers beside the event loop: a graph that ONNX Runtime runs. Those in Python are in `orchestrate/python.service.test.ts`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { installedOnnxruntime } from "../ports/scoring/index.ts";
import { deliveries, deliveryRows, late, lateTrees, whichShop } from "./fixtures/deliveries.ts";
import { type JsonRow, loggedFeatures, openServed } from "./fixtures/served.ts";

const skip = installedOnnxruntime() === null && "onnxruntime-node is not installed";
const ROWS = deliveryRows(200);
const request = ({ at, shop, load }: JsonRow): JsonRow => ({ at: at!, shop: shop!, load: load! });
const row = request(ROWS.at(-1)!);
const by = { actor: "tester", why: "because" };
const asGraph = { asGraph: true };

/** With the ids taken out, and numbers to what single precision tells. */
const said = ({ predictions }: { readonly predictions: readonly object[] }) =>
  predictions.map((one) =>
    JSON.parse(JSON.stringify({ ...one, id: 0 }), (_, value) => (typeof value === "number" ? Number(value.toFixed(5)) : value)),
  );

test("a graph answers what the model says that it was made of, row by row and many at one time", { skip }, async () => {
  const served = await openServed();
  const { serving } = served;
  const part = await served.ingest(deliveries, ROWS);
  for (const [ours, graph, model] of [
    ["late", "late-graph", lateTrees],
    ["shop", "shop-graph", whichShop],
  ] as const) {
    await served.deploy(ours, model, part);
    await served.deploy(graph, model, part, asGraph);
    assert.deepEqual(serving.answering(graph), { form: "onnx", down: null, outages: 0 });
    const rows = ROWS.slice(-20).map(model === whichShop ? ({ at, load }) => ({ at: at!, load: load! }) : request);
    const expected = said(await serving.predict(ours, rows));
    assert.deepEqual(said(await serving.predict(graph, rows)), expected);
    const alone = await Promise.all(rows.map((one) => serving.predict(graph, [one])));
    assert.deepEqual(alone.flatMap(said), expected);
    await assert.rejects(serving.predict(graph, [{ shop: 1 }]), { code: "request.row" });
  }
  await served.close();
});

test("an answer rests on the features of the moment at which it was asked for, whatever is fed until it is there", {
  skip,
}, async () => {
  const served = await openServed();
  const { serving, lake } = served;
  await served.deploy("late", late, await served.ingest(deliveries, ROWS), asGraph);
  const last = ROWS.at(-1)!;
  const later = { ...row, at: new Date(Date.parse(`${last.at}Z`) + 100 * 60_000).toISOString().slice(0, 19) };
  await serving.predict("late", [later]);
  const [asked, fed] = [serving.predict("late", [later]), serving.events("late", [{ ...last, load: 0, delay: 60 }])];
  await Promise.all([asked, fed]);
  await serving.predict("late", [later]);
  const [before, meanwhile, after] = await loggedFeatures(lake, "late");
  assert.deepEqual(meanwhile, before);
  assert.deepEqual(after!.sent, Number(before!.sent) + 1);
  await served.close();
});

test("a graph and a model of ours take turns as candidate and champion; what is let go is ended", { skip }, async () => {
  const served = await openServed();
  const { serving, registry } = served;
  const part = await served.ingest(deliveries, ROWS);
  const first = await served.deploy("late", late, part);
  await registry.setAlias("late", "champion", first.version, by);
  const second = await served.make(lateTrees, part, asGraph);
  await serving.startRollout("late", second, { steps: [0.5], hold: "1h" }, by);
  const replies = await Promise.all(Array.from({ length: 60 }, () => serving.predict("late", [row])));
  const { candidate, champion } = serving.rollout("late")!;
  assert.deepEqual([candidate.requests + champion.requests, candidate.errors, champion.errors], [60, 0, 0]);
  assert.equal(replies.filter(({ version }) => version === second.version).length, candidate.requests);
  assert.ok(candidate.requests > 10 && candidate.p99Micros! > 0);
  await serving.promote("late", by);
  assert.equal(serving.answering("late")!.form, "onnx");
  await serving.rollback("late", "tester");
  assert.equal(serving.answering("late")!.form, "inline");
  const third = await served.make(whichShop, part, asGraph);
  await assert.rejects(serving.startRollout("late", third, { steps: [1], hold: "1h" }, by), { code: "endpoint.rollout" });
  await served.close();
});
