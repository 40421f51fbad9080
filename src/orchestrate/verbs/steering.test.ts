/** What people do to work that waits or runs, as the verbs have it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { VERBS } from "../../contract/index.ts";
import { checkJson } from "../../guard/index.ts";
import { finished, openDeliveries, type Platform } from "../fixtures/platform.ts";

const POOLS = { train: 1 };

async function waiting(platform: Platform) {
  for (let tries = 0; ; tries++) {
    const status = await platform.call("status", {});
    const step = status.steps.find(({ state }) => state === "queued");
    if (step) return { status, step };
    assert.ok(tries < 500, "no step waits");
    await delay(20);
  }
}

test("a step whose kind is limited waits while its pool is paused, is told by the status, and goes on when it is resumed", async () => {
  const platform = await openDeliveries({ pools: POOLS });
  assert.equal((await platform.call("pauseWork", { what: "pool", name: "train" })).changed, true);
  const running = platform.run();
  const { status, step } = await waiting(platform);
  assert.equal(checkJson(VERBS.status.output, JSON.parse(JSON.stringify(status))), null);
  assert.deepEqual([step.kind, step.target, status.running[0]!.id], ["train", "model/late", step.run]);
  assert.match(status.targets.find(({ target }) => target === "model/late")!.detail, /^train waits/);
  assert.deepEqual(status.pools, [{ name: "train", places: 1 }]);
  assert.deepEqual(
    status.pauses.map(({ what, name, by }) => [what, name, by]),
    [["pool", "train", "tester"]],
  );
  assert.deepEqual(await platform.call("stepLog", { id: step.id }), { attempt: 0, text: "", next: 0, ended: false });
  assert.equal((await platform.call("resumeWork", { what: "pool", name: "train" })).changed, true);
  assert.equal(finished(await running).state, "succeeded");
  const { steps, pauses } = await platform.call("status", {});
  assert.deepEqual([steps, pauses], [[], []]);
  assert.equal((await platform.call("cancelStep", { id: step.id })).cancelled, false);
  await platform.close();
});

test("a cancelled run, or one of which a step is cancelled, ends as cancelled, and the next one goes on from there", async () => {
  const platform = await openDeliveries({ pools: POOLS });
  await platform.call("pauseWork", { what: "pool", name: "train" });
  for (const verb of ["cancelRun", "cancelStep"] as const) {
    const running = platform.run();
    const { step } = await waiting(platform);
    const id = verb === "cancelRun" ? step.run! : step.id;
    assert.deepEqual(await platform.call(verb, { id }), { id, cancelled: true });
    assert.equal(finished(await running).state, "cancelled");
    assert.equal((await platform.call("stepLog", { id: step.id })).ended, true, "nothing will follow");
  }
  await platform.call("resumeWork", { what: "pool", name: "train" });
  const { state, current } = finished(await platform.run());
  assert.deepEqual([state, current > 0], ["succeeded", true]);
  await platform.close();
});

test("what does not exist is neither paused nor cancelled", async () => {
  const platform = await openDeliveries({ pools: POOLS });
  const nobody = "01890000-0000-7000-8000-000000000000";
  const refused = (asked: Promise<unknown>, code: string) => assert.rejects(asked, { code });
  await assert.rejects(platform.call("pauseWork", { what: "pool", name: "trian" }), {
    code: "step.unknown-pool",
    message: /Did you mean "train"/,
  });
  await refused(platform.call("pauseWork", { what: "run", name: nobody }), "run.unknown");
  await refused(platform.call("cancelRun", { id: nobody }), "run.unknown");
  await refused(platform.call("cancelStep", { id: nobody }), "step.unknown");
  await refused(platform.call("stepLog", { id: nobody }), "step.unknown");
  await platform.close();
});
