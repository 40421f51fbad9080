import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Point, PrunerName, SamplerName, Space } from "../../define/index.ts";
import { SHARES } from "./pruners.ts";
import { bestOf, type Found, type Job, nextJobs, type SearchRules } from "./search.ts";

const SPACE: Space = { x: { kind: "number", from: 0, to: 1, scale: "linear" } };
const rules = (changes: Partial<SearchRules> = {}): SearchRules => ({
  ...{ space: SPACE, start: [], trials: 27, parallel: 4, sampler: "random", pruner: "none", folds: 3 },
  ...changes,
});

/** Runs a search; a trial loses `f` of its point, the same on each fold, and ends early where its bounds say so. */
function searched(given: SearchRules, seed: number, f: (point: Point, share: number) => number | null): Found[] {
  const found: Found[] = [];
  for (;;) {
    const jobs = nextJobs(given, seed, found);
    if (jobs.length === 0) return found;
    assert.ok(jobs.length <= given.parallel);
    found.push(...jobs.map((job) => carriedOut(job, given.folds, f(job.point, job.share))));
  }
}

function carriedOut(job: Job, folds: number, loss: number | null): Found {
  const running: (number | null)[] = [];
  for (let fold = 0; fold < folds && loss !== null; fold++) {
    running.push(loss);
    const bound = job.bounds?.[fold] ?? null;
    if (bound !== null && loss > bound) break;
  }
  return { ...job, loss, running };
}

const f = ({ x }: Point) => Math.abs((x as number) - 0.4);

test("jobs come in generations that depend on nothing but what came before", () => {
  for (const pruner of ["none", "median", "halving", "asha"] as const)
    for (const sampler of ["tpe", "sobol", "random"] as const) {
      const given = rules({ pruner, sampler });
      const found = searched(given, 3, f);
      assert.deepEqual(searched(given, 3, f), found, `${sampler}, ${pruner}`);
      assert.equal(new Set(found.map(({ trial }) => trial)).size, 27);
    }
});

test("halving runs all points on a ninth of the rows, then the best third on a third, then the best third of those on all", () => {
  const found = searched(rules({ pruner: "halving" }), 1, f);
  const on = (share: number) => found.filter((job) => job.share === share);
  assert.deepEqual(
    SHARES.map((share) => on(share).length),
    [27, 9, 3],
  );
  for (const [rung, share] of SHARES.slice(0, -1).entries()) {
    const next = new Set(on(SHARES[rung + 1]!).map(({ trial }) => trial));
    const risen = on(share).filter(({ trial }) => next.has(trial));
    const others = on(share).filter(({ trial }) => !next.has(trial));
    assert.ok(Math.max(...risen.map(({ loss }) => loss!)) <= Math.min(...others.map(({ loss }) => loss!)));
  }
  assert.deepEqual(
    found.map(({ share }) => share),
    found.map(({ share }) => share).toSorted(),
    "no rung begins before the one below has ended",
  );
});

test("asha sends a trial up once it is in the best third of its rung, before all have begun", () => {
  const found = searched(rules({ pruner: "asha" }), 1, f);
  const firstUp = found.findIndex(({ share }) => share > SHARES[0]!);
  const lastBegun = found.findLastIndex(({ share }) => share === SHARES[0]);
  assert.ok(firstUp > 0 && firstUp < lastBegun);
  for (const [rung, share] of SHARES.slice(1).entries()) {
    const below = found.filter((job) => job.share === SHARES[rung]).length;
    const up = found.filter((job) => job.share === share).length;
    assert.ok(up >= Math.floor(below / 3) && up <= below, `${up} of ${below}`);
  }
});

test("whatever fails, a search ends, begins each trial once on each share, and its best has seen most rows of those with a value", () => {
  const pruners = fc.constantFrom<PrunerName>("none", "median", "halving", "asha");
  const samplers = fc.constantFrom<SamplerName>("tpe", "random", "sobol", "grid");
  fc.assert(
    fc.property(
      pruners,
      samplers,
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 7 }),
      fc.nat(99),
      (pruner, sampler, trials, parallel, fails) => {
        const found = searched(rules({ pruner, sampler, trials, parallel }), 1, (point) =>
          Math.floor((point.x as number) * 1e6) % 100 < fails ? null : f(point),
        );
        const begun = found.map(({ trial, share }) => `${trial} on ${share}`);
        assert.equal(new Set(begun).size, begun.length);
        const best = bestOf(found);
        const known = found.filter(({ loss }) => loss !== null);
        assert.equal(best === null, known.length === 0);
        if (best === null) return;
        assert.equal(best.share, 1);
        const whole = known.filter(({ share, running }) => share === 1 && running.length === 3);
        assert.equal(best.loss, Math.min(...whole.map(({ loss }) => loss!)));
      },
    ),
    { numRuns: 60 },
  );
});

test("one trial only is the best, on all rows, under every pruner", () => {
  for (const pruner of ["none", "median", "halving", "asha"] as const) {
    const best = bestOf(searched(rules({ pruner, trials: 1 }), 1, f))!;
    assert.deepEqual([best.trial, best.share], [0, 1]);
  }
});

test("a trial worse than the median of the whole ones ends at its first fold; the best never does", () => {
  const found = searched(rules({ pruner: "median", trials: 60 }), 2, f);
  const pruned = found.filter(({ running }) => running.length < 3);
  assert.ok(pruned.length > 10 && pruned.every(({ running }) => running.length === 1));
  assert.ok(
    found.slice(0, 5).every(({ running }) => running.length === 3),
    "there is nothing to compare the first with",
  );
  assert.equal(bestOf(found)!.loss, Math.min(...found.map(({ loss }) => loss!)));
});

test("points to start from are tried first, in order, once", () => {
  const found = searched(rules({ start: [{ x: 0.9 }, { x: 0.1 }, { x: 0.9 }], trials: 5 }), 1, f);
  assert.deepEqual(
    found.slice(0, 2).map(({ point }) => point.x),
    [0.9, 0.1],
  );
  assert.equal(found.length, 5);
  assert.ok(found.slice(2).every(({ point }) => point.x !== 0.9 && point.x !== 0.1));
});
