import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createRandom, type Json, MillError } from "../../base/index.ts";
import { openTestRecords } from "../records/fixtures/open-test-records.ts";
import { becomesCopy, type Records, takesOver } from "../records/index.ts";
import { createOutbox, type Notice, type Notices } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "mill-outbox-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;
const newPath = () => join(folder, `${made++}.db`);

const HOUR = 3_600_000;

/** A receiver in this process that can be told to fail; what it took, in order. */
function createReceiver() {
  const took: Notice[] = [];
  const state: { failure: ((notice: Notice) => MillError | null) | null; tries: number } = { failure: null, tries: 0 };
  const notices: Notices = {
    name: "receiver",
    async send(notice) {
      state.tries++;
      const failure = state.failure?.(notice) ?? null;
      if (failure) throw failure;
      took.push(notice);
    },
  };
  return { took, state, notices, bodies: () => took.map(({ body }) => body) };
}
const away = () => new MillError("notice.failed", "It was not reached.");

async function opened(path = newPath(), receiver = createReceiver(), clock = { ms: 1_000_000_000_000 }) {
  const records = await openTestRecords(path);
  const outbox = createOutbox({ records, notices: receiver.notices, now: () => clock.ms, random: createRandom(1).next });
  const tell = async (topic: string, body: Json) => void (await records.commit(outbox.statements(topic, body)));
  return { records, outbox, receiver, clock, tell, path };
}

test("a notice goes out after the commit of its cause, and never for a commit that was undone", async () => {
  const { records, outbox, receiver } = await opened();
  const nothing = { sql: "DELETE FROM pins WHERE digest = 'none'", rows: 1 };
  const undone = await records.commit([nothing, ...outbox.statements("a", { n: 1 })]);
  assert.equal(undone.committed, false);
  await outbox.flush();
  assert.deepEqual(receiver.bodies(), []);
  await records.commit(outbox.statements("a", { n: 2 }));
  await outbox.flush();
  await outbox.flush();
  assert.deepEqual(receiver.bodies(), [{ n: 2 }]);
  assert.deepEqual(await outbox.standing(), { waiting: 0, givenUp: 0, error: null });
  await records.close();
});

