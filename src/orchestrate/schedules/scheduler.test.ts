import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ingest } from "../../ingest/index.ts";
import { becomesCopy } from "../../ports/records/index.ts";
import type { StepKind } from "../../steps/index.ts";
import { openDeliveries, type Platform } from "../fixtures/platform.ts";
import { deliveriesCsv, millText } from "../fixtures/project.ts";
import { createScheduler } from "./scheduler.ts";
import { claimTick, scheduleRows, takeUpTick } from "./ticks.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LEASE = 30_000;

const scheduled = (when: string, runs = "deliveries", more = "") =>
  millText({ more: `export const often = m.schedule("often", { runs: [${runs}], when: [${when}] });${more}` });

/** A platform with a schedule `often`, servers that look at it, and a clock that goes by hand. */
async function openScheduled(
  when: string,
  { runs = "deliveries", kinds = [] as readonly StepKind<never>[], leaseMs = LEASE } = {},
) {
  const platform = await openDeliveries({ kinds });
  platform.write("mill.ts", scheduled(when, runs));
  const clock = { now: Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 30_000 };
  const faults: string[] = [];
  const workspace = { ...platform.workspace, now: () => clock.now };
  const server = () =>
    createScheduler(workspace, { leaseMs, onFault: (name, { code }) => faults.push(name ? `${name}: ${code}` : code) });
  const here = server();
  return {
    ...{ platform, clock, faults, server, here },
    async look(after = 0, looking = here) {
      clock.now += after;
      await looking.look();
      await looking.settled();
    },
    ticks: async () => (await platform.call("getSchedule", { name: "often" })).ticks.toReversed(),
    reasons: async () => (await platform.call("listRuns", {})).items.map(({ reason }) => reason).toReversed(),
    async end() {
      await here.close();
      await platform.close();
    },
  };
}

