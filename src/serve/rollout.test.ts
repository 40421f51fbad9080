import assert from "node:assert/strict";
import { test } from "node:test";
import type { Predictor } from "../learn/index.ts";
import { readTrained } from "../train/index.ts";
import { createDataClock } from "./data-clock.ts";
import { createEndpoint } from "./endpoint.ts";
import { createEventIds } from "./event-ids.ts";
import { deliveries, deliveryRows, howLate, late, lateTrees } from "./fixtures/deliveries.ts";
import { type JsonRow, openServed, readAll, type Served } from "./fixtures/served.ts";
import { type Answered, createLive } from "./live.ts";
import type { Loaded } from "./loading.ts";
import { createStory } from "./story.ts";

const ROWS = deliveryRows(300);
const request = ({ at, shop, load }: JsonRow): JsonRow => ({ at: at!, shop: shop!, load: load! });
const row = request(ROWS.at(-1)!);
const plan = { steps: [0.25, 0.5, 1], hold: "1h" } as const;
const by = { actor: "tester", why: "because" };

/** An endpoint on version 1, and a version 2 that is not deployed. */
async function withCandidate(options: Parameters<typeof openServed> = []) {
  const served = await openServed(...options);
  const part = await served.ingest(deliveries, ROWS);
  const first = await served.deploy("late", late, part);
  return { ...served, part, first, second: await served.make(lateTrees, part) };
}

/** Answers 400 requests; how many each version gave, by what the replies say. */
async function ask({ serving }: Pick<Served, "serving">): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  const replies = await Promise.all(Array.from({ length: 400 }, () => serving.predict("late", [row, row])));
  for (const { version } of replies) counts[version] = (counts[version] ?? 0) + 1;
  return counts;
}

const textsOf = async ({ records }: Pick<Served, "records">) =>
  (await createStory(records).of("late", 100)).map(({ what, text }) => `${what}: ${text}`);

/** The workspace again, as after a restart. */
async function reopened(served: Served): Promise<Served> {
  await served.close();
  const again = await openServed(served.folder);
  await again.serving.refresh();
  return again;
}

test("a rollout gives a share of the requests to the candidate, by the ids of the replies; the log names who answered", async () => {
  const served = await withCandidate();
  const { serving } = served;
  assert.equal(serving.rollout("late"), null);
  const started = await serving.startRollout("late", served.second, plan, by);
  assert.deepEqual(
    [started.version, started.base, started.step, started.share, started.holdMicros, started.sinceAsOf],
    [2, 1, 0, 0.25, 3600e6, serving.dataTime("late")],
  );
  const counts = await ask(served);
  assert.ok(counts[2]! > 50 && counts[2]! < 150, JSON.stringify(counts));
  const { candidate, champion } = serving.rollout("late")!;
  assert.deepEqual(
    [candidate, champion].map(({ version, requests, rows, errors }) => [version, requests, rows, errors]),
    [
      [2, counts[2], counts[2]! * 2, 0],
      [1, counts[1], counts[1]! * 2, 0],
    ],
  );
  assert.ok(candidate.p99Micros! > 0 && champion.p99Micros! > 0);
  const logged = await readAll(served.lake, "late-predictions");
  assert.equal(logged.length, 800);
  for (const { id, version } of logged) {
    const drawn = Number.parseInt(String(id).slice(0, 36).slice(-8), 16) / 2 ** 32 < 0.25;
    assert.equal(version, drawn ? 2 : 1);
  }
  assert.equal((await serving.state("late")).version, 1, "what is deployed stays");
  await served.close();
});

test("a rollout advances, and is promoted: the candidate is deployed, the base is what a rollback leads to, at once", async () => {
  const served = await withCandidate();
  const { serving, second, registry } = served;
  await serving.startRollout("late", second, plan, by);
  await ask(served);
  const next = await serving.advanceRollout("late", 1, by);
  assert.deepEqual([next.step, next.share, next.candidate.requests, next.champion.requests], [1, 0.5, 0, 0]);
  await assert.rejects(serving.advanceRollout("late", 1, by), { code: "endpoint.rollout" });
  await assert.rejects(serving.advanceRollout("late", 3, by), { code: "endpoint.rollout" });
  await serving.promote("late", by);
  assert.equal(serving.rollout("late"), null);
  const { version, previous } = await serving.state("late");
  assert.deepEqual([version, previous, await ask(served)], [2, 1, { 2: 400 }]);
  assert.deepEqual(
    (await serving.history("late")).map((one) => [one.version, one.why]),
    [
      [1, "passed every gate"],
      [2, "because"],
    ],
  );
  await served.objects.remove((await registry.manifest(served.first)).trained);
  assert.equal((await serving.rollback("late", "tester")).version, 1, "without reading it again");
  assert.deepEqual(await ask(served), { 1: 400 });
  assert.deepEqual(await textsOf(served), [
    "deployment: version 1 of late is deployed: passed every gate",
    "canary: version 2 answers 25 % of the requests, beside version 1: because",
    "canary: version 2 answers 50 % of the requests: because",
    "canary: version 2 answers all requests, after version 1: because",
    "rollback: version 1 answers again, in place of version 2 (tester)",
  ]);
  await served.close();
});

