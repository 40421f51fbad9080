/** What was made in one workspace is made again from its recipe in another that has nothing. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createRandom, type Digest } from "../../base/index.ts";
import type { Recipe } from "../../contract/index.ts";
import type { Objects } from "../../ports/objects/index.ts";
import type { StepKind } from "../../steps/index.ts";
import { train } from "../../train/index.ts";
import { newObjects, openBench, rebuilt } from "../fixtures/bench.ts";
import { finished, openDeliveries, type Platform } from "../fixtures/platform.ts";
import { millText } from "../fixtures/project.ts";
import { STEP_KINDS } from "../index.ts";
import { digestOfRecipe, packParcel, sizeOfParcel, unpackParcel } from "./parcel.ts";
import { rebuild } from "./rebuild.ts";

let platform: Platform;
let recipe: Recipe;
let parcel: Buffer;
before(async () => {
  platform = await openDeliveries();
  platform.write("mill.ts", millText({ trainer: "gradientBoosting({ trees: 20, leaves: 8 })" }));
  assert.equal(finished(await platform.run()).state, "succeeded");
  ({ recipe } = await platform.call("getRecipe", { name: "late", version: "champion" }));
  parcel = await bytesOf(packParcel(recipe, platform.workspace.objects));
});
after(() => platform.close());

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

/** As it comes over a network. */
async function* inPieces(bytes: Uint8Array, seed = 1): AsyncGenerator<Uint8Array> {
  const random = createRandom(seed);
  for (let at = 0; at < bytes.byteLength; ) {
    const end = at + 1 + random.below(5000);
    yield bytes.subarray(at, end);
    at = end;
  }
}

const at = "late.tar";
const unpack = (bytes: Uint8Array, objects: Objects = newObjects()) => unpackParcel(inPieces(bytes), objects, { at });

test("what a version was made from comes as a tar of the size that was told, the same each time, with the rows and nothing that its steps make", async () => {
  assert.equal(parcel.byteLength, sizeOfParcel(recipe));
  assert.deepEqual(
    recipe.objects.map(({ of }) => of),
    ["part-0 of dataset/deliveries:ingest"],
  );
  assert.deepEqual(
    recipe.steps.filter(({ given }) => given).map(({ kind }) => kind),
    ["ingest"],
  );
  assert.deepEqual(await bytesOf(packParcel(recipe, platform.workspace.objects)), parcel);
  const shown = await platform.call("getRecipe", { name: "late", version: "1" });
  assert.deepEqual([shown.digest, shown.sizeBytes], [digestOfRecipe(recipe), parcel.byteLength]);
});

test("every step leaves the same again in a store that held nothing, and the holdout is opened by the assessment alone", async () => {
  const objects = newObjects();
  const unpacked = await unpack(parcel, objects);
  assert.deepEqual(unpacked, recipe);
  const opened = await openBench(objects);
  const found = await rebuilt(opened.bench, unpacked);
  assert.deepEqual(
    found.steps.filter(({ standing }) => standing !== "same").map(({ kind, sentence }) => [kind, sentence]),
    [["ingest", "taken as recorded"]],
  );
  assert.equal(found.same, true);
  assert.equal(found.bundle!.manifest, recipe.bundle);
  const readings = await opened.records.query<{ reader: string }>("SELECT reader FROM holdout_readings");
  assert.deepEqual(readings, [{ reader: "assess of model/late" }]);
  const events = found.lines.filter(({ id }) => id === "model/late:train").map(({ event }) => event);
  assert.deepEqual([events[0], events.at(-1)], ["step-started", "step-finished"]);
  await opened.close();
});

test("a rebuild that was cut off goes on from the steps that are done", async () => {
  const objects = newObjects();
  await unpack(parcel, objects);
  const first = await openBench(objects);
  const stop = new AbortController();
  await assert.rejects(
    rebuild(first.bench, recipe, { tolerance: 0.01, anyway: false, signal: stop.signal }, (line) => {
      if (line.event === "step-started" && line.id === "model/late:bundle") stop.abort();
    }),
    { code: "step.cancelled" },
  );
  await first.close();
  const second = await openBench(objects, { folder: first.folder });
  const found = await rebuilt(second.bench, recipe);
  assert.equal(found.same, true);
  assert.deepEqual([found.sentences.train, found.sentences.bundle], ["made before", ""]);
  await second.close();
});

