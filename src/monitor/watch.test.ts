import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, formatMoment, MillError } from "../base/index.ts";
import { dataset, features, files } from "../define/index.ts";
import type { Predictor } from "../learn/index.ts";
import type { BundleManifest } from "../registry/index.ts";
import { type Answer, createEndpoint, type Endpoint } from "../serve/index.ts";
import { type Flight, readJune } from "./fixtures/june.ts";
import { createWatch, type Watch } from "./watch.ts";

const { reference, flights } = await readJune("2001-06-01", "2001-06-08");
const NAME = "late-arrival";
const MINUTE = 60e6;
const DAY = 86_400e6;
const START = Date.parse("2001-06-01T00:00:00Z") * 1000;
/** Rows of a minute of data by day: 1,000 an hour. */
const MINUTE_ROWS = 17;

const flightsData = dataset("flights", {
  from: files("flights.parquet"),
  columns: { date: "timestamp", distance: "int32?", origin: "string?", destination: "string", delay: "int32" },
  time: "date",
  outcomes: { delay: (row) => row.date.plusMinutes(row.distance.dividedBy(7.5).plus(40).orElse(240)) },
  checks: (c) => [c.distance.between(1, 5000)],
});
const departures = features("departures", flightsData, (f) => ({
  hour: f.date.hour(),
  distance: f.distance,
  origin: f.origin,
  destination: f.destination,
}));

/** A real endpoint, whose refusals are real ones; what it answers is nothing to the watch. */
const served: Endpoint = createEndpoint(
  {
    task: "binary-classification",
    classes: [],
    threshold: 0.3,
    dataset: { ...flightsData, time: "date", license: null },
    fields: departures.fields,
  } as unknown as BundleManifest,
  { rowScorer: () => () => Float64Array.of(0.2) } as unknown as Predictor,
);

type Sent = Readonly<Record<string, unknown>>;
const requestOf = ({ date, distance, origin, destination }: Flight): Sent => ({ date, distance, origin, destination });
const eventOf = ({ date, distance, origin, destination, delay }: Flight): Sent => ({
  date,
  distance,
  origin,
  destination,
  delay,
});

interface Traffic {
  readonly watch: Watch;
  clockMs: number;
}
function startTraffic(): Traffic {
  const traffic = { clockMs: 0, watch: undefined as unknown as Watch };
  traffic.watch = createWatch({ referenceOf: () => reference, now: () => traffic.clockMs });
  return traffic;
}

function predict({ watch }: Traffic, times: readonly number[], rows: readonly Sent[]): void {
  try {
    const answers = served.predict(rows, 0) as Answer[];
    watch.predicted(NAME, { endpoint: served, version: 1, times, rows, answers });
  } catch (thrown) {
    watch.refused(NAME, "predict", rows.length, thrown as MillError);
  }
}

function feed({ watch }: Traffic, micros: number, row: Sent): void {
  try {
    served.readEvent(row, 0);
    watch.fed(NAME, 1, [micros]);
  } catch (thrown) {
    watch.refused(NAME, "events", 1, thrown as MillError);
  }
}

const knownAt = ({ micros, distance }: Flight) => micros + (distance / 7.5 + 40) * MINUTE;
const at = (day: number, hour: number) => START + (day - 1) * DAY + hour * 60 * MINUTE;
const causes = (watch: Watch) => watch.findings(NAME).map(({ cause }) => cause);

test("a week of June as it was, flights fed as they land, gives no finding at any minute", () => {
  const traffic = startTraffic();
  const landings = [...flights].sort((a, b) => knownAt(a) - knownAt(b));
  let landed = 0;
  const random = createRandom(7);
  for (let from = 0; from < flights.length; ) {
    const minute = flights[from]!.micros;
    let to = from;
    while (to < flights.length && flights[to]!.micros === minute) to++;
    while (landed < landings.length && knownAt(landings[landed]!) <= minute) {
      feed(traffic, landings[landed]!.micros, eventOf(landings[landed]!));
      landed++;
    }
    const together = flights.slice(from, to).sort(() => random.next() - 0.5);
    for (const flight of together) predict(traffic, [minute], [requestOf(flight)]);
    traffic.clockMs = (minute - START) / 1000; // as live
    const found = traffic.watch.findings(NAME);
    assert.deepEqual(found, [], `${together[0]!.date}: ${found[0]?.sentence}`);
    from = to;
  }
});

