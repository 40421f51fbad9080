import assert from "node:assert/strict";
import { test } from "node:test";
import { type InputOf, VERBS } from "../../contract/index.ts";
import { checkJson } from "../../guard/index.ts";
import { partition } from "../../ingest/index.ts";
import { becomesCopy, takesOver } from "../../ports/records/index.ts";
import type { StepKind } from "../../steps/index.ts";
import { BROKEN, DAYS, openPartitioned, partitionedText, removeDay, writeDay } from "../fixtures/partitioned.ts";
import type { Platform } from "../fixtures/platform.ts";
import type { BackfillVerb } from "../verbs/backfills.ts";
import { createBackfiller } from "./backfiller.ts";

const TARGET = "dataset/deliveries";

/** Asks, and carries it out to its end. */
async function backfilled(platform: Platform, asked: Partial<InputOf<"backfill">> = {}) {
  const { id } = await platform.call("backfill", { target: TARGET, ...asked });
  await platform.backfiller.settled();
  return platform.call("getBackfill", { id });
}

const head = async (platform: Platform) => (await platform.call("listDatasetVersions", { name: "deliveries" })).items[0] ?? null;
const attempts = async (platform: Platform) =>
  (
    await platform.records.query<{ n: number }>(
      "SELECT count(*) AS n FROM attempts a JOIN steps s ON s.id = a.step_id WHERE s.kind = 'partition'",
    )
  )[0]!.n;
const countsOf = ({ succeeded, failed, absent, waiting, running }: Awaited<ReturnType<typeof backfilled>>) => ({
  succeeded,
  failed,
  absent,
  waiting,
  running,
});

