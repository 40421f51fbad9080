import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { Digest, Json, MillError } from "../base/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { deliveries, deliveryRows, howLate, late, lateTrees, whichShop } from "./fixtures/deliveries.ts";
import { type JsonRow, loggedFeatures, offlineFeatures, openServed, type Served } from "./fixtures/served.ts";

const ROWS = deliveryRows(400);
const request = ({ at, shop, load }: JsonRow): JsonRow => ({ at: at!, shop: shop!, load: load! });
const asOf = (row: JsonRow) => String(row.at);

/** A workspace whose endpoint "late" serves a model of these rows. */
async function serveLate(rows: readonly JsonRow[] = ROWS): Promise<Served & { readonly part: Digest }> {
  const served = await openServed();
  const part = await served.ingest(deliveries, rows);
  await served.deploy("late", late, part);
  return { ...served, part };
}

/** Features that the endpoint computes for rows, asked in one request. */
async function onlineFeatures({ serving, lake }: Served, rows: readonly JsonRow[]): Promise<Record<string, Json>[]> {
  const before = (await loggedFeatures(lake, "late")).length;
  await serving.predict("late", rows.map(request));
  return (await loggedFeatures(lake, "late")).slice(before);
}

test("the newest rows of the data set have online the features that they have in a training set, to the last bit", async () => {
  const served = await serveLate();
  const offline = await offlineFeatures(served.objects, late, served.part);
  const sixHours = new Date(Date.parse(`${asOf(ROWS.at(-1)!)}Z`) - 6 * 3600_000).toISOString().slice(0, 19);
  const first = ROWS.findIndex((row) => asOf(row) >= sixHours);
  assert.ok(ROWS.length - first > 30);
  assert.deepEqual(await onlineFeatures(served, ROWS.slice(first)), offline.slice(first));
  assert.ok(offline.slice(first).some(({ worst, sent }) => worst !== null && sent !== 0));
  await served.close();
});

test("a moment that the windows do not reach back to is refused, not answered wrongly", async () => {
  const { serving, close } = await serveLate();
  await assert.rejects(serving.predict("late", [request(ROWS[0]!)]), { code: "express.forgotten" });
  await close();
});

test("rows fed as events give the features that they would give in a training set, also after a restart", async () => {
  const [known, later] = [ROWS.slice(0, 320), ROWS.slice(320)];
  const served = await serveLate(known);
  const offline = (await offlineFeatures(served.objects, late, await served.ingest(deliveries, ROWS))).slice(320);
  const without = await onlineFeatures(served, later);
  assert.notDeepEqual(without, offline, "events matter");
  assert.deepEqual(await served.serving.events("late", later.slice(0, 40).toReversed()), {
    accepted: 40,
    refused: [],
    repeated: 0,
  });
  await served.serving.events("late", later.slice(40));
  assert.deepEqual(await onlineFeatures(served, later), offline);
  assert.equal((await served.serving.state("late")).windowsWarmedTo, asOf(ROWS.at(-1)!));
  await served.close({ seal: false });

  const unsealed = await openKnown(served.folder, known);
  assert.deepEqual(await onlineFeatures(unsealed, later), offline);
  await unsealed.close();
  const sealed = await openKnown(served.folder, known);
  assert.deepEqual(await onlineFeatures(sealed, later), offline);
  await sealed.close();
});

/** The workspace again, its data set as it was before the later rows came: only events know those. */
async function openKnown(folder: string, known: readonly JsonRow[]): Promise<Served> {
  const served = await openServed(folder);
  await served.ingest(deliveries, known);
  return served;
}

test("an event changes the window and with it the score", async () => {
  const { serving, close } = await serveLate();
  const row = { at: "2024-01-10T12:00:00", shop: "a", load: 5 };
  const score = async () => (await serving.predict("late", [row])).predictions[0] as unknown as { probability: number };
  const before = (await score()).probability;
  await serving.events("late", [{ at: "2024-01-10T10:30:00", shop: "a", load: 5, delay: 200 }]);
  assert.notEqual((await score()).probability, before);
  await serving.events("late", [{ at: "2024-01-10T11:50:00", shop: "b", load: 5, delay: 500 }]);
  const after = (await score()).probability;
  await serving.events("late", [{ at: "2024-01-10T11:50:00", shop: "a", load: 5, delay: 500 }]);
  assert.equal((await score()).probability, after, "what is not known yet changes nothing");
  await close();
});

test("predictions and events lie in the lake after the end and are found again", async () => {
  const { folder, serving, close } = await serveLate();
  const reply = await serving.predict("late", ROWS.slice(-3).map(request));
  await serving.events("late", [{ at: "2024-01-10T10:30:00", shop: "a", load: null, delay: 200 }]);
  await close();
  const again = await openServed(folder);
  const { relation, tail } = await again.lake.read("late-predictions");
  assert.equal(tail.length, 0);
  const engine = openDuckDb({ threads: 1, memoryMb: 100, tempFolder: folder });
  const stored = await engine.rows(`SELECT id, version, probability, decision, threshold, request FROM ${relation} ORDER BY id`);
  engine.close();
  assert.deepEqual(
    stored.map(({ id, probability, decision }) => ({ id, probability, decision })),
    reply.predictions.map((one) => ({ ...one })),
  );
  assert.equal(reply.predictions[0]!.id, `${reply.id}.0`);
  assert.deepEqual(JSON.parse(String(stored[0]!.request)), request(ROWS.at(-3)!));
  assert.equal((await again.lake.head("late-events"))?.rowCount, 1);
  await again.close();
});

