/** The command against a server that writes down what comes: what is sent, in which order, and what happens when the server goes. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { formatMoment, MillError, parseMoment } from "../../base/index.ts";
import { EXIT } from "../../contract/index.ts";
import type { Effects } from "../app.ts";
import { runCli } from "../run-cli.ts";
import { createDelivery } from "./delivery.ts";
import { type RecorderOptions, startRecorder } from "./fixtures/recorder.ts";

const root = await mkdtemp(join(tmpdir(), "mill-traffic-test-"));
after(() => rm(root, { recursive: true, force: true }));

const DEFINITIONS = `
import { dataset, endpoint, features, files, byTime, gradientBoosting, model, problem } from "millwright";
const late = problem("late", { question: "Late?", task: "binary-classification", owner: "o@example.org" });
const flights = dataset("flights", {
  from: files("flights.csv"),
  where: (c) => c.date.before("2001-06-01"),
  columns: { date: "timestamp", distance: "int32", origin: "string", delay: "int32" },
  time: "date",
  outcomes: { delay: (r) => r.date.plusMinutes(r.distance) },
  split: byTime({ test: 0.2, holdout: 0.2 }),
});
const departures = features("departures", flights, (f) => ({ distance: f.distance, recent: f.delay.mean().by(f.origin).last("3h") }));
const classifier = model("late", { solves: late, from: departures, label: (f) => f.delay.gt(15), train: gradientBoosting() });
export const gate = endpoint("late", { serves: classifier });
export const other = endpoint("later", { serves: classifier });
`;
const REQUEST = [
  { name: "date", type: "timestamp", nullable: false },
  { name: "distance", type: "int32", nullable: false },
  { name: "origin", type: "string", nullable: false },
];

/** A flight every ten minutes; each has landed after as many minutes as its distance, 25 to 115. */
const FLIGHTS = Array.from({ length: 60 }, (_, n) => ({
  date: formatMoment(parseMoment("2001-05-31T22:00:00")!.micros + n * 600e6),
  distance: 25 + ((n * 37) % 91),
  origin: n % 3 === 0 ? "ATL" : "ORD",
  delay: n % 40,
}));
const HELD = FLIGHTS.filter(({ date }) => date >= "2001-06-01");