/** Sound traffic for two hours, then broken as `broken` says; the rows until something was found. */
function rowsUntilFound(
  since: number,
  broken: (flight: Flight, index: number) => Sent,
  batch = 1,
): { rows: number; watch: Watch } {
  const traffic = startTraffic();
  const sound = flights.filter(({ micros }) => micros >= since - 120 * MINUTE && micros < since);
  for (const flight of sound) predict(traffic, [flight.micros], [requestOf(flight)]);
  assert.deepEqual(traffic.watch.findings(NAME), []);
  const after = flights.filter(({ micros }) => micros >= since && micros < since + 600 * MINUTE);
  for (let index = 0; index < after.length; index += batch) {
    const sent = after.slice(index, index + batch);
    predict(
      traffic,
      sent.map(({ micros }) => micros),
      sent.map((flight, place) => broken(flight, index + place)),
    );
    if (traffic.watch.findings(NAME).length > 0) return { rows: index + sent.length, watch: traffic.watch };
  }
  return { rows: Number.POSITIVE_INFINITY, watch: traffic.watch };
}

const BROKEN: readonly (readonly [what: string, broken: (flight: Flight) => Sent, cause: string])[] = [
  ["a column that is null", (f) => ({ ...requestOf(f), distance: null }), "feed/nulls/distance"],
  ["a text that is null", (f) => ({ ...requestOf(f), origin: null }), "feed/nulls/origin"],
  ["a column that does not change any more", (f) => ({ ...requestOf(f), origin: "ORD" }), "feed/constant/origin"],
  ["a number that does not change any more", (f) => ({ ...requestOf(f), distance: 337 }), "feed/constant/distance"],
  ["garbage in a text", (f) => ({ ...requestOf(f), destination: `?${f.destination}` }), "feed/unseen/destination"],
  ["texts in lower case", (f) => ({ ...requestOf(f), origin: f.origin.toLowerCase() }), "feed/unseen/origin"],
  ["another unit", (f) => ({ ...requestOf(f), distance: Math.round(f.distance * 1.609344) }), "feed/unseen/distance"],
  [
    "two columns swapped for a third",
    (f) => ({ ...requestOf(f), origin: f.destination, destination: f.date }),
    "feed/unseen/destination",
  ],
  ["a number as text", (f) => ({ ...requestOf(f), distance: `${f.distance} mi` }), "feed/refused/distance"],
  ["a field that is missing", ({ date, distance, destination }) => ({ date, distance, destination }), "feed/refused/origin"],
  [
    "a field with a new name",
    ({ origin, ...f }) => ({ date: f.date, distance: f.distance, destination: f.destination, from: origin }),
    "feed/refused/unknown field",
  ],
];

for (const [what, broken, cause] of BROKEN)
  test(`${what} is found within one minute of data, at any hour of the day, with its cause`, () => {
    for (const day of [1, 3, 6])
      for (const hour of [6, 9, 14, 20]) {
        const { rows, watch } = rowsUntilFound(at(day, hour), broken);
        assert.ok(rows <= MINUTE_ROWS, `day ${day}, ${hour}:00: after ${rows} rows`);
        assert.deepEqual(causes(watch), [cause]);
      }
  });

test("a third of broken rows is found within the hour, and the finding is over some minutes after the last of them", () => {
  const { rows, watch } = rowsUntilFound(at(2, 10), (f, index) => ({ ...requestOf(f), origin: index % 3 ? f.origin : null }));
  assert.ok(rows < 60, `after ${rows} rows`);
  const traffic = { watch, clockMs: 0 };
  const sound = flights.filter(({ micros }) => micros >= at(2, 12)).slice(0, 300);
  for (const flight of sound.slice(0, 40)) predict(traffic, [flight.micros], [requestOf(flight)]);
  assert.deepEqual(causes(watch), ["feed/nulls/origin"]);
  for (const flight of sound.slice(40)) predict(traffic, [flight.micros], [requestOf(flight)]);
  assert.deepEqual(watch.findings(NAME), []);
});

