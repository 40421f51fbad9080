/** Whatever is done to runs, by whichever of two servers, and whenever the log is folded: everything reads as a plain map of it would. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openTracking } from "./fixtures/open-tracking.ts";
import type { Point, Run, Tracking } from "./index.ts";

const { tracking, server } = await openTracking({ folding: { afterMs: 1e9, chunkPoints: 5, changes: 3 } });
const other = server();

interface Model {
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  readonly points: Map<string, Map<string, Point>>;
  deleted: boolean;
}

type Act = (at: Tracking, run: string, model: Model) => Promise<void>;

const key = fc.constantFrom("a", "b/c");
const text = fc.constantFrom("1", "2", "ä'\"\\ \u0000\ud800");
const value = fc.constantFrom(-1, 0, 0.1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
const whole = fc.constantFrom(0, 1, 2, 5_000_000_000, 2 ** 52);
const point = fc.record({ key, value, step: fc.oneof(whole, fc.constant(-3)), timestamp: whole });

const active =
  (act: Act): Act =>
  async (at, run, model) => {
    if (!model.deleted) return act(at, run, model);
    await assert.rejects(at.log(run, { tags: [{ key: "a", value: "never" }] }), { code: "tracking.not-active" });
    await assert.rejects(at.deleteTag(run, "a"), { code: "tracking.not-active" });
  };

const points = fc.array(point, { minLength: 1, maxLength: 6 }).map(
  (metrics): Act =>
    active(async (at, run, model) => {
      await at.log(run, { metrics });
      for (const { key, ...one } of metrics) {
        const known = model.points.get(key) ?? new Map<string, Point>();
        model.points.set(key, known.set(nameOf(one), one));
      }
    }),
);

const param = fc.tuple(key, text).map(
  ([key, value]): Act =>
    active(async (at, run, model) => {
      const before = model.params.get(key);
      if (before !== undefined && before !== value)
        return assert.rejects(at.log(run, { params: [{ key, value }], tags: [{ key: "never", value: "kept" }] }), {
          code: "tracking.param-changed",
          at: key,
        });
      await at.log(run, { params: [{ key, value }] });
      model.params.set(key, value);
    }),
);

const tag = fc.tuple(key, text).map(
  ([key, value]): Act =>
    active(async (at, run, model) => {
      await at.log(run, {
        tags: [
          { key, value: "0" },
          { key, value },
        ],
      });
      model.tags.set(key, value);
    }),
);

const noTag = key.map(
  (key): Act =>
    active(async (at, run, model) => {
      if (model.tags.delete(key)) await at.deleteTag(run, key);
      else await assert.rejects(at.deleteTag(run, key), { code: "tracking.unknown-tag" });
    }),
);

const removal = fc.boolean().map(
  (deleted): Act =>
    async (at, run, model) => {
      await (deleted ? at.deleteRun(run) : at.restoreRun(run));
      model.deleted = deleted;
    },
);

const folding = fc.constant<Act>((at) => at.fold());

test("two servers on the same records agree with a plain map", async () => {
  const { id: experimentId } = await tracking.createExperiment({ name: "two servers" });
  const script = fc.array(fc.tuple(fc.boolean(), fc.oneof(points, points, param, tag, noTag, removal, folding)), {
    maxLength: 14,
  });
  await fc.assert(
    fc.asyncProperty(script, async (acts) => {
      const { id } = await tracking.createRun({ experimentId, name: "one" });
      const model: Model = { params: new Map(), tags: new Map(), points: new Map(), deleted: false };
      for (const [elsewhere, act] of acts) await act(elsewhere ? other : tracking, id, model);
      for (const at of [tracking, other]) await checkRun(at, id, model);
    }),
    { numRuns: 60, seed: 11 },
  );
  const restarted = server();
  const found = await restarted.searchRuns({ experimentIds: [experimentId], view: "all" });
  assert.deepEqual(byId(found.items), byId((await tracking.searchRuns({ experimentIds: [experimentId], view: "all" })).items));
});

async function checkRun(at: Tracking, id: string, { params, tags, points, deleted }: Model): Promise<void> {
  const run = await at.run(id);
  assert.equal(run.deletedAt !== null, deleted);
  assert.deepEqual(new Map(Object.entries(run.params)), params);
  assert.deepEqual(run.tags, { ...Object.fromEntries(tags), "mlflow.runName": "one" });
  const latest = [...points].map(([key, of]) => ({ key, ...[...of.values()].sort(byStep).at(-1)! }));
  assert.deepEqual(
    new Set(run.metrics.map(({ key, ...one }) => key + nameOf(one))),
    new Set(latest.map(({ key, ...one }) => key + nameOf(one))),
  );
  for (const [key, of] of points) {
    const history: Point[] = [];
    for (let pageToken: string | null = null; ; ) {
      const page = await at.history({ runId: id, key, limit: 2, ...(pageToken && { pageToken }) });
      history.push(...page.items);
      pageToken = page.nextPageToken;
      if (pageToken === null) break;
    }
    assert.deepEqual(history.map(nameOf), [...of.values()].sort(byTime).map(nameOf));
  }
}

const nameOf = ({ value, step, timestamp }: Point) => `${value}@${step}@${timestamp}`;
const number = (of: number) => (Number.isNaN(of) ? Number.NEGATIVE_INFINITY : of);
const byValue = (a: Point, b: Point) =>
  Object.is(a.value, b.value)
    ? 0
    : number(a.value) === number(b.value)
      ? Number.isNaN(a.value)
        ? -1
        : 1
      : number(a.value) - number(b.value);
const byTime = (a: Point, b: Point) => a.timestamp - b.timestamp || a.step - b.step || byValue(a, b);
const byStep = (a: Point, b: Point) => a.step - b.step || a.timestamp - b.timestamp || byValue(a, b);
const byId = (runs: readonly Run[]) =>
  Object.fromEntries(runs.map((run) => [run.id, { ...run, metrics: [...run.metrics].sort((a, b) => (a.key < b.key ? -1 : 1)) }]));
