import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createRandom, type Digest } from "../base/index.ts";
import { processAlive } from "../ports/engines/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Records } from "../ports/records/index.ts";
import { attemptFolder, writeInput } from "./attempt-folder.ts";
import { type Asked, begin, openStepOf } from "./claim.ts";
import { kinds } from "./fixtures/kinds.ts";
import { faultsOf, openTestWorkspace, type TestWorkspace } from "./fixtures/workspace.ts";
import { createFolders } from "./folders.ts";
import { createInlineEngine, performStep, type StepRequest } from "./index.ts";
import { endStatements, publishStatements } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";
import { createTime } from "./time.ts";

const root = mkdtempSync(join(tmpdir(), "mill-recover-"));
after(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const newFolder = () => {
  const folder = join(root, `${made++}`);
  mkdirSync(folder);
  return folder;
};

const SEED = 4711;
const random = createRandom(SEED);

const ask = (input: unknown, more: Partial<StepRequest> = {}): StepRequest => ({
  ...{ kind: "write", input, target: "dataset/flights", runId: null, memoryMb: 300, threads: 1, ...more },
});
const input = (name: string) => ({ name, parts: 3, waitMs: 5 }); // as fan-out.ts asks

const fanOut = (folder: string, where: string, count: number): ChildProcess =>
  spawn(process.execPath, [join(import.meta.dirname, "fixtures", "fan-out.ts"), folder, where, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });

async function linesOf(child: ChildProcess, onLine: (line: string) => void = () => undefined): Promise<string[]> {
  const lines: string[] = [];
  let rest = "";
  for await (const text of child.stdout!.setEncoding("utf8")) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    for (const line of parts) {
      lines.push(line);
      onLine(line);
    }
  }
  return lines;
}

/** Kills a fan-out a few steps and some milliseconds after it has recovered, again and again, then lets it finish; gives what each run acknowledged. */
async function killUntilFinished(folder: string, where: string, count: number, kills: number, delayMsMax: number) {
  const acknowledged = new Set<string>();
  const runs: string[][] = [];
  for (let run = 0; run <= kills; run++) {
    const child = fanOut(folder, where, count);
    const delayMs = random.below(delayMsMax);
    let linesBefore = random.below(3);
    const lines = await linesOf(child, () => {
      if (run < kills && linesBefore-- === 0) setTimeout(() => child.kill("SIGKILL"), delayMs);
    });
    runs.push(lines);
    for (const line of lines) if (/^(succeeded|reused) /.test(line)) acknowledged.add(line.split(" ")[1]!);
  }
  const made = runs.flat().filter((line) => line.startsWith("succeeded "));
  assert.equal(new Set(made).size, made.length, `a step that was acknowledged ran again; seed ${SEED}`);
  return { acknowledged, runs };
}

async function assertAllMade(workspace: TestWorkspace, count: number) {
  const { ledger, records } = workspace;
  assert.deepEqual(await faultsOf(workspace), [], `seed ${SEED}`);
  const keys = Array.from({ length: count }, (_, i) => ledger.keyOf("write", input(`step-${i}`)));
  assert.equal((await ledger.resultsOf(keys)).size, count);
  assert.deepEqual(await records.query("SELECT count(*) AS n FROM results"), [{ n: count }]);
  assert.deepEqual(await records.query("SELECT state, count(*) AS n FROM steps GROUP BY state"), [
    { state: "succeeded", n: count },
  ]);
  await workspace.closeLedgers();
  assert.deepEqual(readdirSync(join(workspace.folder, "steps")), []);
}

test("a run killed at random moments, again and again, ends with each result once and every object there", async () => {
  const folder = newFolder();
  const count = 120;
  const { runs } = await killUntilFinished(folder, "inline", count, 8, 40);
  const killed = runs.filter((lines) => lines.at(-1) !== "finished");
  const finished = runs.length - killed.length;
  assert.ok(
    finished > 0 && killed.some((lines) => lines.length > 1),
    `the kills fell before any step was done, or after all; seed ${SEED}`,
  );
  assert.ok(runs.at(-1)!.some((line) => line.startsWith("reused")));

  const workspace = await openTestWorkspace(folder);
  await assertAllMade(workspace, count);
  const rows = await workspace.records.query<{ state: string; n: number }>(
    "SELECT state, count(*) AS n FROM runs GROUP BY state",
  );
  const { lost = 0, succeeded = 0, ...others } = Object.fromEntries(rows.map(({ state, n }) => [state, n]));
  assert.deepEqual(others, {});
  // A killed run may be on no record yet, or have ended and not said so.
  const onRecord = killed.filter((lines) => lines.length > 1).length;
  const told = `${lost} lost, ${succeeded} succeeded, of ${killed.length} killed and ${finished} finished; seed ${SEED}`;
  assert.ok(succeeded >= finished && lost <= killed.length && lost + succeeded >= finished + onRecord, told);
  await workspace.close();
});

