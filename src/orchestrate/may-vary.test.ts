import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../base/index.ts";
import type { StepManifest } from "../steps/index.ts";
import { variation } from "./may-vary.ts";

const left = (file: string, metrics: Json, more: Readonly<Record<string, Json>> = {}): StepManifest => ({
  objects: { "file-0": `sha256:${file}` },
  facts: { framework: "pytorch", rows: 200, metrics, took: Number.parseInt(file, 10), ...more },
  measurements: [],
});
const recorded = left("1", { loss: 0.31, epochs: 1000 });

test("other bytes with numbers near what they were are the same, and it is said by how much", () => {
  assert.match(
    variation(recorded, left("2", { loss: 0.315, epochs: 1001 }))!,
    /furthest apart is metrics\.loss: 0\.315, was 0\.31/,
  );
  assert.match(variation(left("1", {}), left("2", {}))!, /of 1 numbers furthest apart is rows: 200/);
});

test("a number further away, another name, word or file is no variation", () => {
  for (const again of [
    left("2", { loss: 0.34, epochs: 1000 }),
    left("2", { loss: 0.31, epochs: 1030 }),
    left("2", { loss: 0.31 }),
    left("2", { loss: null, epochs: 1000 }),
    left("2", { loss: 0.31, epochs: 1000 }, { framework: "keras" }),
    { ...recorded, objects: { ...recorded.objects, "file-1": "sha256:3" as const } },
  ])
    assert.equal(variation(recorded, again), null);
});