test("notices of a topic go out in the order of their causes, also those of one millisecond; a topic waits for no other", async () => {
  const { records, outbox, receiver, clock } = await opened();
  await records.commit(Array.from({ length: 20 }, (_, n) => outbox.statements(n % 2 ? "a" : "b", n)).flat());
  receiver.state.failure = ({ topic }) => (topic === "a" ? away() : null);
  await outbox.flush();
  assert.deepEqual(receiver.bodies(), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  receiver.state.failure = null;
  clock.ms += 10_000;
  await outbox.flush();
  assert.deepEqual(receiver.bodies().slice(10), [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
  await records.close();
});

test("a receiver that is away is tried after 5 s, then after twice as long each time, up to an hour; after a day it is given up", async () => {
  const { records, outbox, receiver, clock, tell } = await opened();
  receiver.state.failure = away;
  await tell("a", "lost");
  const triedAt: number[] = [];
  for (let left = 100; left > 0 && (await outbox.standing()).waiting > 0; left--) {
    triedAt.push(clock.ms);
    await outbox.flush();
    const [{ next }] = (await records.query("SELECT next_at AS next FROM notices")) as [{ next: number }];
    clock.ms = next - 1;
    await outbox.flush();
    assert.equal(receiver.state.tries, triedAt.length, "not a moment too early");
    clock.ms = next;
  }
  const waits = triedAt.slice(1).map((at, index) => (at - triedAt[index]!) / 1000);
  for (const [index, wait] of waits.entries()) {
    const due = Math.min(3600, 5 * 2 ** index);
    assert.ok(wait >= due * 0.8 && wait <= due * 1.2, `${wait} s before try ${index + 2}`);
  }
  assert.ok(receiver.state.tries > 24 && receiver.state.tries < 45, `${receiver.state.tries} tries in a day`);
  assert.deepEqual(await outbox.standing(), { waiting: 0, givenUp: 1, error: "notice.failed: It was not reached." });
  receiver.state.failure = null;
  await tell("a", "next");
  await outbox.flush();
  assert.deepEqual(receiver.bodies(), ["next"]);
  await records.close();
});

test("what waits behind a notice that is given up gets its own try, however old it is", async () => {
  const { records, outbox, receiver, clock, tell } = await opened();
  receiver.state.failure = away;
  await tell("a", 1);
  await tell("a", 2);
  await outbox.flush();
  clock.ms += 25 * HOUR;
  receiver.state.failure = ({ body }) => (body === 1 ? away() : null);
  await outbox.flush();
  assert.deepEqual(receiver.bodies(), [2]);
  await records.close();
});

test("a receiver that wants no more is not tried again", async () => {
  const { records, outbox, receiver, tell } = await opened();
  receiver.state.failure = () => new MillError("notice.gone", "No more.");
  await tell("a", 1);
  await outbox.flush();
  assert.equal(receiver.state.tries, 1);
  assert.deepEqual(await outbox.standing(), { waiting: 0, givenUp: 1, error: "notice.gone: No more." });
  await records.close();
});

test("what waits survives a restart, keeps its id, and a crash between sending and writing it down sends it once more", async () => {
  const first = await opened();
  first.receiver.state.failure = away;
  await first.tell("a", "kept");
  await first.outbox.flush();
  await first.records.close();

  const crashing = await opened(first.path, createReceiver(), { ms: first.clock.ms + HOUR });
  const readOnly: Records = {
    ...crashing.records,
    commit: (statements) =>
      statements.some(({ sql }) => sql.startsWith("UPDATE"))
        ? Promise.reject(new MillError("records.disk-full", "full"))
        : crashing.records.commit(statements),
  };
  const dying = createOutbox({ records: readOnly, notices: crashing.receiver.notices, now: () => crashing.clock.ms });
  await assert.rejects(dying.flush(), { code: "records.disk-full" });
  await crashing.outbox.flush();
  await crashing.outbox.flush();
  assert.deepEqual(crashing.receiver.bodies(), ["kept", "kept"]);
  assert.equal(new Set(crashing.receiver.took.map(({ id }) => id)).size, 1);
  await crashing.records.close();
});

test("however many flush at once, a notice is sent once", async () => {
  const { records, outbox, receiver, tell } = await opened();
  for (let n = 0; n < 10; n++) await tell("a", n);
  await Promise.all(Array.from({ length: 20 }, () => outbox.flush()));
  assert.deepEqual(receiver.bodies(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await records.close();
});

test("a copy of a workspace keeps what it would tell until it takes over", async () => {
  const { records, outbox, receiver, tell } = await opened();
  await tell("a", { n: 1 });
  await records.commit([becomesCopy({ takenAt: "2026-11-21T06:00:00.000Z", restoredAt: 1 })]);
  await tell("a", { n: 2 });
  await outbox.flush();
  assert.deepEqual([receiver.state.tries, (await outbox.standing()).waiting], [0, 2]);
  await records.commit([takesOver]);
  await outbox.flush();
  assert.deepEqual(receiver.bodies(), [{ n: 1 }, { n: 2 }]);
  await records.close();
});

test("where nobody is to be told nothing is kept", async () => {
  const records = await openTestRecords(newPath());
  const outbox = createOutbox({ records, notices: null, now: Date.now });
  assert.deepEqual(outbox.statements("a", 1), []);
  await outbox.flush();
  assert.deepEqual(await outbox.standing(), { waiting: 0, givenUp: 0, error: null });
  await records.close();
});

test("what was delivered a month ago is forgotten", async () => {
  const { records, outbox, clock, tell } = await opened();
  await tell("a", 1);
  await outbox.flush();
  clock.ms += 31 * 24 * HOUR;
  await outbox.flush();
  assert.deepEqual(await records.query("SELECT count(*) AS n FROM notices"), [{ n: 0 }]);
  await records.close();
});
