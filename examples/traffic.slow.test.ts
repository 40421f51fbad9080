/**
 * June as live traffic, in small: what the platform does by itself when all is as before, when the world changes, when the feed breaks, and when its
 * process is killed. One trained workspace, copied for each.
 */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import type { Summary } from "../src/cli/traffic/summary.ts";
import type { OutputOf } from "../src/contract/index.ts";
import { ask } from "./ask.ts";
import { readLake } from "./read-lake.ts";
import { ended, mill, millJson, newPath, serve, start, stopped } from "./run-mill.ts";
import { smallFlights } from "./small-flights.ts";

type Monitor = OutputOf<"getMonitor">;
type Alert = OutputOf<"listAlerts">["items"][number];

const ENDPOINT = "late-arrival";
/** Fewer steps than the default makes: each waits for the disk. */
const STEP = ["--step", "5m"];

let project: string;
before(async () => {
  project = await smallFlights();
  const run = await mill("run", "--project", project);
  assert.equal(run.code, 0, run.stderr);
});

/** A server over a copy of the trained workspace. */
async function world() {
  const workspace = newPath("workspace");
  await cp(join(project, ".mill"), workspace, { recursive: true });
  const at = ["--project", project, "--workspace", workspace];
  let server = await serve(...at);
  const get = async <T>(path: string) => (await ask(server.url, path)).json<T>();
  return {
    workspace,
    at,
    /** Sends traffic to its end; what became of it. */
    async send(...words: string[]): Promise<Summary["endpoints"][number]> {
      return (await millJson<Summary>("traffic", ...at, ...STEP, ...words)).endpoints[0]!;
    },
    monitor: () => get<Monitor>(`/v1/endpoints/${ENDPOINT}/monitor`),
    answeredSinceStart: async () => (await get<OutputOf<"getEndpoint">>(`/v1/endpoints/${ENDPOINT}`)).predictions,
    async alerts(): Promise<readonly Alert[]> {
      return (await get<OutputOf<"listAlerts">>("/v1/alerts?limit=1000")).items;
    },
    async restart(signal: NodeJS.Signals) {
      await stopped(server.child, signal);
      server = await serve(...at);
    },
    stop: () => stopped(server.child, "SIGTERM"),
    log: () => server.text.stderr,
  };
}

const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 250;

/** The first of what `look` gives that is not undefined; after the patience, a failure that shows what there was. */
async function until<T>(what: string, look: () => Promise<T | undefined>, shown: () => Promise<unknown>): Promise<T> {
  for (const startedMs = performance.now(); performance.now() - startedMs < PATIENCE_MS; ) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  assert.fail(`${what}: ${JSON.stringify(await shown(), null, 1)}`);
}

const told = ({ happenings }: Monitor, what: string) => happenings.filter((one) => one.what === what).map(({ text }) => text);
const sum = (days: Monitor["days"], of: (day: Monitor["days"][number]) => number) =>
  days.reduce((total, day) => total + of(day), 0);

test("as is: nothing is told but a storm; each day is judged by its labels; online is offline; after a week a new version is trained and comes to answer all requests", async (t) => {
  const { send, monitor, alerts, stop } = await world();
  t.after(stop);
  const week = await send("--to", "2001-06-08T03:00:00");
  assert.deepEqual([week.refused, week.unlogged, week.eventsRepeated], [[], 0, 0]);
  assert.ok(
    week.predictions > 9000 && week.labels === week.predictions && week.events === week.predictions,
    JSON.stringify(week),
  );

  const days = await until(
    "seven days are over",
    async () => {
      const found = (await monitor()).days.filter(({ day }) => day < "2001-06-08");
      return found.length === 7 && found.every(({ parity, realised }) => parity !== null && realised !== null)
        ? found
        : undefined;
    },
    monitor,
  );
  for (const { day, rows, labelled, realised, parity } of days) {
    const { value, interval } = realised!.auc!;
    assert.equal(labelled, rows, day);
    assert.ok(interval![0]! < value! && value! < interval![1]! && value! > 0.55, `${day}: ${JSON.stringify(realised!.auc)}`);
    assert.deepEqual(
      Object.values(parity!.mismatches).filter((rows) => rows > 0),
      [],
      `${day}: ${JSON.stringify(parity)}`,
    );
    assert.ok(parity!.replayed > parity!.late, day);
  }
  const { feedback } = await monitor();
  assert.deepEqual([feedback.labels, feedback.matched, feedback.waiting, feedback.corrected], [week.labels, week.labels, 0, 0]);
  // Thunderstorms over Atlanta: half of its flights were late on June 3 and 4. The world changed, and nothing else is to be found; where the week was over
  // before its days were looked at, the storm was too, and is not told.
  assert.deepEqual(
    (await alerts()).map(({ cause }) => cause).filter((cause) => cause !== "quality/group/origin=ATL"),
    [],
  );

  await until("it is trained again", async () => (told(await monitor(), "retraining").length >= 2 ? true : undefined), monitor);
  const [cause, outcome] = told(await monitor(), "retraining");
  assert.match(cause!, /1w of data have passed/);
  assert.match(outcome!, /version 2 passed its gate and answers 25 % of the requests/);
  const rest = await send("--from", "2001-06-08T03:00:00");
  assert.deepEqual(new Set(rest.byVersion.map(({ version }) => version)), new Set([1, 2]));
  const ends = await until(
    "the canary is over",
    async () => ((await monitor()).rollout === null ? await monitor() : undefined),
    monitor,
  );
  assert.ok(told(ends, "canary").length >= 2, JSON.stringify(ends.happenings));
  assert.ok(sum(ends.days, ({ rows }) => rows) >= week.predictions);
});

