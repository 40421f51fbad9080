import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Digest } from "../base/index.ts";
import type { Verdict } from "../contract/index.ts";
import { createCollector, createTree, createUploads } from "../lake/index.ts";
import { createFileObjects } from "../ports/objects/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { type BundleManifest, createRegistry, type ModelVersion, type NewVersion, rolledBackFrom } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-registry-"));
after(() => rmSync(root, { recursive: true, force: true }));

const PASSED: Verdict = { passed: true, chain: [] };
const requirement = { id: "accept/auc", measure: "auc", test: "atLeast", value: 0.9 } as const;
const REFUSED: Verdict = {
  passed: false,
  chain: [{ requirement, measurement: null, passed: false, sentence: "auc is too low" }],
};

async function openRegistry(clock = () => 1000) {
  const folder = mkdtempSync(join(root, "registry-"));
  const objects = createFileObjects(join(folder, "objects"));
  const records = await openTestRecords(join(folder, "mill.db"));
  const registry = createRegistry({ records, objects, now: clock });
  const put = (text: string) => objects.put(Buffer.from(text));
  /** A bundle of the model that was trained as `trained`; `words` tell two bundles of one model apart. */
  const makeBundle = async (trained: string, words = "", threshold = 0.5): Promise<Digest> => {
    const manifest = {
      format: 1,
      model: "late",
      threshold,
      words,
      onnx: await put(`onnx ${trained}`),
      trained: await put(trained),
    };
    return put(JSON.stringify(manifest));
  };
  const candidate = (bundle: Digest, verdict = PASSED, standing: NewVersion["standing"] = "champion"): NewVersion => ({
    ...{ model: "late", bundle, verdict, standing, actor: "tester" },
    lineage: { dataset: { name: "deliveries", version: 1 }, steps: {} },
    card: async (version) => `# late, version ${version}: ${verdict.passed ? "passed" : "refused"}`,
  });
  return {
    ...{ records, objects, registry, makeBundle },
    register: async (bundle: Digest, verdict?: Verdict) => registry.register(candidate(bundle, verdict)),
    challenge: async (bundle: Digest, verdict?: Verdict) => registry.register(candidate(bundle, verdict, "challenger")),
    promote: (version: number) => registry.promote("late", version, { actor: "keeper", why: "answers all requests" }),
    retire: (version: number) => registry.retire("late", version, { actor: "keeper", why: "its p99 was worse" }),
    told: async () =>
      (await registry.history("late")).map(({ alias, version, held, why }) => `${alias} ${held ? "" : "not "}${version}: ${why}`),
    /** As an endpoint does it. */
    rollBack: (to: number, from: number) =>
      registry.setAlias("late", "champion", to, { actor: "tester", why: rolledBackFrom(from) }),
    rival: async (bundle: Digest) => (await registry.rivalOf("late", bundle))?.version ?? null,
    close: () => records.close(),
  };
}

const brief = ({ version, passed, aliases }: ModelVersion) => ({ version, passed, aliases });

test("registering a bundle again changes nothing", async () => {
  const { registry, makeBundle, register, close } = await openRegistry();
  const bundle = await makeBundle("a");
  const first = await register(bundle);
  assert.deepEqual([brief(first.version), first.changed], [{ version: 1, passed: true, aliases: ["champion"] }, true]);
  assert.deepEqual(await register(bundle), { version: first.version, changed: false });
  assert.equal((await registry.history("late")).length, 1);
  await close();
});

test("versions are numbered from 1 without gaps, however many register at once", async () => {
  const { registry, makeBundle, register, close } = await openRegistry();
  const bundles = await Promise.all(Array.from({ length: 12 }, (_, n) => makeBundle(`model ${n}`)));
  const registered = await Promise.all([...bundles, ...bundles].map((bundle) => register(bundle)));
  const numbers = (await registry.versions("late", { limit: 100 })).map(({ version }) => version);
  assert.deepEqual(
    numbers,
    Array.from({ length: 12 }, (_, n) => 12 - n),
  );
  for (const [at, { version }] of registered.entries()) assert.equal(version.bundle, bundles[at % 12]);
  assert.equal((await registry.versions("late", { limit: 5, before: 4 })).length, 3);
  await close();
});