test("a run whose steps are processes of their own survives kills too, and its orphans end", async () => {
  const folder = newFolder();
  const { runs, acknowledged } = await killUntilFinished(folder, "processes", 5, 3, 500);
  assert.equal(runs.at(-1)!.at(-1), "finished", `seed ${SEED}`);
  assert.equal(acknowledged.size, 5);
  const workspace = await openTestWorkspace(folder, "processes");
  await assertAllMade(workspace, 5);
  const handles = await workspace.records.query<{ handle: string }>("SELECT handle FROM attempts WHERE handle IS NOT NULL");
  assert.ok(handles.length >= 5);
  for (const { handle } of handles) {
    assert.equal(await workspace.engine.alive(handle), false);
    while (processAlive(handle)) await delay(20); // a process that waited for another step sees that its server is gone
  }
  await workspace.close();
});

test("a step's process killed from outside is a crash, and the step runs again when asked", async () => {
  const workspace = await openTestWorkspace(newFolder(), "processes");
  const { ledger, records } = workspace;
  const slow = { name: "victim", parts: 3, waitMs: 100 };
  const asked = ledger.execute(ask(slow, { onProgress: () => void killTheChild() }));
  const killTheChild = async () => {
    const [attempt] = await records.query<{ handle: string }>("SELECT handle FROM attempts");
    process.kill(Number(attempt!.handle.split(":")[0]), "SIGKILL");
  };
  const outcome = await asked;
  assert.equal(outcome.state === "failed" && outcome.error.code, "step.crashed");
  assert.equal((await ledger.execute(ask(slow))).state, "succeeded");
  assert.deepEqual(await faultsOf(workspace), []);
  await workspace.close();
});

/** What the parts of a ledger work with, by hand: an owner that can die, a clock that can be set. */
function surroundingsOf({ records, objects, engine, folder }: TestWorkspace, more: Partial<Surroundings> = {}): Surroundings {
  const common = {
    records,
    objects,
    engines: [engine],
    pools: {},
    folder: join(folder, "steps"),
    clock: Date.now,
    time: createTime(Date.now),
    leaseMs: 30_000,
  };
  return { ...common, owner: { name: "old", alive: () => true }, infrastructure: () => null, folders: createFolders(), ...more };
}

const asked = ({ ledger, engine }: TestWorkspace, name: string): Asked => ({
  ...{
    key: ledger.keyOf("write", input(name)),
    kind: "write",
    revision: 1,
    target: "dataset/flights",
    runId: null,
    input: input(name),
  },
  ...{ sealed: [], engine: engine.name, pool: null, exclusive: null },
});

/** Claims a step as a process would that then dies; with `performed` its manifest is complete. */
async function abandon(workspace: TestWorkspace, name: string, performed: boolean, surroundings = surroundingsOf(workspace)) {
  const key = workspace.ledger.keyOf("write", input(name));
  const attempt = (await begin(surroundings, asked(workspace, name), null))!;
  const folder = attemptFolder(surroundings.folder, attempt.stepId, attempt.fence);
  surroundings.folders.make(folder);
  await writeInput(folder, { kind: "write", revision: 1, input: input(name), threads: 1, memoryMb: 300 });
  const effects = { objects: workspace.objects, signal: new AbortController().signal, print: () => undefined };
  if (performed) await performStep(folder, kinds, effects);
  return { key, attempt, folder };
}

const deadOwner = { name: "new", alive: (name: string) => name === "new" };