/** The step of a partition, held back until it is let go or cancelled. */
function heldPartition() {
  const [entered, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const run: typeof partition.run = async (input, context) => {
    entered.resolve();
    const aborted = Promise.withResolvers<never>();
    if (context.signal.aborted) aborted.reject(context.signal.reason);
    context.signal.addEventListener("abort", () => aborted.reject(context.signal.reason));
    await Promise.race([open.promise, aborted.promise]);
    return partition.run(input, context);
  };
  return { kinds: [{ ...partition, run } as unknown as StepKind<never>], entered: entered.promise, letGo: () => open.resolve() };
}

test("a backfill takes in what is missing, then makes the target; all of it again runs nothing", async () => {
  const platform = await openPartitioned();
  const plan = await platform.call("planBackfill", { target: TARGET });
  assert.deepEqual([plan.partitions, plan.first, plan.last, plan.counts.new], [4, DAYS[0], DAYS[3], 4]);
  const first = await backfilled(platform);
  assert.deepEqual(
    [first.state, first.note, countsOf(first)],
    ["succeeded", null, { succeeded: 4, failed: 0, absent: 0, waiting: 0, running: 0 }],
  );
  assert.deepEqual([(await head(platform))!.rowCount, await attempts(platform), first.by, first.tries], [500, 4, "tester", 1]);
  const again = await backfilled(platform, { only: "all" });
  assert.deepEqual([again.state, again.succeeded, await attempts(platform)], ["succeeded", 4, 4]);
  assert.deepEqual((await backfilled(platform)).partitions, 0);

  platform.write("mill.ts", partitionedText({ check: "c.load.gte(-1)" }));
  const redefined = await backfilled(platform, { target: "model/late" });
  assert.deepEqual(
    [redefined.state, redefined.error, redefined.succeeded, (await head(platform))!.version],
    ["succeeded", null, 4, 2],
  );
  assert.equal(
    (await platform.call("listModelVersions", { name: "late" })).items.length,
    1,
    "the target is made, with what stands before it",
  );
  await platform.close();
});

test("a range is taken in alone, and the data set waits until all of it is; a range that it does not have is refused", async () => {
  const platform = await openPartitioned();
  const some = await backfilled(platform, { from: "2024-01-02", to: "2024-01-03", batch: 1 });
  assert.deepEqual([some.state, some.partitions, some.succeeded, await head(platform)], ["succeeded", 2, 2, null]);
  assert.match(some.note!, /^2 of 4 partitions current, 2 new: the data set keeps its version/);
  for (const range of [{ from: "2023-12-31" }, { to: "2024-01-05" }, { from: "2024-01-03", to: "2024-01-02" }])
    await assert.rejects(platform.call("backfill", { target: TARGET, ...range }), { code: "backfill.range" });
  await assert.rejects(platform.call("backfill", { target: TARGET, from: "yesterday" }), { code: "value.period" });
  platform.write("mill.ts", partitionedText({}, 'm.daily("2999-01-01")'));
  await assert.rejects(platform.call("backfill", { target: TARGET, from: "2999-01-01" }), {
    code: "backfill.range",
    message: /no partitions/,
  });
  await platform.close();
});

test("what is broken or missing is named and stops nothing else; mended, it alone runs when it is tried again", async () => {
  const platform = await openPartitioned();
  writeDay(platform, DAYS[1], BROKEN);
  removeDay(platform, DAYS[2]);
  const failed = await backfilled(platform);
  assert.deepEqual([failed.state, countsOf(failed)], ["failed", { succeeded: 2, failed: 1, absent: 1, waiting: 0, running: 0 }]);
  assert.deepEqual(
    failed.open.map(({ partition, state }) => [partition, state]),
    [
      [DAYS[1], "failed"],
      [DAYS[2], "absent"],
    ],
  );
  assert.match(failed.open[0]!.error!, /no column "at"/);
  assert.match(failed.error!, /^1 of 4 partitions of dataset\/deliveries failed. 2024-01-02: /);
  assert.equal((await platform.call("planBackfill", { target: TARGET, only: "failed" })).first, DAYS[1]);
  const before = await attempts(platform);

  writeDay(platform, DAYS[1]);
  await platform.call("retryBackfill", { id: failed.id });
  await platform.backfiller.settled();
  const mended = await platform.call("getBackfill", { id: failed.id });
  assert.deepEqual([mended.state, mended.absent, await attempts(platform)], ["succeeded", 1, before + 1]);
  assert.equal(
    (await head(platform))!.rowCount,
    356,
    "a partition without a file is told, and the version is made of those that have one",
  );

  writeDay(platform, DAYS[2]); // it comes later
  writeDay(platform, DAYS[0], `at,shop,load,delay\n2024-01-01T00:00:00,a,1,1\n`);
  const changed = await backfilled(platform);
  assert.deepEqual(
    [changed.partitions, changed.succeeded, (await head(platform))!.rowCount, await attempts(platform)],
    [2, 2, 357, before + 3],
  );
  await platform.close();
});

test("paused, nothing more begins and what has begun is finished; cancelled, it ends with what it runs", async () => {
  const held = heldPartition();
  const platform = await openPartitioned({ kinds: held.kinds });
  for (let day = 5; day <= 9; day++)
    writeDay(platform, `2024-01-0${day}`, `at,shop,load,delay\n2024-01-0${day}T00:00:00,a,1,1\n`);
  platform.write("mill.ts", partitionedText({}, 'm.daily("2024-01-01", { to: "2024-01-09" })'));
  const { id } = await platform.call("backfill", { target: TARGET, batch: 1 });
  await held.entered;
  assert.equal((await platform.call("pauseBackfill", { id })).state, "paused");
  held.letGo();
  await platform.backfiller.settled();
  const paused = await platform.call("getBackfill", { id });
  assert.deepEqual([paused.state, countsOf(paused)], ["paused", { succeeded: 4, failed: 0, absent: 0, waiting: 5, running: 0 }]);
  await platform.backfiller.look();
  await assert.rejects(platform.call("retryBackfill", { id }), { code: "backfill.state", got: "paused" });

  await platform.call("resumeBackfill", { id });
  await platform.backfiller.settled();
  assert.deepEqual([(await platform.call("getBackfill", { id })).state, await attempts(platform)], ["succeeded", 9]);
  await assert.rejects(platform.call("pauseBackfill", { id }), { code: "backfill.state" });
  await platform.close();

  const other = heldPartition();
  const cancelled = await openPartitioned({ kinds: other.kinds });
  const asked = await cancelled.call("backfill", { target: TARGET });
  await other.entered;
  await cancelled.call("cancelBackfill", { id: asked.id });
  await cancelled.backfiller.settled();
  const ended = await cancelled.call("getBackfill", { id: asked.id });
  assert.deepEqual([ended.state, ended.waiting, ended.endedAt !== null, await head(cancelled)], ["cancelled", 4, true, null]);
  assert.deepEqual(
    (await cancelled.call("listRuns", {})).items.map(({ state }) => state),
    ["cancelled"],
  );
  other.letGo();
  await cancelled.call("retryBackfill", { id: asked.id });
  await cancelled.backfiller.settled();
  assert.equal((await cancelled.call("getBackfill", { id: asked.id })).state, "succeeded");
  await cancelled.close();
});

test("two backfills over the same partitions, carried out by two servers, take each in once", async () => {
  const platform = await openPartitioned();
  const other = createBackfiller(platform.workspace);
  const [one, two] = [
    await platform.call("backfill", { target: TARGET }),
    await platform.call("backfill", { target: TARGET, only: "all" }),
  ];
  await Promise.all([platform.backfiller.look(), other.look(), platform.backfiller.look(), other.look()]);
  await Promise.all([platform.backfiller.settled(), other.settled()]);
  for (const { id } of [one, two]) {
    const { state, succeeded, tries } = await platform.call("getBackfill", { id });
    assert.deepEqual([state, succeeded, tries], ["succeeded", 4, 1]);
  }
  assert.deepEqual([await attempts(platform), (await head(platform))!.version], [4, 1]);
  await other.close();
  await platform.close();
});

test("a backfill whose server goes away is let go of, and goes on with the next, which takes in nothing twice", async () => {
  const held = heldPartition();
  const first = await openPartitioned({ kinds: held.kinds });
  const { id } = await first.call("backfill", { target: TARGET, batch: 1 });
  await held.entered;
  await first.close();
  const next = await openPartitioned({ folder: first.folder });
  const cutOff = await next.call("getBackfill", { id });
  assert.deepEqual([cutOff.state, cutOff.running, cutOff.waiting], ["running", 0, 4]);
  await next.backfiller.look();
  await next.backfiller.settled();
  const done = await next.call("getBackfill", { id });
  assert.deepEqual([done.state, done.succeeded, done.tries, (await head(next))!.rowCount], ["succeeded", 4, 2, 500]);
  assert.match((await next.call("listRuns", {})).items.map(({ reason }) => reason).join("\n"), /taken up again/);
  await next.close();
});

test("what a killed server has begun is begun again when its lease is over, and what it had taken in is not", async () => {
  const platform = await openPartitioned();
  const { id } = await backfilled(platform, { to: DAYS[1] });
  const killed = `UPDATE backfills SET state = 'running', owner = 'killed', lease_until = ?, tries = 1, ended_at = NULL WHERE id = ?`;
  const left = `UPDATE backfill_partitions SET state = 'running' WHERE backfill = ?`;
  await platform.records.commit([
    { sql: killed, params: [Date.now() + 3_600_000, id] },
    { sql: left, params: [id] },
  ]);
  await platform.backfiller.look();
  await platform.backfiller.settled();
  assert.deepEqual((await platform.call("getBackfill", { id })).tries, 1, "while the lease lasts it is the other's");
  await platform.records.commit([{ sql: killed, params: [Date.now() - 1, id] }]);
  await platform.records.commit([becomesCopy({ takenAt: "2026-11-21T06:00:00.000Z", restoredAt: 1 })]);
  await platform.backfiller.look();
  assert.deepEqual((await platform.call("getBackfill", { id })).tries, 1, "a copy of the workspace leaves it to its source");
  await platform.records.commit([takesOver]);
  await platform.backfiller.look();
  await platform.backfiller.settled();
  const { state, tries, succeeded } = await platform.call("getBackfill", { id });
  assert.deepEqual([state, tries, succeeded, await attempts(platform)], ["succeeded", 2, 2, 2]);
  await platform.close();
});

test("the verbs of backfills answer in the form that the contract states", async () => {
  const platform = await openPartitioned();
  writeDay(platform, DAYS[1], BROKEN);
  const { id } = await backfilled(platform);
  const asked: { readonly [V in BackfillVerb]: InputOf<V> } = {
    planBackfill: { target: TARGET, only: "all" },
    backfill: { target: TARGET, from: DAYS[0], to: DAYS[0], batch: 1 },
    listBackfills: { limit: 1 },
    getBackfill: { id },
    listBackfillPartitions: { id, state: "failed" },
    retryBackfill: { id },
    pauseBackfill: { id },
    resumeBackfill: { id },
    cancelBackfill: { id },
  };
  for (const [verb, input] of Object.entries(asked) as [BackfillVerb, never][]) {
    assert.equal(checkJson(VERBS[verb].input, input), null, verb);
    const output = JSON.parse(JSON.stringify(await platform.call(verb, input)));
    assert.equal(checkJson(VERBS[verb].output, output), null, `${verb}: ${JSON.stringify(output).slice(0, 500)}`);
  }
  await platform.backfiller.settled();
  const page = await platform.call("listBackfills", { limit: 1 });
  assert.equal((await platform.call("listBackfills", { limit: 1, cursor: page.next! })).items[0]!.id, id);
  const partitions = await platform.call("listBackfillPartitions", { id, limit: 3 });
  assert.deepEqual(
    (await platform.call("listBackfillPartitions", { id, cursor: partitions.next! })).items.map((one) => one.partition),
    [DAYS[3]],
  );
  const unknown = "01890000-0000-7000-8000-000000000000";
  await assert.rejects(platform.call("getBackfill", { id: unknown }), { code: "backfill.unknown" });
  await assert.rejects(platform.call("backfill", { target: "dataset/nothing" }), { code: "request.unknown-target" });
  platform.write(
    "mill.ts",
    partitionedText({})
      .replace('partitions: m.daily("2024-01-01", { to: "2024-01-04" }),', "")
      .replace("days/{partition}.csv", "days/*.csv"),
  );
  await assert.rejects(platform.call("backfill", { target: TARGET }), { code: "backfill.unpartitioned" });
  await platform.close();
});