let made = 0;
async function projectFolder(): Promise<string> {
  const folder = join(root, `p${made++}`);
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(join(folder, "mill.ts"), DEFINITIONS);
  const lines = FLIGHTS.map((flight) => Object.values(flight).join(","));
  await writeFile(join(folder, "flights.csv"), `${["date,distance,origin,delay", ...lines].join("\n")}\n`);
  return folder;
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function traffic(
  cwd: string,
  words: readonly string[],
  more: Partial<Effects> & { stop?: AbortSignal } = {},
): Promise<Ran> {
  const ran = { out: "", err: "" };
  const code = await runCli(
    ["traffic", ...words],
    {
      stdout: (text) => {
        ran.out += text;
      },
      stderr: (text) => {
        ran.err += text;
      },
      isTTY: false,
      columns: 160,
      env: {},
      cwd,
      stdin: async () => "",
      secret: async () => "",
      onStop: (listener) => {
        more.stop?.addEventListener("abort", listener);
        return () => more.stop?.removeEventListener("abort", listener);
      },
      ...more,
    },
    {
      version: "0",
      open: () => Promise.reject(new Error("traffic opens no workspace")),
      rebuild: () => Promise.reject(new Error("traffic rebuilds nothing")),
    },
  );
  return { code, ...ran };
}

async function recorded(options: Partial<RecorderOptions> = {}) {
  const folder = await projectFolder();
  const recorder = await startRecorder(join(folder, ".mill"), { request: REQUEST, newest: "2001-05-31T23:50:00", ...options });
  return { folder, recorder };
}

interface Sent {
  readonly kind: "request" | "event" | "label";
  readonly id: string;
  readonly row: Readonly<Record<string, unknown>>;
}

/** Everything that came, row by row; a request has the id that its label carries. */
function sentRows(came: Awaited<ReturnType<typeof recorded>>["recorder"]["came"]): Sent[] {
  let answered = 0;
  return came.flatMap(({ verb, body }): Sent[] => {
    if (verb === "predict") return [{ kind: "request", id: `p${answered++}`, row: body.rows![0]! }];
    if (verb === "events") return body.rows!.map((row, n) => ({ kind: "event", id: body.ids![n]!, row }));
    if (verb === "feedback") return body.labels!.map(({ id, ...row }) => ({ kind: "label", id, row }));
    return [];
  });
}

const landing = ({ date, distance }: Readonly<Record<string, unknown>>) =>
  parseMoment(String(date))!.micros + Number(distance) * 60e6;
const micros = (text: unknown) => parseMoment(String(text))!.micros;

test("what `where` leaves out is asked in the order of its time; what has landed is told before the next minute is asked", async (t) => {
  const { folder, recorder } = await recorded();
  t.after(() => recorder.close());
  const { code, out, err } = await traffic(folder, ["--endpoint", "late"]);
  assert.equal(code, 0, err);
  const sent = sentRows(recorder.came);
  const of = (kind: Sent["kind"]) => sent.filter((one) => one.kind === kind);
  assert.deepEqual(
    of("request").map(({ row }) => row),
    HELD.map(({ date, distance, origin }) => ({ date, distance, origin })),
  );
  const byDate = (rows: readonly Readonly<Record<string, unknown>>[]) =>
    [...rows]
      .sort((a, b) => micros(a.date) - micros(b.date))
      .map(({ date, distance, origin, delay }) => ({ date, distance, origin, delay }));
  assert.deepEqual(byDate(of("event").map(({ row }) => row)), HELD);
  assert.equal(new Set(of("event").map(({ id }) => id)).size, HELD.length);

  for (const [place, { kind, row }] of sent.entries()) {
    if (kind !== "request") continue;
    const told = sent.slice(0, place).filter((one) => one.kind === "event");
    const landed = HELD.filter((flight) => landing(flight) <= micros(row.date));
    assert.deepEqual(byDate(told.map((one) => one.row)), landed, `before ${row.date}`);
  }
  for (const { id, row } of of("label")) {
    const flight = HELD[Number(id.slice(1))]!;
    assert.deepEqual(row, { label: flight.delay > 15, at: formatMoment(landing(flight)) });
  }
  assert.equal(of("label").length, HELD.length);
  assert.match(out, /^done: 2001-06-01T00:00:00 to .*late +48 +v3 48 +48 +48 +0 /s);
  assert.match(err, /^2001-06-01 {2}48 predictions \(v3\), 48 labels, 48 events, 0 refused {2}p50 /);
});

test("two endpoints each get all; ids of rows are the same in every run, but those of changed rows", async (t) => {
  const { folder, recorder } = await recorded();
  t.after(() => recorder.close());
  const idsOf = async (...words: string[]) => {
    recorder.came.length = 0;
    assert.equal((await traffic(folder, words)).code, 0);
    return sentRows(recorder.came).flatMap(({ kind, id }) => (kind === "event" ? [id] : []));
  };
  const both = await idsOf();
  assert.equal(both.length, 2 * HELD.length);
  const [first, again] = [await idsOf("--endpoint", "late"), await idsOf("--endpoint", "later")];
  assert.deepEqual(first, again);
  assert.deepEqual(new Set(both), new Set(first));
  const changed = await idsOf("--endpoint", "late", "--at", "2001-06-01T04:00:00", "--shift", "delay+60");
  const before = HELD.filter(({ date }) => date < "2001-06-01T04:00:00").length;
  assert.equal(changed.filter((id) => first.includes(id)).length, before);
});

test("from a moment on a shift changes events and labels; a break and a unit only what is sent", async (t) => {
  const { folder, recorder } = await recorded();
  t.after(() => recorder.close());
  const at = "2001-06-01T04:00:00";
  const words = [
    "--endpoint",
    "late",
    "--at",
    at,
    "--shift",
    "delay+60:origin=ATL",
    "--unit",
    "distance*2",
    "--break",
    "delay=7",
  ];
  assert.equal((await traffic(folder, words)).code, 0);
  const sent = sentRows(recorder.came);
  for (const { kind, id, row } of sent) {
    if (kind === "label") {
      const { date, origin, delay } = HELD[Number(id.slice(1))]!;
      assert.equal(row.label, delay + (date >= at && origin === "ATL" ? 60 : 0) > 15, `${date}`);
      continue;
    }
    const { distance, delay } = HELD.find(({ date }) => date === row.date)!;
    const changed = String(row.date) >= at;
    assert.equal(row.distance, changed ? 2 * distance : distance);
    if (kind === "event") assert.equal(row.delay, changed ? 7 : delay);
  }
});

test("--from, --to, --share, --no-events and --no-feedback choose what is sent", async (t) => {
  const { folder, recorder } = await recorded();
  t.after(() => recorder.close());
  const sentWith = async (...words: string[]) => {
    recorder.came.length = 0;
    const { code, err } = await traffic(folder, ["--endpoint", "late", ...words]);
    assert.equal(code, 0, err);
    return sentRows(recorder.came);
  };
  const [from, to] = ["2001-06-01T02:00:00", "2001-06-01T04:00:00"];
  const between = await sentWith("--from", from, "--to", to);
  assert.deepEqual(
    between.flatMap(({ kind, row }) => (kind === "request" ? [row.date] : [])),
    HELD.flatMap(({ date }) => (date >= from && date < to ? [date] : [])),
  );
  const told = between.flatMap(({ kind, row }) => (kind === "event" ? [String(row.date)] : [])).sort();
  const landedSince = HELD.filter((flight) => flight.date < to && landing(flight) >= micros(from)).map(({ date }) => date);
  assert.deepEqual(told, landedSince, "those in the air at the beginning are told when they land");

  const some = await sentWith("--share", "0.4");
  const asked = some.filter(({ kind }) => kind === "request").length;
  assert.ok(asked > 0 && asked < HELD.length, `${asked}`);
  assert.equal(some.filter(({ kind }) => kind === "label").length, asked);
  assert.equal(some.filter(({ kind }) => kind === "event").length, HELD.length);

  const silent = await sentWith("--no-events", "--no-feedback");
  assert.deepEqual(new Set(silent.map(({ kind }) => kind)), new Set(["request"]));
});

test("refused requests are counted by their reason, and have no label", async (t) => {
  const { folder, recorder } = await recorded({
    on: ({ verb, body }) => (verb === "predict" && body.rows![0]!.origin === "ATL" ? 422 : undefined),
  });
  t.after(() => recorder.close());
  const { code, out } = await traffic(folder, ["--endpoint", "late", "--json"]);
  assert.equal(code, 0);
  const [late] = JSON.parse(out).data.endpoints;
  const refused = HELD.filter(({ origin }) => origin === "ATL").length;
  assert.deepEqual(late.refused, [{ reason: 'predict: field "distance": expected a number', count: refused }]);
  assert.deepEqual([late.predictions, late.labels, late.events], [HELD.length - refused, HELD.length - refused, HELD.length]);
  assert.deepEqual(late.byVersion, [{ version: 3, predictions: HELD.length - refused }]);
});

test("a server that goes away in the middle and comes back elsewhere gets everything", async (t) => {
  let gone = 0;
  const { folder, recorder } = await recorded({
    on: ({ verb }, server) => {
      const goes = gone === 0 ? server.came.length === 40 : gone === 1 && verb === "feedback" && server.came.length > 80;
      if (goes) {
        gone++;
        void server.restart();
      }
      return undefined;
    },
  });
  t.after(() => recorder.close());
  const { code, out, err } = await traffic(folder, ["--endpoint", "late", "--json"]);
  assert.equal(code, 0, err);
  assert.equal(gone, 2);
  const [late] = JSON.parse(out).data.endpoints;
  assert.deepEqual([late.predictions, late.labels, late.events, late.refused], [HELD.length, HELD.length, HELD.length, []]);
  const rows = sentRows(recorder.came);
  assert.equal(new Set(rows.flatMap(({ kind, id }) => (kind === "event" ? [id] : []))).size, HELD.length);
});

test("a server that stays away is told after the patience, and a stop ends the waiting at once", async () => {
  const away = { find: async () => null, signal: new AbortController().signal };
  const failed = createDelivery({ ...away, patienceMs: 120 }).send("listAlerts", {});
  await assert.rejects(failed, (error: MillError) => error.code === "cli.server-missing");
  const stop = new AbortController();
  const waiting = createDelivery({ ...away, signal: stop.signal }).send("listAlerts", {});
  stop.abort();
  await assert.rejects(waiting, (error: MillError) => error instanceof MillError && error.code === "cli.interrupted");
});

test("Ctrl-C stops between two steps, says where to go on, and ends with 130", async (t) => {
  const stop = new AbortController();
  const { folder, recorder } = await recorded({
    on: (_, server) => {
      if (server.came.length === 30) stop.abort();
      return undefined;
    },
  });
  t.after(() => recorder.close());
  const { code, out } = await traffic(folder, ["--endpoint", "late", "--json"], { stop: stop.signal });
  assert.equal(code, EXIT.interrupted);
  const { state, to, endpoints } = JSON.parse(out).data;
  const requests = sentRows(recorder.came).filter(({ kind }) => kind === "request");
  assert.deepEqual([state, endpoints[0].predictions], ["interrupted", requests.length]);
  assert.ok(requests.length < HELD.length && to >= String(requests.at(-1)!.row.date));
});

test("with --speed, data time does not run ahead of the clock", async (t) => {
  const { folder, recorder } = await recorded();
  t.after(() => recorder.close());
  const startedMs = performance.now();
  const { code } = await traffic(folder, ["--endpoint", "late", "--to", "2001-06-01T01:00:00", "--speed", "20000"]);
  assert.equal(code, 0);
  const dataSeconds =
    Math.max(...HELD.filter(({ date }) => date < "2001-06-01T01:00:00").map(landing)) / 1e6 - micros("2001-06-01") / 1e6;
  assert.ok(performance.now() - startedMs >= (dataSeconds / 20000) * 1000);
});

test("on a terminal one line is drawn over, no wider than it", async (t) => {
  const { folder, recorder } = await recorded();
  t.after(() => recorder.close());
  const { code, err } = await traffic(folder, ["--endpoint", "late"], { isTTY: true, columns: 70 });
  assert.equal(code, 0);
  const drawn = err.split("\r\u001b[K").slice(1);
  assert.match(drawn.at(-1)!, /^2001-06-01T\d\d:\d\d █+░* \d+ % {2}.*\/s {2}v3 {2}p50/);
  for (const line of drawn) assert.ok([...line.trimEnd()].length < 70, line);
});

const folder = await projectFolder();
for (const [words, code, said] of [
  [["--step", "fast"], EXIT.definitions, /"fast" is not a duration.*--step/s],
  [["--share", "2"], EXIT.usage, /--share cannot be read.*above 0, at most 1.*got: +2/s],
  [["--share", "0"], EXIT.usage, /--share cannot be read/],
  [["--speed", "-3"], EXIT.usage, /--speed cannot be read.*a number above 0/s],
  [["--concurrency", "1.5"], EXIT.usage, /a whole number from 1 to 256/],
  [["--at", "2001-06-02"], EXIT.usage, /--at and what happens then go together.*got: +--at alone/s],
  [["--shift", "delay+60"], EXIT.usage, /go together.*got: +--shift without --at/s],
  [["a", "b"], EXIT.usage, /mill traffic takes \[FOLDER\]/],
  [[".", "--project", "."], EXIT.usage, /given twice/],
  [["--endpoint", "lat"], EXIT.notFound, /no endpoint "lat"\. Did you mean "late"/],
  [["--evnts"], EXIT.usage, /no flag --evnts/],
  [[], EXIT.away, /No server runs for this workspace.*mill up/s],
  [["nowhere"], EXIT.definitions, /There is no project in/],
] as const)
  test(`mill traffic ${words.join(" ")} is refused with what was expected`, async () => {
    const ran = await traffic(folder, words);
    assert.equal(ran.code, code, ran.err);
    assert.match(ran.err, said);
  });

test("times and changes that do not fit the data set are refused before anything is sent", async (t) => {
  const { folder, recorder } = await recorded();
  t.after(() => recorder.close());
  for (const [words, said] of [
    [["--from", "soon"], /--from is no moment.*a time without offset/s],
    [["--to", "2001-06-02T00:00:00Z"], /--to is no moment/],
    [["--at", "2001-06-02", "--break", "dstance"], /--break cannot be read.*Did you mean "distance"/s],
    [["--from", "2002-01-01"], /no rows behind those taken in between --from and --to/],
  ] as const) {
    const ran = await traffic(folder, words);
    assert.ok(ran.code === EXIT.usage || ran.code === EXIT.data, ran.err);
    assert.match(ran.err, said);
  }
  assert.deepEqual(sentRows(recorder.came), []);
});

test("a data set that keeps nothing back, or has no time, says what to write", async (t) => {
  const { folder, recorder } = await recorded({ newest: "2001-07-01T00:00:00" });
  t.after(() => recorder.close());
  assert.match((await traffic(folder, [])).err, /no rows behind those taken in.*cli\.no-traffic/s);
  await writeFile(join(folder, "mill.ts"), DEFINITIONS.replace(/where: .*/, ""));
  assert.match((await traffic(folder, [])).err, /the data set takes all rows in.*where: \(c\) => c\.date\.before/s);
});