test("events are accepted or refused row by row: malformed ones and those that would be put in quarantine", async () => {
  const { serving, lake, close } = await serveLate();
  const good = { at: "2024-01-10T10:30:00", shop: "a", load: 5, delay: 20 };
  const { delay: _, ...unknownYet } = good;
  const reply = await serving.events("late", [good, unknownYet, { ...good, delay: 9999 }, { ...good, at: "soon" }, 7]);
  assert.equal(reply.accepted, 1);
  assert.deepEqual(
    reply.refused.map(({ index }) => index),
    [1, 2, 3, 4],
  );
  assert.match(reply.refused[0]!.reason, /delay/);
  assert.match(reply.refused[1]!.reason, /check "delay.*quarantine/);
  assert.equal((await lake.read("late-events")).tail.length, 1);
  await close();
});

test("an event on record that cannot be read is skipped and counted, and the endpoint answers", async () => {
  const { folder, serving, lake, close } = await serveLate();
  await serving.events("late", [{ at: "2024-01-10T11:00:00", shop: "a", load: 5, delay: 20 }]);
  await lake.append("late-events", [{ at: 1, row: '{"at":"2024-01-10T11:00:00"}' }, { at: 2, row: "{" }, { at: 3 }]);
  await close();
  const again = await openServed(folder);
  const { eventsSkipped, windowsWarmedTo } = await again.serving.state("late");
  assert.deepEqual({ eventsSkipped, windowsWarmedTo }, { eventsSkipped: 3, windowsWarmedTo: "2024-01-10T11:00:00" });
  assert.equal((await again.serving.predict("late", [request(ROWS.at(-1)!)])).predictions.length, 1);
  await again.close();
});

test("events that come while another version is loaded are in its windows, each once", async () => {
  const event = { at: "2024-01-12T11:00:00", shop: "a", load: 1, delay: 5 };
  const sending: Promise<unknown>[] = [];
  const served = await openServed(undefined, async (dataset) => {
    if (sending.length === 0 || !dataset.endsWith("-events")) return;
    sending.push(served.serving.events("late", [event]));
    await setTimeout(20);
  });
  const part = await served.ingest(deliveries, ROWS);
  await served.deploy("late", late, part);
  sending.push(served.serving.events("late", [event]));
  await served.deploy("late", lateTrees, part);
  assert.deepEqual(await Promise.all(sending), [
    { accepted: 1, refused: [], repeated: 0 },
    { accepted: 1, refused: [], repeated: 0 },
  ]);
  assert.equal((await served.serving.state("late")).version, 2);
  assert.equal((await onlineFeatures(served, [{ at: "2024-01-12T12:00:00", shop: "a", load: 1 }]))[0]!.sent, 2);
  await served.close();
});

test("a rollback answers with the version before, moves the champion back, and can be undone", async () => {
  const served = await serveLate();
  const { serving, registry } = served;
  await assert.rejects(serving.rollback("late", "tester"), { code: "endpoint.no-previous" });
  await served.deploy("late", lateTrees, served.part);
  const versionOf = async () => (await serving.predict("late", [request(ROWS.at(-1)!)])).version;
  assert.equal(await versionOf(), 2);
  const state = await serving.rollback("late", "tester");
  assert.deepEqual([state.version, state.previous, await versionOf()], [1, 2, 1]);
  assert.equal((await registry.champion("late"))?.version, 1);
  const history = await serving.history("late");
  assert.deepEqual(
    history.map(({ version, why }) => [version, why]),
    [
      [1, "passed every gate"],
      [2, "passed every gate"],
      [1, "rolled back from version 2"],
    ],
  );
  assert.equal((await serving.rollback("late", "tester")).version, 2);
  assert.equal(await versionOf(), 2);
  await served.close();
});

test("a binary endpoint states probability and decision by the threshold, a multi-class one labels, a regression one a value", async () => {
  const served = await serveLate();
  const { serving, part } = served;
  const { threshold } = await serving.state("late");
  for (const prediction of (await serving.predict("late", ROWS.slice(-20).map(request))).predictions) {
    assert.ok("probability" in prediction && prediction.decision === prediction.probability >= threshold!);
  }
  await served.deploy("how-late", howLate, part);
  const [value] = (await serving.predict("how-late", [request(ROWS.at(-1)!)])).predictions;
  assert.ok(value && "value" in value && Number.isFinite(value.value));
  await served.deploy("which-shop", whichShop, part);
  const [label] = (await serving.predict("which-shop", [{ at: "2024-01-10T10:30:00", load: 3 }])).predictions;
  assert.ok(label && "label" in label);
  assert.deepEqual(Object.keys(label.probabilities), ["a", "b", "c"]);
  assert.ok(Math.abs(Object.values(label.probabilities).reduce((sum, one) => sum + one, 0) - 1) < 1e-12);
  assert.equal(label.probabilities[label.label], Math.max(...Object.values(label.probabilities)));
  const { windowsWarmedTo, exampleRow } = await serving.state("which-shop");
  assert.equal(windowsWarmedTo, null);
  assert.equal(exampleRow?.load ?? null, ROWS.at(-1)!.load);
  await served.close();
});

test("a model outlives a change of its data set's columns: its windows start from the rows that it was made from", async () => {
  const { folder, ingest, close } = await serveLate();
  await ingest({ ...deliveries, columns: { at: deliveries.columns.at!, shop: deliveries.columns.shop! } }, ROWS.slice(0, 20));
  await close();
  const again = await openServed(folder);
  assert.equal((await again.serving.state("late")).windowsWarmedTo, asOf(ROWS.at(-1)!));
  await again.close();
});

test("an endpoint that nobody deployed is unknown, and the one that was meant is named", async () => {
  const { serving, close } = await serveLate();
  await assert.rejects(serving.predict("lat", [{}]), (error: MillError) => {
    assert.deepEqual([error.code, /Did you mean "?late/.test(error.message)], ["endpoint.unknown", true]);
    return true;
  });
  await close();
});
