import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeBatches,
  decodeChunk,
  eachPoint,
  encodeBatches,
  encodeChunk,
  mergeBatches,
  type PointBatch,
  pointAt,
} from "./points.ts";
import { batchOf } from "./rows.ts";

const whole = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.maxSafeInteger());
const points = fc.array(fc.record({ key: fc.constantFrom("a", "b/c", "ä"), value: fc.double(), timestamp: whole, step: whole }), {
  minLength: 1,
  maxLength: 400,
});

test("batches and chunks come back from their bytes, every number as it was", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(points, { minLength: 1, maxLength: 3 }), async (of) => {
      const batches = of.map(batchOf);
      const back = decodeBatches(
        encodeBatches(batches),
        batches.map(({ keys }) => keys),
      );
      assert.deepEqual(back.map(rows), batches.map(rows));
      for (const batch of batches) assert.deepEqual(told(batch), rows(batch));
      for (const batch of batches) assert.deepEqual(rows(await decodeChunk(await encodeChunk(batch))), rows(batch));
    }),
    { numRuns: 100, seed: 5 },
  );
});

test("merged batches have each point once, by key, timestamp, step and value", () => {
  fc.assert(
    fc.property(fc.array(points, { minLength: 1, maxLength: 4 }), (of) => {
      const merged = mergeBatches([...of, of[0]!].map(batchOf));
      const wanted = new Set(
        of.flat().map((point) => JSON.stringify([point.key, point.timestamp, point.step, name(point.value)])),
      );
      const got = rows(merged).map(([key, timestamp, step, value]) => JSON.stringify([key, timestamp, step, name(value)]));
      assert.deepEqual(new Set(got), wanted);
      assert.equal(got.length, wanted.size);
      const sorted = rows(merged);
      for (let at = 1; at < sorted.length; at++) assert.ok(isBefore(sorted[at - 1]!, sorted[at]!));
    }),
    { numRuns: 30, seed: 5 },
  );
});

test("bytes that end too early are refused", () => {
  const batch = batchOf([{ key: "a", value: 1, timestamp: 1, step: 1 }]);
  const bytes = encodeBatches([batch]);
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => decodeBatches(bytes.subarray(0, length), [batch.keys]), RangeError);
});

type Row = readonly [key: string, timestamp: number, step: number, value: number];

const rows = (batch: PointBatch): Row[] =>
  Array.from(batch.codes, (code, at) => {
    const { timestamp, step, value } = pointAt(batch, at);
    return [batch.keys[code]!, timestamp, step, value];
  });

function told(batch: PointBatch): Row[] {
  const found: Row[] = [];
  eachPoint(encodeBatches([batch]), (code, value, step, timestamp) => found.push([batch.keys[code]!, timestamp, step, value]));
  return found;
}

/** 0 and -0 are one value. */
const name = (value: number) => String(value);

function isBefore([keyA, timestampA, stepA, a]: Row, [keyB, timestampB, stepB, b]: Row): boolean {
  if (keyA !== keyB) return keyA < keyB;
  if (timestampA !== timestampB) return timestampA < timestampB;
  return stepA === stepB ? Number.isNaN(a) || a < b : stepA < stepB;
}
