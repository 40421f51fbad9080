import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { MillError } from "../base/index.ts";
import type { Frame } from "../learn/index.ts";
import type { ForeignModel, Trained } from "../train/index.ts";
import { openBeside, type Scoreable } from "./beside.ts";

/** A model whose answer to a row is `2 x + length of text`, and that the tests hold, refuse or let die. */
function model({ takesMissing = true } = {}) {
  const calls: number[] = [];
  const held = { dead: false, until: Promise.resolve(), closed: 0, tries: 0 };
  const predict = async ({ rowCount, columns }: Frame): Promise<Float64Array> => {
    held.tries++;
    await held.until;
    if (held.dead) throw new MillError("scoring.failed", "The worker died: SIGKILL.");
    const { x, text } = columns;
    if (x?.kind !== "number" || text?.kind !== "text") throw new Error("the columns are not those of the model");
    if (x.values.some((value) => value < 0 || (Number.isNaN(value) && !takesMissing)))
      throw new MillError("scoring.bad-input", "A number is negative.");
    calls.push(rowCount);
    return Float64Array.from(x.values, (value, row) => 2 * value + (text.texts[text.codes[row]!] ?? "").length);
  };
  const features = [
    { name: "x", kind: "number" as const },
    { name: "text", kind: "text" as const },
  ];
  const foreign = { form: "python", fitted: { features } } as unknown as ForeignModel;
  const close = async () => void held.closed++;
  const trained = { outputs: 1, form: "python", foreign, predictor: null, predict, close } as unknown as Trained & {
    readonly foreign: ForeignModel;
  };
  return { trained, calls, held };
}

const now = () => 5;
const rowOf = (x: number, text: string | null = null): Scoreable => ({ x, text });

test("requests that come while the model is busy are asked together, and each gets its own answers", async () => {
  const { trained, calls, held } = model();
  const beside = await openBeside(trained, { now });
  const open = Promise.withResolvers<void>();
  held.until = open.promise;
  const answers = Array.from({ length: 5 }, (_, at) => beside.score([rowOf(at, "ab"), rowOf(at), rowOf(at, "ab")]));
  await turn();
  open.resolve();
  for (const [at, scores] of (await Promise.all(answers)).entries())
    assert.deepEqual([...scores], [2 * at + 2, 2 * at, 2 * at + 2]);
  assert.deepEqual(calls.slice(1), [3, 12], "the first call was alone, the rest waited for it");
  await beside.close();
  assert.equal(held.closed, 1);
});

test("a row that the model refuses costs its own request alone", async () => {
  const { trained, held } = model();
  const beside = await openBeside(trained, { now });
  const open = Promise.withResolvers<void>();
  held.until = open.promise;
  const asked = [rowOf(0), rowOf(1), rowOf(-1), rowOf(2)].map((row) => beside.score([row]));
  open.resolve();
  const ended = await Promise.allSettled(asked);
  assert.deepEqual(
    ended.map((one) => (one.status === "fulfilled" ? one.value[0] : one.reason.code)),
    [0, 2, "scoring.bad-input", 4],
  );
  assert.equal(beside.down(), null);
  await beside.close();
});

test("more rows than may wait are refused with when to ask again", async () => {
  const { trained, held } = model();
  const beside = await openBeside(trained, { now, rowsWaitingMax: 3 });
  const open = Promise.withResolvers<void>();
  held.until = open.promise;
  const first = beside.score([rowOf(1)]);
  const waiting = beside.score([rowOf(2), rowOf(3)]);
  await assert.rejects(beside.score([rowOf(4), rowOf(5)]), (error: MillError) => {
    return error.code === "endpoint.busy" && error.retryAfterMs === 1000;
  });
  open.resolve();
  assert.deepEqual([[...(await first)], [...(await waiting)]], [[2], [4, 6]]);
  await beside.close();
});

test("a model that died is told since when and why, and is asked until it answers, be it with a refusal of a row without values", async () => {
  const { trained, held } = model({ takesMissing: false });
  const beside = await openBeside(trained, { now, pauseMs: 1 });
  held.dead = true;
  await assert.rejects(
    beside.score([rowOf(1)]),
    (error: MillError) => error.code === "endpoint.down" && error.retryAfterMs === 1,
  );
  assert.deepEqual(beside.down(), { since: 5, why: "The worker died: SIGKILL." });
  const tries = held.tries;
  while (held.tries < tries + 3) await delay(1);
  held.dead = false;
  while (beside.down() !== null) await delay(1);
  assert.deepEqual([[...(await beside.score([rowOf(1)]))], beside.outages()], [[2], 1]);
  await beside.close();
  await assert.rejects(beside.score([rowOf(1)]), { code: "endpoint.down" });
});

test("a model that cannot be started is no version that answers: what kept it is told, and nothing stays", async () => {
  const { trained, held } = model();
  held.dead = true;
  await assert.rejects(openBeside(trained, { now }), { code: "scoring.failed" });
  assert.equal(held.closed, 1);
});