test("whoever takes it along has read the holdout, by name and on record; another recipe than the one that was seen is refused", async () => {
  const before = await platform.workspace.ledger.holdoutReadings("deliveries");
  const asked = { name: "late", version: "champion" } as const;
  const { sizeBytes, content } = await platform.exportRecipe({ ...asked, digest: digestOfRecipe(recipe) });
  assert.deepEqual(await bytesOf(content()), parcel);
  assert.equal(sizeBytes, parcel.byteLength);
  assert.equal(await platform.workspace.ledger.holdoutReadings("deliveries"), before + 1);
  const [last] = await platform.records.query("SELECT reader, model FROM holdout_readings ORDER BY id DESC LIMIT 1");
  assert.deepEqual(last, { reader: "recipe of model/late@1, taken along by tester", model: "late" });
  const other = `sha256:${"0".repeat(64)}`;
  await assert.rejects(async () => platform.exportRecipe({ ...asked, digest: other }), { code: "recipe.other" });
  assert.equal(await platform.workspace.ledger.holdoutReadings("deliveries"), before + 1);
});

test("a recipe that is damaged anywhere, cut short or put together otherwise is refused, and says where", async () => {
  const random = createRandom(3);
  const whole = new Map<number, number>();
  for (let round = 0; round < 60; round++) {
    const place = random.below(parcel.byteLength);
    const copy = Buffer.from(parcel);
    copy[place] = copy[place]! ^ (1 + random.below(255));
    const found = await unpack(copy).then(
      () => null,
      (error) => error.code as string,
    );
    if (found === null) whole.set(place, copy[place]!);
    else assert.equal(found, "recipe.damaged", `byte ${place}`);
  }
  for (const place of whole.keys()) assert.equal(parcel[place], 0, `byte ${place}: only what fills a block up may be anything`);

  for (const length of [0, 1, 511, 512, 5000, parcel.byteLength - 1025])
    await assert.rejects(unpack(parcel.subarray(0, length)), { code: "recipe.damaged", at });
  const object = parcel.indexOf("objects/");
  const without = Buffer.concat([parcel.subarray(0, object), Buffer.alloc(1024)]);
  await assert.rejects(unpack(without), {
    code: "recipe.damaged",
    expected: "part-0 of dataset/deliveries:ingest",
    got: "its end",
  });
  const twice = Buffer.concat([parcel.subarray(0, parcel.byteLength - 1024), parcel.subarray(object)]);
  await assert.rejects(unpack(twice), { code: "recipe.damaged", expected: "its end" });
});

test("names that would lead elsewhere, links and what is no recipe are refused by name, and nothing is run or written for them", async () => {
  const renamed = (name: string, type = "0") => {
    const copy = Buffer.from(parcel);
    const start = parcel.indexOf("objects/");
    copy.fill(0, start, start + 100);
    copy.write(name, start, "latin1");
    copy.write(type, start + 156, "latin1");
    copy.fill(" ", start + 148, start + 156);
    const sum = copy.subarray(start, start + 512).reduce((total, byte) => total + byte, 0);
    copy.write(`${sum.toString(8).padStart(6, "0")}\u0000 `, start + 148, "latin1");
    return copy;
  };
  for (const name of ["../../etc/passwd", "/etc/passwd", "objects/../../x", "recipe.json"])
    await assert.rejects(unpack(renamed(name)), { code: "recipe.damaged", got: JSON.stringify(name) });
  await assert.rejects(unpack(renamed("objects/link", "2")), { code: "recipe.damaged", expected: "plain files" });

  const begun = async (edited: object) => {
    const objects = newObjects();
    return unpack(await bytesOf(packParcel({ ...recipe, objects: [], ...edited }, objects)), objects);
  };
  await assert.rejects(begun({ format: 2 }), { code: "recipe.newer", expected: "form 1", got: "form 2" });
  await assert.rejects(begun({ steps: [{ kind: "train" }] }), { code: "recipe.damaged", expected: /steps/ });
  await assert.rejects(unpackParcel(inPieces(parcel), newObjects(), { at, expected: `sha256:${"0".repeat(64)}` }), {
    code: "recipe.other",
  });
});

const revised = { ...train, revision: train.revision + 1 } as unknown as StepKind<never>;
const withKinds = (...others: readonly StepKind<never>[]) =>
  STEP_KINDS.map((kind) => others.find(({ name }) => name === kind.name) ?? kind);

test("code, environment and machine that are not as they were are told before anything runs, and run only where somebody says so", async () => {
  const objects = newObjects();
  await unpack(parcel, objects);
  const opened = await openBench(objects, {
    kinds: withKinds(revised),
    here: { environment: { millwright: "0.1", node: 26 }, runtime: null },
  });
  await assert.rejects(rebuilt(opened.bench, { ...recipe, environment: { ...recipe.environment, node: 24 } }), {
    code: "recipe.unlike",
    got: /node was 24, and is 26 here; model\/late:train: the code of train was at revision 1, and is at 2 here; .*prove.*ONNX Runtime [\d.]+, and here is no ONNX Runtime/,
  });
  const python = {
    ...recipe.steps[0]!,
    kind: "environment",
    input: { interpreter: { python: "3.11", platform: "linux-x86_64" } },
  };
  await assert.rejects(rebuilt(opened.bench, { ...recipe, steps: [python] }), {
    code: "recipe.unlike",
    got: /its lock is for Python 3\.11 on linux-x86_64, and here is no Python/,
  });
  assert.deepEqual((await opened.ledger.listSteps()).items, [], "nothing ran");
  const found = await rebuilt(opened.bench, recipe, { anyway: true });
  assert.equal(found.same, true, "the revision alone changes nothing that comes out");
  await opened.close();
});