test("recovery publishes what was complete, loses what was not, and leaves alone what others look after", async () => {
  const workspace = await openTestWorkspace(newFolder());
  const complete = await abandon(workspace, "complete", true);
  const torn = await abandon(workspace, "torn", true);
  const marker = join(torn.folder, "manifest.json");
  writeFileSync(marker, readFileSync(marker).subarray(0, 100));
  const unfinished = await abandon(workspace, "unfinished", false);
  const alive = await abandon(workspace, "alive", true, surroundingsOf(workspace, { owner: { name: "new", alive: () => true } }));
  mkdirSync(join(workspace.folder, "steps", "left-over"));

  const ledger = workspace.ledgerWith({ owner: { name: "third", alive: (name) => name === "new" } });
  assert.deepEqual(await ledger.recover(), { published: 1, failed: 0, lost: 2, adopted: 0, orphans: 0, runs: 0 });
  assert.deepEqual(readdirSync(join(workspace.folder, "steps")), [`${alive.attempt.stepId}-1`]);
  assert.notEqual(await ledger.resultOf(complete.key), null);
  assert.equal(await ledger.resultOf(torn.key), null);
  assert.deepEqual(await ledger.recover(), { published: 0, failed: 0, lost: 0, adopted: 0, orphans: 0, runs: 0 });

  const again = await ledger.execute(ask(input("unfinished")));
  assert.ok(again.state === "succeeded");
  assert.equal(again.stepId, unfinished.attempt.stepId, "the lost step is taken up");
  const { attempts } = await ledger.getStep(again.stepId);
  assert.deepEqual(
    attempts.map(({ fence, outcome }) => ({ fence, outcome })),
    [
      { fence: 1, outcome: "lost" },
      { fence: 2, outcome: "succeeded" },
    ],
  );
  assert.equal((await ledger.execute(ask(input("torn")))).state, "succeeded");
  assert.deepEqual(await faultsOf(workspace), []);
  await workspace.close();
});

test("the process of a dead owner that still runs is ended before its step is taken up", async () => {
  const workspace = await openTestWorkspace(newFolder(), "processes");
  const { attempt, folder, key } = await abandon(workspace, "orphan", false);
  const slow = { kind: "write", revision: 1, input: { name: "orphan", parts: 1000, waitMs: 20 }, threads: 1, memoryMb: 300 };
  writeFileSync(join(folder, "input.json"), JSON.stringify(slow));
  const ready = Promise.withResolvers<void>();
  const job = await workspace.engine.start({ stepId: attempt.stepId, fence: 1, folder, memoryMb: 300 }, () => ready.resolve());
  await ready.promise;
  await workspace.records.commit([{ sql: "UPDATE attempts SET handle = ?", params: [job.handle] }]);

  const ledger = workspace.ledgerWith({ owner: deadOwner });
  assert.deepEqual(await ledger.recover(), { published: 0, failed: 0, lost: 1, adopted: 0, orphans: 1, runs: 0 });
  assert.equal(processAlive(job.handle), false);
  assert.equal(await ledger.resultOf(key), null);
  assert.equal((await ledger.execute(ask(input("orphan")))).state, "succeeded");
  assert.deepEqual(await faultsOf(workspace), []);
  await workspace.close();
});

test("an attempt of an older fence can publish nothing, not even a failure", async () => {
  const workspace = await openTestWorkspace(newFolder());
  const { records } = workspace;
  const old = await abandon(workspace, "late", true);
  const late = JSON.parse(readFileSync(join(old.folder, "manifest.json"), "utf8"));
  writeFileSync(join(old.folder, "manifest.json"), "");
  const ledger = workspace.ledgerWith({ owner: deadOwner });
  await ledger.recover();
  const surroundings = surroundingsOf(workspace, { owner: deadOwner });
  const lost = await openStepOf(surroundings, old.key);
  const newer = (await begin(surroundings, asked(workspace, "late"), lost))!;
  assert.equal(newer.fence, 2);

  for (const statements of [publishStatements(old.attempt, late, 1, {}), endStatements(old.attempt, "failed", 1)])
    assert.deepEqual(await records.commit(statements), { committed: false, statement: 0, expected: 1, got: 0 });
  assert.equal(await ledger.resultOf(old.key), null);
  assert.deepEqual(await records.commit(publishStatements(newer, late, 2, {})), { committed: true });
  assert.deepEqual(await records.commit(publishStatements(newer, late, 3, {})), {
    committed: false,
    statement: 0,
    expected: 1,
    got: 0,
  });
  assert.deepEqual(await faultsOf(workspace), []);
  await workspace.close();
});

test("two ledgers that are asked for the same keys at once run each of them once", async () => {
  const workspace = await openTestWorkspace(newFolder());
  const ran: string[] = [];
  const counting = (name: string) =>
    workspace.ledgerWith({
      engines: [
        {
          ...createInlineEngine(kinds, { objects: workspace.objects }),
          start: (job, onLine) => {
            ran.push(name);
            return workspace.engine.start(job, onLine);
          },
        },
      ],
    });
  const ledgers = [counting("a"), counting("b"), counting("a"), counting("b")];
  const names = Array.from({ length: 12 }, (_, i) => `step-${i}`);
  const outcomes = await Promise.all(ledgers.flatMap((ledger) => names.map((name) => ledger.execute(ask(input(name))))));
  assert.equal(ran.length, 12);
  assert.equal(outcomes.filter(({ state }) => state === "succeeded").length, 12);
  assert.equal(outcomes.filter(({ state }) => state === "reused").length, 36);
  await assertAllMade(workspace, 12);
  await workspace.close();
});