/** The ingestion, held back until it is let go or cancelled. */
function heldIngest() {
  const [entered, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const run: typeof ingest.run = async (input, context) => {
    entered.resolve();
    const aborted = new Promise<void>((_, reject) => {
      if (context.signal.aborted) reject(context.signal.reason);
      context.signal.addEventListener("abort", () => reject(context.signal.reason));
    });
    await Promise.race([open.promise, aborted]);
    return ingest.run(input, context);
  };
  return { kinds: [{ ...ingest, run } as unknown as StepKind<never>], entered: entered.promise, letGo: () => open.resolve() };
}

const summary = async (platform: Platform) => (await platform.call("listSchedules", {})).items[0]!;

test("a tick of the clock starts one run, whichever of many servers looks, and the run says why", async () => {
  const { platform, clock, server, here, look, ticks, reasons, end } = await openScheduled('m.cron("* * * * *")');
  const servers = [here, server(), server()];
  await look();
  assert.deepEqual(await reasons(), [], "a schedule that is new starts nothing");
  for (const _ of [1, 2]) {
    clock.now += MINUTE;
    await Promise.all(servers.map((one) => one.look()));
    await Promise.all(servers.map((one) => one.settled()));
  }
  const found = await ticks();
  const [first, second] = found;
  assert.deepEqual([found.length, first!.state, second!.state, first!.tries], [2, "succeeded", "succeeded", 1]);
  const due = new Date(clock.now - 30_000);
  assert.equal(second!.dueAt, due.toISOString());
  const wall = due.toISOString().slice(0, 16).replace("T", " ");
  assert.equal((await reasons()).at(-1), `schedule often of ${wall} UTC`);
  assert.equal((await platform.call("getRun", { id: second!.run! })).run.actor, "millwright");
  const { next, last, paused } = await summary(platform);
  assert.deepEqual([last?.id, paused], [second!.id, null]);
  assert.ok(Date.parse(next!) > Date.now());
  assert.deepEqual((await platform.call("status", {})).schedules?.length, 1);
  await end();
});

test("a restart neither loses nor doubles a tick: what was missed is run once and told, or let go and told", async () => {
  for (const catchUp of [true, false]) {
    const { clock, server, look, ticks, reasons, end } = await openScheduled(`m.cron("0 * * * *", { catchUp: ${catchUp} })`);
    await look();
    clock.now += 5 * HOUR + 45 * MINUTE;
    const after = server();
    await look(0, after);
    await look(5_000, after);
    const found = await ticks();
    assert.deepEqual(
      found.map(({ state }) => state),
      [catchUp ? "succeeded" : "skipped"],
    );
    assert.match(
      found[0]!.cause,
      catchUp ? /^of .* 05:00 UTC \(late by 45 min .*, for 4 missed before it too\)$/ : /, and 4 before it,/,
    );
    assert.equal((await reasons()).length, catchUp ? 1 : 0);
    await look(HOUR / 2, after);
    assert.deepEqual((await ticks()).map(({ state }) => state).slice(1), [catchUp ? "succeeded" : "skipped"]);
    await look(HOUR - 15 * MINUTE + 1000, after);
    assert.equal((await ticks()).at(-1)!.state, "succeeded", "a tick on time is run whatever was missed");
    await end();
  }
});

test("one run of a schedule at a time: ticks that come meanwhile are made good by one run after it", async () => {
  const { kinds, letGo } = heldIngest();
  const { clock, here, server, look, ticks, end } = await openScheduled('m.cron("* * * * *")', { kinds, leaseMs: HOUR });
  await look();
  const other = server();
  for (const _ of [1, 2, 3]) {
    clock.now += MINUTE;
    await here.look();
    await other.look();
  }
  assert.deepEqual(
    (await ticks()).map(({ state }) => state),
    ["running"],
  );
  letGo();
  await here.settled();
  await look();
  const found = await ticks();
  assert.deepEqual(
    found.map(({ state }) => state),
    ["succeeded", "succeeded"],
  );
  assert.match(found[1]!.cause, /for 1 missed before it too/);
  await end();
});

test("a tick that a stopping server lets go of goes on at the next one, by the definitions that it began with, and counts once", async () => {
  const { kinds, entered, letGo } = heldIngest();
  const { platform, clock, here, server, look, ticks, reasons, end } = await openScheduled('m.cron("0 * * * *")', { kinds });
  await look();
  clock.now += HOUR;
  await here.look();
  await entered;
  await here.close();
  assert.deepEqual(
    (await ticks()).map(({ state }) => state),
    ["running"],
  );
  platform.write("mill.ts", scheduled('m.cron("0 * * * *")', "late"));
  letGo();
  await look(1000, server());
  const found = await ticks();
  assert.deepEqual(
    found.map(({ state, tries }) => [state, tries]),
    [["succeeded", 2]],
  );
  assert.match((await reasons()).at(-1)!, /taken up again after it was cut off$/);
  const [again, before] = (await platform.call("listRuns", {})).items;
  assert.deepEqual([again!.definitions, again!.targets], [before!.definitions, ["dataset/deliveries"]]);
  await end();
});

test("a tick whose server died is taken up when its lease is over, by one server, and given up when it is cut off again and again", async () => {
  const { platform, clock, server, look, ticks, end } = await openScheduled('m.cron("0 * * * *")');
  await look();
  const dies = async () => {
    const row = (await scheduleRows(platform.records)).get("often")!;
    const dead = { owner: "dead", now: clock.now, leaseMs: LEASE };
    if (row.tick === null)
      await claimTick(platform.records, row, { ...dead, cursors: row.cursors, cause: "of a test", dueAt: clock.now });
    else await takeUpTick(platform.records, row, dead);
  };
  await dies();
  await look(LEASE - 1);
  assert.deepEqual(
    (await ticks()).map(({ tries, state }) => [tries, state]),
    [[1, "running"]],
  );
  clock.now += 1;
  const servers = [server(), server(), server()];
  await Promise.all(servers.map((one) => one.look()));
  await Promise.all(servers.map((one) => one.settled()));
  assert.deepEqual(
    (await ticks()).map(({ tries, state }) => [tries, state]),
    [[2, "succeeded"]],
  );
  for (const _ of [1, 2, 3]) {
    await dies();
    clock.now += LEASE;
  }
  await look();
  const { state, tries, error } = (await ticks()).at(-1)!;
  assert.deepEqual([state, tries, error], ["failed", 4, "it was cut off 3 times"]);
  await end();
});

test("a schedule goes by the version of the definitions that it names", async () => {
  const { platform, look, ticks, end } = await openScheduled('m.cron("0 * * * *")');
  await platform.run(["dataset/deliveries"]);
  const { definitions } = (await platform.call("listRuns", {})).items[0]!;
  const often = (version: string) =>
    `export const often = m.schedule("often", { runs: [deliveries], when: [m.cron("0 * * * *")], definitions: "${version}" });`;
  platform.write("mill.ts", millText({ check: "c.load.lt(10)", more: often(definitions!.slice(7, 19)) }));
  await look();
  await look(HOUR);
  platform.write("mill.ts", millText({ check: "c.load.lt(10)", more: often("0123456789") }));
  await look(HOUR);
  assert.deepEqual(
    (await ticks()).map(({ state, error }) => [state, error?.slice(0, 34)]),
    [
      ["succeeded", undefined],
      ["failed", 'There is no version "0123456789" o'],
    ],
  );
  assert.equal((await platform.call("listRuns", {})).items[0]!.definitions, definitions);
  await end();
});

test("a copy of a workspace runs nothing by itself until it takes over, and says so", async () => {
  const { platform, look, ticks, end } = await openScheduled('m.cron("0 * * * *")');
  await look();
  await platform.records.commit([becomesCopy({ takenAt: "2026-11-21T06:00:00.000Z", restoredAt: 1 })]);
  await look(HOUR);
  assert.equal((await platform.call("status", {})).copy?.takenAt, "2026-11-21T06:00:00.000Z");
  assert.deepEqual(await ticks(), []);
  assert.deepEqual(await platform.call("takeOver", {}), { changed: true });
  assert.deepEqual(await platform.call("takeOver", {}), { changed: false });
  await look(1000);
  assert.deepEqual(
    (await ticks()).map(({ state }) => state),
    ["succeeded"],
  );
  assert.equal((await platform.call("status", {})).copy, undefined);
  await end();
});

test("a paused schedule starts nothing, and when it goes on the ticks of the pause are let go", async () => {
  const { platform, look, ticks, end } = await openScheduled('m.cron("0 * * * *")');
  await look();
  const { paused, next } = await platform.call("pauseSchedule", { name: "often" });
  assert.deepEqual([paused?.by, next], ["tester", null]);
  assert.deepEqual((await platform.call("pauseSchedule", { name: "often" })).paused, paused, "again is well");
  await look(3 * HOUR);
  assert.deepEqual(await ticks(), []);
  assert.equal((await platform.call("resumeSchedule", { name: "often" })).paused, null);
  await look();
  await look(HOUR / 4);
  assert.deepEqual(await ticks(), []);
  await look(HOUR);
  assert.deepEqual(
    (await ticks()).map(({ state }) => state),
    ["succeeded"],
  );
  await end();
});

test("files that changed and stay as they are start a run, and only then; missing ones are told and start nothing", async () => {
  const { platform, faults, look, ticks, reasons, end } = await openScheduled('m.newSources({ every: "10s" })');
  await look();
  await look(10_000);
  assert.deepEqual(await ticks(), []);
  platform.write("deliveries.csv", deliveriesCsv(600));
  await look(9_000);
  assert.deepEqual(await ticks(), [], "not looked at yet");
  await look(1_000);
  platform.write("deliveries.csv", deliveriesCsv(700));
  await look(10_000);
  assert.deepEqual(await ticks(), [], "still being written");
  await look(10_000);
  assert.deepEqual(await reasons(), ["schedule often because the sources of deliveries changed"]);
  await look(10_000);
  await look(10_000);
  assert.equal((await ticks()).length, 1);
  assert.deepEqual(faults, []);
  rmSync(join(platform.folder, "deliveries.csv"));
  await look(10_000);
  assert.deepEqual([faults, (await ticks()).length], [["often: source.missing"], 1]);
  platform.write("deliveries.csv", deliveriesCsv(800));
  await look(10_000);
  await look(10_000);
  await look(10_000);
  assert.equal((await ticks()).length, 2);
  await end();
});

test("a new version of what it stands on starts a run, and so does age; a refused or failed run ends its tick so", async () => {
  const { platform, look, ticks, reasons, end } = await openScheduled('m.published(deliveries), m.olderThan("20d")', {
    runs: "late",
  });
  await look();
  assert.deepEqual(await reasons(), ["schedule often because something has no version yet"]);
  await look();
  platform.write("deliveries.csv", deliveriesCsv(600));
  await platform.run(["dataset/deliveries"]);
  await look();
  assert.equal((await reasons()).at(-1), "schedule often because dataset/deliveries has version 2");
  await look(18 * DAY);
  assert.equal((await ticks()).length, 2);
  platform.write(
    "mill.ts",
    scheduled('m.published(deliveries), m.olderThan("20d")', "late").replace("f.delay.gt(5)", "f.delay.gt(9999)"),
  );
  await look(2 * DAY);
  const { state, cause, error, run } = (await ticks()).at(-1)!;
  assert.deepEqual([state, cause], ["failed", "because model/late is older than 20d"]);
  assert.equal((await platform.call("getRun", { id: run! })).run.error?.message, error);
  await end();
});

test("a slip in mill.ts is told and keeps no schedule from running, and a schedule nobody defined is told by name", async () => {
  const { platform, faults, look, ticks, end } = await openScheduled('m.cron("0 * * * *")');
  await look();
  platform.write("mill.ts", "export const = ;");
  await look(HOUR);
  assert.ok(faults.length > 0 && faults.every((fault) => fault.includes("define.")));
  platform.write("mill.ts", scheduled('m.cron("0 * * * *")'));
  assert.equal((await ticks()).at(-1)!.state, "failed", "what the slip keeps from running ends so");
  await assert.rejects(platform.call("pauseSchedule", { name: "ofen" }), { code: "schedule.unknown", message: /often/ });
  await end();
});