test("a rollout that is ended, or rolled back, gives all requests to the base again; it can be started anew", async () => {
  const served = await withCandidate();
  const { serving, second } = served;
  await serving.startRollout("late", second, plan, by);
  await serving.endRollout("late", { actor: "tester", why: "it was worse" });
  assert.deepEqual([serving.rollout("late"), await ask(served)], [null, { 1: 400 }]);
  await assert.rejects(serving.endRollout("late", by), { code: "endpoint.rollout" });
  await assert.rejects(serving.promote("late", by), { code: "endpoint.rollout" });
  await serving.startRollout("late", second, plan, by);
  const state = await serving.rollback("late", "tester");
  assert.deepEqual([state.version, state.previous, state.rollout], [1, null, null]);
  assert.deepEqual(await ask(served), { 1: 400 });
  assert.deepEqual((await textsOf(served)).slice(-3), [
    "canary: all requests go back to version 1, none to version 2: it was worse",
    "canary: version 2 answers 25 % of the requests, beside version 1: because",
    "canary: all requests go back to version 1, none to version 2: rolled back",
  ]);
  await served.close();
});

test("a rollout survives a restart, with its step; counts begin anew", async () => {
  let served: Served = await withCandidate();
  await served.serving.startRollout("late", await served.registry.version("late", 2), plan, by);
  const before = await served.serving.advanceRollout("late", 1, by);
  served = await reopened(served);
  assert.deepEqual(served.serving.rollout("late"), before);
  const counts = await ask(served);
  assert.ok(counts[2]! > 130 && counts[2]! < 270, JSON.stringify(counts));
  await served.close();
});

test("a candidate that cannot be loaded starts no rollout; one that cannot be loaded at a restart ends it, and the champion answers", async () => {
  let served: Served = await withCandidate();
  const second = await served.registry.version("late", 2);
  const { trained } = await served.registry.manifest(second);
  const { objects } = served;
  const { records, serving } = served;
  await serving.startRollout("late", second, plan, by);
  await serving.endRollout("late", by);
  const story = (await textsOf(served)).length;
  await objects.remove(trained);
  await assert.rejects(serving.startRollout("late", second, plan, by));
  assert.deepEqual([serving.rollout("late"), await ask(served)], [null, { 1: 400 }]);
  assert.equal((await textsOf(served)).length, story);
  assert.deepEqual(await records.query("SELECT * FROM rollouts"), []);

  await records.commit([
    {
      sql: `INSERT INTO rollouts (endpoint, model, version, base, steps, hold_micros, step, since_as_of, since_at, started_at)
        VALUES ('late', 'late', 2, 1, '[0.5,1]', 1, 0, 0, 0, 0)`,
    },
  ]);
  served = await reopened(served);
  assert.deepEqual([served.serving.rollout("late"), await ask(served)], [null, { 1: 400 }]);
  assert.match(
    (await textsOf(served)).at(-1)!,
    /^canary: all requests go back to version 1, none to version 2: it cannot be loaded: /,
  );
  assert.deepEqual(await served.records.query("SELECT * FROM rollouts"), []);
  await served.close();
});