test("shifted: that all flights of one airport are late is told, and a new version is trained because of them", async (t) => {
  const { send, monitor, alerts, stop } = await world();
  t.after(stop);
  const sent = await send(
    "--to",
    "2001-06-05T06:00:00",
    "--at",
    "2001-06-03",
    "--shift",
    "delay+60:origin=ORD,delay+60:destination=ORD",
  );
  assert.deepEqual(sent.refused, []);
  const found = await until(
    "the change is told",
    async () => (await alerts()).find(({ cause }) => cause === "quality/group/origin=ORD"),
    alerts,
  );
  assert.ok(found.openedAsOf !== null && found.openedAsOf >= "2001-06-03", JSON.stringify(found));
  assert.deepEqual(
    (await alerts()).filter(({ kind }) => kind === "feed" || kind === "parity" || kind === "loss"),
    [],
  );
  await until("it is trained again", async () => (told(await monitor(), "retraining").length >= 2 ? true : undefined), monitor);
  const [cause, outcome] = told(await monitor(), "retraining");
  assert.match(cause!, /calibrationError was .* on 2001-06-0[34]/);
  assert.match(outcome!, /version 2 passed its gate|was refused/);
});

for (const [what, change, cause] of [
  ["is missing", ["--break", "distance"], /distance/],
  ["is always the same", ["--break", "origin=ORD"], /origin/],
  ["comes in kilometres", ["--unit", "distance*1.609"], /distance/],
] as const)
  test(`broken: a column that ${what} is told as such, before and instead of the drift that it explains`, async (t) => {
    const { send, monitor, alerts, stop } = await world();
    t.after(stop);
    await send("--to", "2001-06-04T04:00:00", "--at", "2001-06-02T12:00:00", ...change);
    const found = await until("the feed is told", async () => (await alerts()).find(({ kind }) => kind === "feed"), alerts);
    assert.match(found.cause, cause);
    const { since } = found.detail as { readonly since: string };
    assert.ok(since >= "2001-06-02T11:50" && since < "2001-06-02T12:30", JSON.stringify(found));
    const stands = (await monitor()).dataTime! < "2001-06-03"; // when every row is refused, so does the data's clock
    if (!stands)
      await until("the day is over", async () => (await monitor()).days.find(({ day }) => day === "2001-06-03"), monitor);
    const drifted = (await alerts()).filter((alert) => alert.kind === "drift" && cause.test(alert.cause));
    assert.deepEqual(drifted, []);
  });

test("killed in the middle and started again: all that was acknowledged is on record, once", async () => {
  const { at, workspace, answeredSinceStart, restart, stop, log } = await world();
  const { child, text } = start(["traffic", ...at, ...STEP, "--to", "2001-06-02T12:00:00", "--json"]);
  for (const answered of [400, 800]) {
    await until("traffic flows", async () => ((await answeredSinceStart()) >= answered ? true : undefined), answeredSinceStart);
    await restart("SIGKILL");
  }
  assert.equal(await ended(child), 0, text.stdout + text.stderr);
  const [sent] = (JSON.parse(text.stdout) as { data: Summary }).data.endpoints;
  assert.equal(await stop(), 0, log());

  const [predictions] = await readLake(
    workspace,
    `${ENDPOINT}-predictions`,
    "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM rows",
  );
  assert.equal(predictions!.n, predictions!.ids);
  const unheard = Number(predictions!.n) - sent!.predictions;
  assert.ok(unheard >= 0 && unheard <= sent!.askedAgain, `${unheard} of ${sent!.askedAgain} asked again`);
  assert.deepEqual(sent!.refused, []);
  assert.equal(sent!.labels, sent!.predictions);

  const [feedback] = await readLake(workspace, `${ENDPOINT}-feedback`, "SELECT count(DISTINCT id) AS ids FROM rows");
  assert.equal(feedback!.ids, sent!.labels);
  const labelled = await readLake(workspace, `${ENDPOINT}-feedback`, "SELECT DISTINCT id FROM rows");
  const logged = new Set((await readLake(workspace, `${ENDPOINT}-predictions`, "SELECT id FROM rows")).map(({ id }) => id));
  assert.ok(
    labelled.every(({ id }) => logged.has(id!)),
    "each label belongs to a prediction on record",
  );

  const [events] = await readLake(workspace, `${ENDPOINT}-events`, "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM rows");
  assert.deepEqual([events!.n, events!.ids], [sent!.predictions, sent!.predictions]);
  assert.equal(sent!.events + sent!.eventsRepeated, sent!.predictions);
});