test("a refused version is kept without alias; passing later makes it champion, with a new card", async () => {
  const { registry, objects, makeBundle, register, close } = await openRegistry();
  const [a, b] = [await makeBundle("a"), await makeBundle("b")];
  await register(a);
  assert.deepEqual(brief((await register(b, REFUSED)).version), { version: 2, passed: false, aliases: [] });
  assert.equal((await registry.champion("late"))?.version, 1);
  assert.equal((await register(b, REFUSED)).changed, false);
  const passed = await register(b);
  assert.deepEqual([brief(passed.version), passed.changed], [{ version: 2, passed: true, aliases: ["champion"] }, true]);
  assert.equal(Buffer.from(await objects.get(passed.version.card)).toString(), "# late, version 2: passed");
  await close();
});

test("a version that was rolled back does not come back by itself; one returned to by definition does", async () => {
  const { registry, makeBundle, register, rollBack, close } = await openRegistry();
  const [a, b, c] = [await makeBundle("a"), await makeBundle("b"), await makeBundle("c")];
  await register(a);
  await register(b);
  await rollBack(1, 2);
  assert.equal((await register(b)).changed, false);
  assert.equal((await registry.champion("late"))?.version, 1);
  await register(c);
  assert.equal((await registry.champion("late"))?.version, 3);
  const returned = await register(a);
  assert.deepEqual([returned.version.version, returned.changed, returned.version.aliases], [1, true, ["champion"]]);
  assert.deepEqual(
    (await registry.history("late")).map(({ version }) => version),
    [1, 2, 1, 3, 1],
  );
  await close();
});

test("a challenger waits beside the champion until it is promoted, and each move is told", async () => {
  const { registry, makeBundle, register, challenge, promote, rival, told, close } = await openRegistry();
  const [a, b] = [await makeBundle("a"), await makeBundle("b")];
  await register(a);
  assert.deepEqual(brief((await challenge(b)).version), { version: 2, passed: true, aliases: ["challenger"] });
  assert.equal((await registry.champion("late"))?.version, 1);
  assert.equal((await challenge(b)).changed, false);
  assert.equal(await rival(await makeBundle("c")), 1, "nobody must beat what has not proven itself");
  await promote(2);
  await promote(2);
  assert.deepEqual(await registry.aliases("late"), { champion: 2 });
  assert.equal(await rival(b), 1, "it is still the one that it beat");
  assert.equal((await challenge(b)).changed, false);
  assert.deepEqual(await told(), [
    "champion 1: passed every gate",
    "challenger 2: passed every gate",
    "champion 2: answers all requests",
  ]);
  await close();
});

test("a refused challenger is kept without alias", async () => {
  const { registry, makeBundle, register, challenge, close } = await openRegistry();
  await register(await makeBundle("a"));
  assert.deepEqual((await challenge(await makeBundle("b"), REFUSED)).version.aliases, []);
  assert.deepEqual(await registry.aliases("late"), { champion: 1 });
  await close();
});

test("a challenger that was retired does not come back by itself, as challenger or champion, until another is champion", async () => {
  const { registry, makeBundle, register, challenge, promote, retire, told, close } = await openRegistry();
  const [a, b, c] = [await makeBundle("a"), await makeBundle("b"), await makeBundle("c")];
  await register(a);
  await challenge(b);
  await retire(2);
  await retire(2);
  assert.deepEqual(await registry.aliases("late"), { champion: 1 });
  assert.deepEqual((await told()).slice(1), ["challenger 2: passed every gate", "challenger not 2: its p99 was worse"]);
  assert.deepEqual([(await challenge(b)).changed, (await register(b)).changed], [false, false]);
  await challenge(c);
  await retire(3);
  assert.equal((await challenge(b)).changed, false, "another challenger's end does not bring it back");
  await promote(3);
  assert.deepEqual((await challenge(b)).version.aliases, ["challenger"], "returned to by definition");
  await close();
});

test("a challenger that was promoted and rolled back is not promoted again by itself", async () => {
  const { registry, makeBundle, register, challenge, promote, rollBack, close } = await openRegistry();
  const [a, b] = [await makeBundle("a"), await makeBundle("b")];
  await register(a);
  await challenge(b);
  await promote(2);
  await rollBack(1, 2);
  assert.equal((await challenge(b)).changed, false);
  assert.deepEqual(await registry.aliases("late"), { champion: 1 });
  await close();
});

test("a newer challenger takes the alias; retiring the older one leaves it there", async () => {
  const { registry, makeBundle, register, challenge, retire, close } = await openRegistry();
  await register(await makeBundle("a"));
  await challenge(await makeBundle("b"));
  await challenge(await makeBundle("c"));
  await retire(2);
  assert.deepEqual(await registry.aliases("late"), { champion: 1, challenger: 3 });
  await assert.rejects(retire(9), { code: "registry.unknown-version" });
  await assert.rejects(registry.promote("none", 1, { actor: "tester", why: "by hand" }), { code: "registry.unknown-model" });
  await close();
});