test("another version or another rollout at the same time is refused; a deployment ends the rollout", async () => {
  const served = await withCandidate();
  const { serving, first, second, part } = served;
  await assert.rejects(serving.startRollout("late", first, plan, by), { code: "endpoint.rollout" });
  await assert.rejects(serving.startRollout("late", await served.make(howLate, part), plan, by), { code: "endpoint.rollout" });
  const both = await Promise.allSettled([
    serving.startRollout("late", second, plan, by),
    serving.startRollout("late", second, plan, by),
  ]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  const third = await served.make({ ...lateTrees, threshold: 0.9 }, part);
  await serving.deploy("late", third, by);
  await serving.refresh();
  assert.deepEqual([serving.rollout("late"), await ask(served)], [null, { 3: 400 }]);
  assert.deepEqual(await served.records.query("SELECT * FROM rollouts"), []);
  await served.close();
});

test("events feed the champion, the candidate and the version before alike, each once", async () => {
  const served = await withCandidate();
  const { serving, second } = served;
  await serving.events("late", [{ at: "2024-01-12T11:00:00", shop: "a", load: 1, delay: 5 }]);
  await serving.startRollout("late", second, { ...plan, steps: [1] }, by);
  await serving.events("late", [{ at: "2024-01-12T11:10:00", shop: "a", load: 1, delay: 5 }]);
  const sent = async () => {
    await serving.predict("late", [{ at: "2024-01-12T12:00:00", shop: "a", load: 1 }]);
    const { version, features } = (await readAll(served.lake, "late-predictions")).at(-1)!;
    return [version, JSON.parse(String(features)).sent];
  };
  assert.deepEqual(await sent(), [2, 2]);
  await serving.promote("late", by);
  await serving.events("late", [{ at: "2024-01-12T11:20:00", shop: "a", load: 1, delay: 5 }]);
  assert.deepEqual(await sent(), [2, 3]);
  await serving.rollback("late", "tester");
  assert.deepEqual(await sent(), [1, 3]);
  await served.close();
});

test("a fault of the candidate is counted as its own and the champion answers; a row that nobody can read is nobody's fault", async () => {
  const served = await withCandidate();
  const { objects, registry, first, second } = served;
  const loaded = async (version: typeof first, faulty: boolean): Promise<Loaded> => {
    const manifest = await registry.manifest(version);
    const real = await readTrained(manifest.trained, objects);
    const endpoint = createEndpoint(manifest, faulty ? failingOn("c", real) : real);
    return { version, endpoint, newest: null, held: { rowCount: 0, untilMicros: null }, eventForm: "sha256:0", eventsSkipped: 0 };
  };
  const [champion, candidate] = [await loaded(first, false), await loaded(second, true)];
  const live = createLive(champion, createDataClock(null), createEventIds());
  live.take(candidate);
  const rolled = {
    model: "late",
    version: 2,
    base: 1,
    steps: [1],
    step: 0,
    holdMicros: 1,
    sinceAsOf: 0,
    sinceAt: 0,
    startedAt: 0,
  };
  live.become({ champion, previous: null, rollout: { row: rolled, candidate } });
  const answer = (...rows: unknown[]) => live.answer("0197a1b2-0000-7000-8000-000000000001", rows, 0) as Answered;
  assert.equal(answer({ ...row, shop: "a" }).by, candidate);
  const saved = answer({ ...row, shop: "a" }, { ...row, shop: "c" });
  assert.equal(saved.by, champion, "all rows of a request together");
  assert.deepEqual(
    saved.answers,
    champion.endpoint.predict(
      [
        { ...row, shop: "a" },
        { ...row, shop: "c" },
      ],
      0,
    ),
  );
  assert.throws(() => answer({ shop: "a" }), { code: "request.row" });
  const { candidate: counted, champion: spared } = live.readRollout()!;
  assert.deepEqual([counted.requests, counted.rows, counted.errors], [2, 3, 1]);
  assert.deepEqual([spared.requests, spared.errors], [0, 0]);

  live.become({
    champion: candidate,
    previous: null,
    rollout: { row: { ...rolled, steps: [0.5], version: 1 }, candidate: champion },
  });
  assert.throws(() => live.answer("0197a1b2-0000-7000-8000-0000ffffffff", [{ ...row, shop: "c" }], 0), TypeError);
  assert.equal(live.readRollout()!.champion.errors, 1);
  await served.close();
});

/** A model with a fault: it fails on one shop. */
const failingOn = (shop: string, real: Predictor): Predictor => ({
  ...real,
  rowScorer() {
    const score = real.rowScorer();
    return (features) => {
      if (features.shop === shop) throw new TypeError("a fault of the model");
      return score(features);
    };
  },
});

test("a candidate that needs a column which requests do not have is at fault, and every request is answered", async () => {
  const served = await openServed();
  const part = await served.ingest(deliveries, ROWS);
  const { load: _, ...fewer } = late.from.fields;
  await served.deploy("late", { ...late, from: { ...late.from, fields: fewer } }, part);
  await served.serving.startRollout("late", await served.make(late, part), { steps: [1], hold: "1h" }, by);
  const { load: __, ...asked } = row;
  const reply = await served.serving.predict("late", [asked]);
  assert.equal(reply.version, 1);
  assert.equal(served.serving.rollout("late")!.candidate.errors, 1);
  await served.close();
});
