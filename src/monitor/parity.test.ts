import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createRandom, type Digest, digestOfFile, type Json, MillError } from "../base/index.ts";
import type { ModelDefinition } from "../define/index.ts";
import { ingest } from "../ingest/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { openServed } from "../serve/fixtures/served.ts";
import { createServing, eventsOf, predictionsOf } from "../serve/index.ts";
import { delays, delaysAnew, eventOf, type Parcel, parcelRows, parcels, requestOf, START } from "./fixtures/parcels.ts";
import { createParity } from "./index.ts";

const SEED = 20240330;
const HOUR = 3600e6;
const ALWAYS = { from: START, to: START + 30 * 24 * HOUR, sample: 100_000 };
const root = mkdtempSync(join(tmpdir(), "mill-parity-"));
after(() => rmSync(root, { recursive: true, force: true }));

/** A workspace that serves parcels, by a clock that goes on five seconds with each call. */
async function openWorld(folder = mkdtempSync(join(root, "workspace-"))) {
  const { serving: deploying, ...served } = await openServed(folder);
  const { lake, objects, registry } = served;
  let nowMs = statSync(folder).mtimeMs;
  const now = () => (nowMs = Math.floor(nowMs) + 5000);
  const tables = () => openDuckDb({ threads: 2, memoryMb: 300, tempFolder: join(root, "spill") });
  const serving = createServing({ ...served, tables, now });
  const parity = createParity({ lake, registry, tables });
  return {
    ...{ ...served, serving, parity, tables },
    /** Reads files, and with `journal` the events so far, into the next version of the data set, as a run does. */
    async ingest(rows: readonly Parcel[], { journal = false } = {}): Promise<Digest> {
      const scratch = mkdtempSync(join(root, "scratch-"));
      const path = join(scratch, "parcels.ndjson");
      writeFileSync(path, rows.map((row) => `${JSON.stringify(eventOf(row))}\n`).join(""));
      const { name: dataset, columns, checks } = parcels;
      const input = {
        ...{ dataset, columns, time: "at", where: null, checks: checks.map((check) => check as never) },
        sources: [{ path, name: "parcels.ndjson", format: "ndjson" as const, digest: await digestOfFile(path) }],
        ...(journal ? { journals: [await allEvents()] } : {}),
      };
      const context = {
        objects,
        scratch,
        threads: 1,
        memoryMb: 500,
        progress() {},
        signal: new AbortController().signal,
        log() {},
      };
      const { objects: parts, facts } = await ingest.run(input, context);
      const part = parts["part-0"]!;
      const manifest = await objects.put(Buffer.from(JSON.stringify({ parts: [{ digest: part }], columns, facts })));
      const parent = (await lake.head(dataset))?.version ?? null;
      await lake.commit({ dataset, manifest, rowCount: Number(facts.rowCount), parent, madeBy: "test" });
      return part;
    },
    async deploy(model: ModelDefinition, part: Digest) {
      await served.deploy("delays", model, part);
      await serving.refresh();
    },
    ask: (rows: readonly Parcel[]) => serving.predict("delays", rows.map(requestOf)),
    tell: (rows: readonly Parcel[]) => serving.events("delays", rows.map(eventOf)),
    replay: (span = {}) => parity.replay({ name: "delays" }, { ...ALWAYS, ...span }),
  };

  async function allEvents() {
    await lake.seal(eventsOf("delays"));
    const head = (await lake.head(eventsOf("delays")))!;
    const parts = (await lake.manifest(head)).parts.map(({ digest }) => digest);
    return { dataset: eventsOf("delays"), version: head.version, parts, rowCount: head.rowCount };
  }
}

type World = Awaited<ReturnType<typeof openWorld>>;

test("what was served is what the lake says, for every kind of column and window, with events out of order", async () => {
  const world = await openWorld();
  const rows = parcelRows(700, START, SEED);
  const [before, live] = [rows.slice(0, 300), rows.slice(300)];
  await world.deploy(delays, await world.ingest(before));
  const asked = await traffic(world, live, SEED);
  const report = await world.replay();
  assert.deepEqual(report, {
    from: ALWAYS.from,
    to: ALWAYS.to,
    replayed: asked,
    late: 0,
    mismatches: {},
    examples: [],
    reads: {},
  });
  assert.deepEqual(world.parity.findingsOf(report), []);
});

/** Asks about each parcel, some in batches, and tells of it once and in time: before anything is asked as of a later moment, some even before it happens. */
async function traffic(world: World, live: readonly Parcel[], seed: number): Promise<number> {
  const random = createRandom(seed);
  const waiting = [...live];
  let asked = 0;
  for (const [index, parcel] of live.entries()) {
    const due = waiting.filter(({ micros }) => micros < parcel.micros || random.below(90) === 0);
    due.sort(() => random.below(3) - 1);
    if (due.length > 0) await world.tell(due);
    for (const told of due) waiting.splice(waiting.indexOf(told), 1);
    const batch = live.slice(index, index + 1 + random.below(3)).filter(({ micros }) => micros === parcel.micros);
    await world.ask(batch);
    asked += batch.length;
  }
  return asked;
}