test("a candidate's rival is the newest champion that is another model", async () => {
  const { makeBundle, register, rival, rollBack, close } = await openRegistry();
  const [a, b, c] = [await makeBundle("a"), await makeBundle("b"), await makeBundle("c")];
  assert.equal(await rival(a), null, "no version yet");
  await register(a);
  assert.equal(await rival(a), null, "it is the only one");
  assert.equal(await rival(b), 1);
  await register(b, REFUSED);
  assert.equal(await rival(b), 1, "it was refused");
  await register(b);
  assert.equal(await rival(b), 1, "it is the champion: the one before it");
  assert.equal(await rival(a), 2, "a model of old against the champion");
  assert.equal(await rival(c), 2);
  await register(a);
  assert.deepEqual([await rival(a), await rival(b), await rival(c)], [2, 1, 1], "after a, b, a");
  await rollBack(2, 1);
  assert.deepEqual([await rival(b), await rival(c)], [1, 2], "the second reign of a was taken back, its first was not");
  await close();
});

test("a version that was rolled back is no rival any more", async () => {
  const { makeBundle, register, rival, rollBack, close } = await openRegistry();
  const [a, b] = [await makeBundle("a"), await makeBundle("b")];
  await register(a);
  await register(b);
  await rollBack(1, 2);
  assert.deepEqual([await rival(a), await rival(b)], [null, 1]);
  await rollBack(2, 1);
  assert.deepEqual([await rival(a), await rival(b)], [2, null]);
  await close();
});

test("a model under other words is no other model, one with another threshold is", async () => {
  const { makeBundle, register, rival, close } = await openRegistry();
  await register(await makeBundle("a"));
  await register(await makeBundle("b"));
  const reworded = await makeBundle("b", "reworded");
  assert.equal(await rival(reworded), 1);
  await register(reworded);
  assert.equal(await rival(reworded), 1, "and it stays so when it is the champion");
  assert.equal(await rival(await makeBundle("b", "", 0.7)), 3);
  await close();
});

test("the order of reigns is kept when the clock goes back", async () => {
  const times = [5000, 5000, 4000, 4000, 3000, 3000];
  const { registry, makeBundle, register, rival, close } = await openRegistry(() => times.shift() ?? 1);
  const bundles = [await makeBundle("a"), await makeBundle("b"), await makeBundle("c")];
  for (const bundle of bundles) await register(bundle);
  assert.deepEqual(
    (await registry.history("late")).map(({ version }) => version),
    [1, 2, 3],
  );
  assert.equal(await rival(bundles[2]!), 2);
  await close();
});

test("models, versions and aliases that do not exist are told with those that do", async () => {
  const { registry, makeBundle, register, close } = await openRegistry();
  await assert.rejects(registry.version("late", 1), { code: "registry.unknown-model" });
  assert.equal(await registry.champion("late"), null);
  await register(await makeBundle("a"));
  for (const asked of [2, "2", "0", "challenger"])
    await assert.rejects(registry.version("late", asked), { code: "registry.unknown-version", expected: "one of 1, champion" });
  await assert.rejects(registry.setAlias("late", "champion", 7, { actor: "tester", why: "by hand" }), {
    code: "registry.unknown-version",
  });
  assert.equal((await registry.version("late", "champion")).version, 1);
  assert.equal((await registry.version("late", "1")).version, 1);
  await close();
});

test("the objects of every version survive a collection: manifest, graph, trained model and card", async () => {
  const { registry, records, objects, makeBundle, register, close } = await openRegistry();
  await register(await makeBundle("a"));
  await register(await makeBundle("b"), REFUSED);
  await register(await makeBundle("b"));
  const stray = await objects.put(Buffer.from("nobody's"));
  const uploads = createUploads({ records, objects });
  await createCollector({ records, objects, tree: createTree(objects), uploads }).collect({ remove: true, graceMs: -1000 });
  assert.equal(await objects.sizeOf(stray), null);
  for (const version of await registry.versions("late", { limit: 10 })) {
    const { onnx, trained } = await registry.manifest(version);
    for (const digest of [version.bundle, version.card, onnx!, trained]) assert.notEqual(await objects.sizeOf(digest), null);
  }
  await close();
});

test("a bundle of a later format is refused, not guessed at", async () => {
  const { registry, objects, close } = await openRegistry();
  const later = { format: 2 } as unknown as BundleManifest;
  const bundle = await objects.put(Buffer.from(JSON.stringify(later)));
  await assert.rejects(registry.manifest({ bundle } as ModelVersion), { code: "registry.bundle-format" });
  await close();
});