test("a change is told in the data's own minute, once when it begins and once when it ends", () => {
  const traffic = startTraffic();
  const told: (readonly [minute: string, causes: readonly string[]])[] = [];
  let moment = 0;
  traffic.watch.onChange(() => told.push([formatMoment(moment).slice(0, 16), causes(traffic.watch)]));
  for (const flight of flights.filter(({ micros }) => micros >= at(2, 9) && micros < at(2, 14))) {
    moment = flight.micros;
    const broken = moment >= at(2, 10) && moment < at(2, 11);
    predict(traffic, [moment], [broken ? { ...requestOf(flight), origin: null } : requestOf(flight)]);
  }
  assert.deepEqual([told.length, told[0], told[1]![1]], [2, ["2001-06-02T10:01", ["feed/nulls/origin"]], []]);
});

test("a finding says what, how much, against what and since when, and weighs as its column does in the model", () => {
  const { watch } = rowsUntilFound(at(2, 10), (f) => ({ ...requestOf(f), origin: null }));
  const [found] = watch.findings(NAME);
  assert.match(found!.sentence, /^origin was null in 4 of 4 rows; the reference's worst hour leads to expect 0\.01 %$/);
  assert.equal(found!.detail.since, "2001-06-02T10:00:00");
  assert.deepEqual([found!.kind, found!.columns], ["feed", ["origin"]]);
  assert.ok(Math.abs(found!.severity - 0.4) < 1e-9, `${found!.severity}`);
});

test("the same row sent again and again, and requests of many rows that are alike, are no constant feed", () => {
  const traffic = startTraffic();
  const [first] = flights;
  for (let time = 0; time < 200; time++) predict(traffic, [first!.micros], [requestOf(first!)]);
  assert.deepEqual(traffic.watch.findings(NAME), []);
  const ofOneAirport = flights.filter(({ origin }) => origin === "ATL").slice(0, 500);
  predict(
    traffic,
    ofOneAirport.map(({ micros }) => micros),
    ofOneAirport.map(requestOf),
  );
  assert.deepEqual(traffic.watch.findings(NAME), []);
});

test("rows that come in requests of a minute's size are judged by requests: found within a few of them", () => {
  for (const broken of [
    (f: Flight) => ({ ...requestOf(f), origin: null }),
    (f: Flight) => ({ ...requestOf(f), origin: "ORD" }),
  ]) {
    const { rows } = rowsUntilFound(at(3, 10), broken, MINUTE_ROWS);
    assert.ok(rows <= 5 * MINUTE_ROWS, `after ${rows} rows`);
  }
});

test("events that do not pass the data set's check are told by the check and the columns it names", () => {
  const traffic = startTraffic();
  for (const flight of flights.slice(0, 500)) {
    predict(traffic, [flight.micros], [requestOf(flight)]);
    feed(traffic, flight.micros, eventOf(flight));
  }
  for (const flight of flights.slice(500, 500 + MINUTE_ROWS)) feed(traffic, flight.micros, { ...eventOf(flight), distance: -1 });
  const [found] = traffic.watch.findings(NAME);
  assert.equal(found!.cause, "feed/refused/distance between 1 and 5000");
  assert.deepEqual(found!.columns, ["distance"]);
  assert.equal(found!.sentence, "17 of 17 events were refused, where 0.1 % may be: expected distance between 1 and 5000");
});

test("a field that breaks requests and events alike is one finding", () => {
  const traffic = startTraffic();
  for (const flight of flights.slice(0, MINUTE_ROWS)) {
    predict(traffic, [flight.micros], [{ ...requestOf(flight), distance: "far" }]);
    feed(traffic, flight.micros, { ...eventOf(flight), distance: "far" });
  }
  assert.deepEqual(causes(traffic.watch), ["feed/refused/distance"]);
  assert.match(traffic.watch.findings(NAME)[0]!.sentence, /requests and .* events were refused/);
});

test("a client's slip is no broken feed: one request in a thousand may be refused", () => {
  const traffic = startTraffic();
  for (const [index, flight] of flights.slice(0, 20_000).entries())
    predict(traffic, [flight.micros], [index % 1000 === 500 ? { ...requestOf(flight), distance: "far" } : requestOf(flight)]);
  assert.deepEqual(traffic.watch.findings(NAME), []);
});

test("a fault of ours is no broken feed", () => {
  const traffic = startTraffic();
  for (let time = 0; time < 100; time++)
    traffic.watch.refused(NAME, "predict", 1, new MillError("scoring.failed", "A graph failed."));
  assert.deepEqual(traffic.watch.findings(NAME), []);
});

test("however many faults a hostile client invents, they are counted in bounded memory and change nothing else", () => {
  const traffic = startTraffic();
  for (const [index, flight] of flights.slice(0, 5000).entries())
    predict(traffic, [flight.micros], [{ ...requestOf(flight), [`x${index}`.repeat(30)]: 1 }]);
  assert.deepEqual(causes(traffic.watch), ["feed/refused/unknown field"]);
  assert.doesNotMatch(traffic.watch.findings(NAME)[0]!.sentence, /x1/);
});

/** Days of traffic as live; events come as `eventsOf` says until `stopAt`. */
function live(until: number, stopAt: number, known: (flight: Flight) => number): { traffic: Traffic; since: () => number } {
  const traffic = startTraffic();
  const events = flights.filter(({ micros }) => micros < until).sort((a, b) => known(a) - known(b));
  let next = 0;
  let foundAt = Number.POSITIVE_INFINITY;
  for (const flight of flights) {
    if (flight.micros >= until || foundAt < Number.POSITIVE_INFINITY) break;
    for (; next < events.length && known(events[next]!) <= flight.micros; next++)
      if (known(events[next]!) < stopAt) feed(traffic, events[next]!.micros, eventOf(events[next]!));
    predict(traffic, [flight.micros], [requestOf(flight)]);
    traffic.clockMs = (flight.micros - START) / 1000;
    if (causes(traffic.watch).length > 0) foundAt = flight.micros;
  }
  return { traffic, since: () => (foundAt - stopAt) / MINUTE };
}

test("events that stop while predictions go on are found after the first day: within three minutes where they come with the rows", () => {
  for (const hour of [8, 14, 19]) {
    const { traffic, since } = live(at(4, 0), at(2, hour), ({ micros }) => micros);
    assert.deepEqual(causes(traffic.watch), ["feed/events/stopped"]);
    assert.ok(since() <= 3, `${since()} minutes at ${hour}:00`);
    assert.deepEqual(traffic.watch.findings(NAME)[0]!.columns, ["delay"]);
  }
});

test("events that stop are found within the half hour where each comes hours after its row, as flights that land", () => {
  for (const hour of [8, 14, 19]) {
    const { traffic, since } = live(at(4, 0), at(2, hour), knownAt);
    assert.deepEqual(causes(traffic.watch), ["feed/events/stopped"]);
    assert.ok(since() <= 30, `${since()} minutes at ${hour}:00`);
  }
});

test("a replay that begins again days later is no stop of the events", () => {
  const traffic = startTraffic();
  const send = (from: number, to: number) => {
    const sent = flights.filter(({ micros }) => micros >= from && micros < to);
    const landings = sent.toSorted((a, b) => knownAt(a) - knownAt(b));
    for (const flight of sent) {
      for (; landings.length > 0 && knownAt(landings[0]!) <= flight.micros; landings.shift())
        feed(traffic, landings[0]!.micros, eventOf(landings[0]!));
      predict(traffic, [flight.micros], [requestOf(flight)]);
      assert.deepEqual(causes(traffic.watch), [], flight.date);
    }
  };
  send(at(1, 0), at(2, 12));
  send(at(5, 9), at(5, 18));
});

test("strays from the future, however many come in all, are no stop of the events and hide none", () => {
  const traffic = startTraffic();
  const [sent, stop] = [flights.filter(({ micros }) => micros < at(4, 9)), at(4, 8)];
  const landings = sent.toSorted((a, b) => knownAt(a) - knownAt(b)).filter((flight) => knownAt(flight) < stop);
  let landed = 0;
  for (const [index, flight] of sent.entries()) {
    for (; landed < landings.length && knownAt(landings[landed]!) <= flight.micros; landed++)
      feed(traffic, landings[landed]!.micros, eventOf(landings[landed]!));
    predict(traffic, [flight.micros], [requestOf(flight)]);
    if (index % 1000 === 999) predict(traffic, [flight.micros + 36_500 * DAY], [requestOf(flight)]);
    if (flight.micros < stop) assert.deepEqual(causes(traffic.watch), [], flight.date);
  }
  assert.deepEqual(causes(traffic.watch), ["feed/events/stopped"]);
});

test("before a whole day was seen nobody knows what is usual, so that events that stop are not judged", () => {
  const { traffic } = live(at(1, 20), at(1, 9), ({ micros }) => micros);
  assert.deepEqual(traffic.watch.findings(NAME), []);
});

test("events that begin to come a day late are found", () => {
  const late = ({ micros }: Flight) => (micros < at(3, 6) ? micros : micros + DAY);
  const { traffic } = live(at(6, 0), Number.POSITIVE_INFINITY, late);
  assert.ok(causes(traffic.watch).some((cause) => cause === "feed/events/stopped" || cause === "feed/events/late"));
});

test("requests that stop are found where data time runs as the wall clock does, by day and not by night; a replay may pause", () => {
  const silenceAfter = (from: number, to: number, speed: number, minutes: number) => {
    const traffic = startTraffic();
    for (const flight of flights.filter(({ micros }) => micros >= from && micros < to)) {
      traffic.clockMs = (flight.micros - from) / 1000 / speed;
      predict(traffic, [flight.micros], [requestOf(flight)]);
    }
    assert.deepEqual(traffic.watch.findings(NAME), []);
    traffic.clockMs += minutes * 60_000;
    return causes(traffic.watch);
  };
  assert.deepEqual(silenceAfter(at(2, 9), at(2, 12), 1, 6), ["feed/silence"]);
  assert.deepEqual(silenceAfter(at(2, 9), at(2, 12), 1, 2), []);
  assert.deepEqual(silenceAfter(at(2, 22), at(3, 2), 1, 150), []);
  assert.deepEqual(silenceAfter(at(2, 22), at(3, 2), 1, 300), ["feed/silence"]);
  assert.deepEqual(silenceAfter(at(2, 9), at(2, 12), 10, 600), []);
});

test("predictions that could not be written down are a loss until fifty rows were written again", () => {
  const traffic = startTraffic();
  const full = new MillError("lake.disk-full", "The disk is full.");
  for (const flight of flights.slice(0, 200)) {
    predict(traffic, [flight.micros], [requestOf(flight)]);
    traffic.watch.lost(NAME, 1, full);
  }
  const [found] = traffic.watch.findings(NAME);
  assert.deepEqual([found!.cause, found!.kind, found!.severity], ["loss/predictions", "loss", 1]);
  assert.match(found!.sentence, /^200 predictions were answered but could not be written down \(lake\.disk-full\)$/);
  for (const flight of flights.slice(200, 249)) predict(traffic, [flight.micros], [requestOf(flight)]);
  assert.equal(causes(traffic.watch).length, 1);
  for (const flight of flights.slice(249, 255)) predict(traffic, [flight.micros], [requestOf(flight)]);
  assert.deepEqual(traffic.watch.findings(NAME), []);
});

test("while no reference is known columns are not judged, and another endpoint's trouble is not this one's", () => {
  const watch = createWatch({ referenceOf: () => null, now: () => 0 });
  const traffic = { watch, clockMs: 0 };
  for (const flight of flights.slice(0, 200)) predict(traffic, [flight.micros], [{ ...requestOf(flight), origin: null }]);
  assert.deepEqual(watch.findings(NAME), []);
  for (let time = 0; time < 20; time++)
    watch.refused("other", "predict", 1, new MillError("request.row", "no", { at: "/rows/0/x" }));
  assert.deepEqual(watch.findings(NAME), []);
  assert.equal(watch.findings("other").length, 1);
  assert.deepEqual(watch.findings("never-heard-of"), []);
});

test("labels that are refused are a finding of their own, which explains no drift", () => {
  const traffic = startTraffic();
  for (const flight of flights.slice(0, MINUTE_ROWS)) {
    predict(traffic, [flight.micros], [requestOf(flight)]);
    traffic.watch.refused(NAME, "feedback", 1, new MillError("request.row", "expected true or false", { at: "/labels/0/label" }));
  }
  assert.deepEqual(causes(traffic.watch), ["feed/refused/labels"]);
  assert.deepEqual(traffic.watch.findings(NAME)[0]!.columns, ["label"]);
});