/** Training that is told by what it leaves, as a foreign library may be: `shift` is what one run is from another. */
const shifted = (shift: number, varies?: true) =>
  ({
    ...train,
    ...(varies && { varies }),
    async run(input: never, context: Parameters<typeof train.run>[1]) {
      const made = await train.run(
        { ...(input as Parameters<typeof train.run>[0]), seed: shift, params: { trees: 20 + shift, leaves: 8 } },
        context,
      );
      return { ...made, facts: { ...made.facts, params: { trees: 20, leaves: 8 } } };
    },
  }) as unknown as StepKind<never>;

test("a step that varies by nature, and what stands behind it, is held against its measurements within the tolerance, which decides", async () => {
  const objects = newObjects();
  await unpack(parcel, objects);
  const opened = await openBench(objects, { kinds: withKinds(shifted(1, true)) });
  const found = await rebuilt(opened.bench, recipe, { tolerance: 0.2 });
  assert.equal(found.same, true);
  const { "training-set": set, split, check, ...behind } = found.standings;
  assert.deepEqual([set, split, check], ["same", "same", "same"]);
  assert.deepEqual(behind, {
    ingest: "given",
    train: "within",
    bundle: "within",
    prove: "within",
    assess: "within",
    reference: "within",
    gate: "within",
  });
  assert.match(found.sentences.assess!, /^of \d+ measures furthest apart: \w+ of model\/late\S* is [\d.e-]+, was [\d.e-]+$/);
  const strict = await rebuilt(opened.bench, recipe, { tolerance: 0 });
  assert.deepEqual([strict.same, strict.standings.assess], [false, "differs"]);
  assert.match(strict.sentences.assess!, /measures are further apart than 0: /);
  await opened.close();
});

test("a step that ought to leave the same and does not differs, and so does what stands behind it; one that fails stops those that read it", async () => {
  const objects = newObjects();
  await unpack(parcel, objects);
  const opened = await openBench(objects, { kinds: withKinds(shifted(1)) });
  const found = await rebuilt(opened.bench, recipe, { tolerance: 0.2 });
  assert.equal(found.same, false);
  assert.deepEqual(
    [found.standings["training-set"], found.standings.train, found.sentences.train],
    ["same", "differs", "importance, params, model came out otherwise"],
  );
  assert.match(
    found.sentences.bundle!,
    /^threshold, .*came out otherwise, behind model\/late:train$|^.*behind model\/late:train$/,
  );
  await opened.close();

  const failing = { ...train, run: async () => Promise.reject(new Error("no luck")) } as unknown as StepKind<never>;
  const broken = await openBench(objects, { kinds: withKinds(failing) });
  const stopped = await rebuilt(broken.bench, recipe);
  assert.match(stopped.sentences.train!, /it did not run to its end: no luck/);
  assert.equal(stopped.sentences.bundle, "it did not run: it reads what model/late:train did not leave");
  assert.deepEqual([stopped.same, stopped.bundle], [false, null]);
  await broken.close();
});

test("what its steps made may be gone; of what no step makes it is said what is gone, and since when", async () => {
  const own = await openDeliveries();
  await own.run();
  const asked = { name: "late", version: "1" } as const;
  const { objects, lake } = own.workspace;
  const { recipe: seen } = await own.call("getRecipe", asked);
  const model = seen.steps.find(({ kind }) => kind === "train")!.objects.model as Digest;
  await objects.remove(model);
  assert.deepEqual((await own.call("getRecipe", asked)).recipe, seen);
  const digest = seen.objects[0]!.digest as Digest;
  await own.records.commit([
    { sql: "DELETE FROM pins WHERE digest = ?", params: [digest] },
    { sql: "DELETE FROM repositories" },
    { sql: "DELETE FROM branches" },
    { sql: "DELETE FROM commits" },
    { sql: "DELETE FROM tags" },
  ]);
  const { endedAt } = await lake.collector.collect({ remove: true, graceMs: -60_000 });
  await assert.rejects(own.call("getRecipe", asked), {
    code: "recipe.gone",
    got: `gone: part-0 of dataset/deliveries:ingest (${digest.slice(0, 19)}), by the collection of ${new Date(endedAt!).toISOString()}`,
  });
  await own.close();
});
