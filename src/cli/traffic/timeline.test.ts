import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { merged, type Step, type Timed, timeline } from "./timeline.ts";

interface Row extends Timed {
  readonly n: number;
}

async function* stream<T>(rows: readonly T[]): AsyncGenerator<T> {
  yield* rows;
}

const rows = fc
  .array(
    fc.record({
      time: fc.integer({ min: 0, max: 500 }),
      asked: fc.boolean(),
      eventAfter: fc.option(fc.integer({ min: 0, max: 300 })),
      labelAfter: fc.option(fc.integer({ min: 0, max: 300 })),
    }),
    { maxLength: 60 },
  )
  .map((all) =>
    all
      .sort((a, b) => a.time - b.time)
      .map(
        ({ time, asked, eventAfter, labelAfter }, n): Row => ({
          n,
          time,
          asked,
          eventKnown: eventAfter === null ? null : time + eventAfter,
          labelKnown: labelAfter === null ? null : time + labelAfter,
        }),
      ),
  );

test("an event is sent once, only when it is known, and before every request of a later step; a label only behind its own request", async () => {
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 70 }), async (given, stepMicros) => {
      const steps: Step<Row>[] = [];
      for await (const step of timeline(stream(given), stepMicros)) steps.push(step);
      for (const [index, { at }] of steps.entries()) assert.ok(index === 0 || at > steps[index - 1]!.at, "steps go forward");
      const stepWith = (kind: "asked" | "events" | "labels", row: Row) => {
        const found = steps.filter((step) => step[kind].includes(row));
        assert.ok(found.length <= 1, "once");
        return found[0];
      };
      for (const row of given) {
        const [asked, event, label] = [stepWith("asked", row), stepWith("events", row), stepWith("labels", row)];
        assert.equal(asked?.at, row.asked ? Math.floor(row.time / stepMicros) * stepMicros : undefined);
        assert.equal(event !== undefined, row.eventKnown !== null);
        assert.equal(label !== undefined, row.asked && row.labelKnown !== null);
        if (event) assert.ok(event.at >= row.eventKnown! && event.at < Math.max(row.eventKnown!, row.time) + 2 * stepMicros);
        if (label) assert.ok(label.at >= row.labelKnown! && label.at > asked!.at);
        for (const later of given)
          if (event && later.asked && later.time >= event.at) assert.ok(event.at <= stepWith("asked", later)!.at);
      }
    }),
  );
});

test("at the resolution of a step, a request meets exactly the events that were known before it", async () => {
  const given: Row[] = [
    { n: 0, time: 0, asked: true, eventKnown: 95, labelKnown: 95 },
    { n: 1, time: 60, asked: true, eventKnown: 61, labelKnown: 240 },
    { n: 2, time: 120, asked: true, eventKnown: null, labelKnown: null },
  ];
  const told: string[] = [];
  for await (const { at, events, labels, asked } of timeline(stream(given), 60)) {
    for (const { n } of events) told.push(`${at} event ${n}`);
    for (const { n } of labels) told.push(`${at} label ${n}`);
    for (const { n } of asked) told.push(`${at} asked ${n}`);
  }
  assert.deepEqual(told, ["0 asked 0", "60 asked 1", "120 event 0", "120 event 1", "120 label 0", "120 asked 2", "240 label 1"]);
});

test("a stream that is left early is closed", async () => {
  let closed = false;
  async function* endless() {
    try {
      for (let time = 0; ; time++) yield { time, asked: true, eventKnown: null, labelKnown: null };
    } finally {
      closed = true;
    }
  }
  for await (const { at } of timeline(endless(), 10)) if (at >= 30) break;
  assert.ok(closed);
});

test("streams are merged by their times", async () => {
  const streams = [[1, 4, 4], [], [2, 3, 9]].map((times) => stream(times.map((time) => ({ time }))));
  const times: number[] = [];
  for await (const { time } of merged(streams)) times.push(time);
  assert.deepEqual(times, [1, 2, 3, 4, 4, 9]);
});