test("an attempt whose lease ran out is taken over, and both ledgers report the one result", async () => {
  const workspace = await openTestWorkspace(newFolder());
  const asleep = workspace.ledgerWith({ leaseMs: 3_600_000 }); // its heartbeat never comes
  const slow = { name: "slow", parts: 1, waitMs: 1000 };
  const first = asleep.execute(ask(slow));
  while ((await asleep.listSteps()).items.length === 0) await delay(1);
  let passedMs = 0;
  const other = workspace.ledgerWith({ elapsedMs: () => passedMs });
  await other.recover(); // sees it for the first time
  passedMs += 31_000;
  const second = other.execute(ask(slow));
  const outcomes = await Promise.all([first, second]);
  assert.deepEqual(outcomes.map(({ state }) => state).sort(), ["reused", "succeeded"]);
  const { attempts } = await other.getStep((await other.listSteps()).items[0]!.id);
  assert.deepEqual(
    attempts.map(({ outcome }) => outcome),
    ["lost", "succeeded"],
  );
  assert.deepEqual(await faultsOf(workspace), []);
  await workspace.close();
});

test("whichever object write fails, the step fails whole, and the next try succeeds", async () => {
  const workspace = await openTestWorkspace(newFolder());
  let failures = 0;
  for (let failAt = 0; ; failAt++) {
    const objects = failingPuts(workspace.objects, failAt);
    const ledger = workspace.ledgerWith({ engines: [createInlineEngine(kinds, { objects })] });
    const outcome = await ledger.execute(ask(input("writes")));
    if (outcome.state === "succeeded") break;
    failures++;
    assert.equal(outcome.state === "failed" && outcome.error.message, "the disk is full");
    assert.deepEqual(await workspace.records.query("SELECT * FROM results"), []);
    assert.deepEqual(await workspace.records.query("SELECT * FROM pins"), []);
  }
  assert.equal(failures, 3, "three parts");
  assert.deepEqual(await faultsOf(workspace), []);
  await workspace.close();
});

test("whichever commit fails, before or after it took effect, asking again ends with one result", async () => {
  for (const effect of ["before", "after"] as const) {
    const workspace = await openTestWorkspace(newFolder());
    let failures = 0;
    for (let failAt = 0; ; failAt++) {
      const name = `${effect}-${failAt}`;
      const { records, failed } = failingCommits(workspace.records, failAt, effect);
      const outcome = await workspace
        .ledgerWith({ records })
        .execute(ask(input(name)))
        .catch((error) => error.message);
      if (!failed()) break;
      failures++;
      const restarted = workspace.ledgerWith({ owner: deadOwner });
      await restarted.recover();
      const again = await restarted.execute(ask(input(name)));
      assert.ok(
        again.state === "succeeded" || again.state === "reused",
        `${effect} commit ${failAt}: ${outcome}, then ${again.state}`,
      );
      assert.equal((await restarted.execute(ask(input(name)))).state, "reused");
    }
    assert.ok(failures >= 2, `${failures} commits: claim and publish, and the handle of a slow step`);
    assert.deepEqual(await faultsOf(workspace), []);
    await workspace.closeLedgers();
    assert.deepEqual(readdirSync(join(workspace.folder, "steps")), []);
    await workspace.close();
  }
});

function failingPuts(objects: Objects, failAt: number): Objects {
  let puts = 0;
  return {
    ...objects,
    put: async (bytes): Promise<Digest> => {
      if (puts++ === failAt) throw new Error("the disk is full");
      return objects.put(bytes);
    },
  };
}

function failingCommits(records: Records, failAt: number, effect: "before" | "after"): { records: Records; failed(): boolean } {
  let commits = 0;
  const commit: Records["commit"] = async (statements) => {
    const fails = commits++ === failAt;
    if (!fails || effect === "after") {
      const outcome = await records.commit(statements);
      if (!fails) return outcome;
    }
    throw new Error("the connection broke");
  };
  return { records: { ...records, commit }, failed: () => commits > failAt };
}
