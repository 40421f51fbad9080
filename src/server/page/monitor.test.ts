import assert from "node:assert/strict";
import { test } from "node:test";
import type { Alert, OutputOf } from "../../contract/index.ts";
import { june } from "../fixtures/june.ts";
import { startSample } from "../fixtures/sample-platform.ts";
import { daysAskedFor, renderMonitor } from "./monitor.ts";

type Monitor = OutputOf<"getMonitor">;

const whole = june();
const shown = (changes: Partial<Monitor> = {}, closed: readonly Alert[] = whole.closed) =>
  renderMonitor({ ...whole.monitor, ...changes }, closed).markup;
const wordsOf = (markup: string) => markup.replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ");
const nothing: Partial<Monitor> = {
  health: { state: "unknown", sentence: "no day of data has been looked at yet" },
  dataTime: null,
  measure: null,
  days: [],
  feedback: { labels: 0, matched: 0, waiting: 0, corrected: 0, repeated: 0 },
  lost: 0,
  rollout: null,
  alerts: [],
  happenings: [],
};

test("health, alerts, the rollout, the panels and what happened stand on the page in words", () => {
  const words = wordsOf(shown());
  for (const said of [
    "! alerted auc was 0.681 over 3 days",
    "quality auc was 0.681 over 3 days, below 0.684 that the reference&#39;s worst day had severity 0.70, open since 2001-06-27 00:00",
    "late-arrival version 5 answers 50 % of the requests, version 3 the rest; since 2001-06-29 06:00",
    "candidate, version 5 8,123 8,123 0 1.84 ms",
    "estimated on 30 Jun 2001",
    "366,623 USD in these days, 29,973 USD of it estimated",
    "origin 18×",
    "466,623 in these days, by version",
    "11 2001-06-25 01:00 2026-11-21 06:24 rollback version 3 answers again",
    "14,500 requests computed again over 29 days; 28 not compared, as an event came after them; 1 feature differs",
    "routeDelay 2",
    "labels that came 431,022",
    "predictions that could not be logged 12",
  ]) {
    assert.ok(words.includes(said), said);
  }
});

test("every panel has a title and a description, and its numbers stand in a table", () => {
  const markup = shown();
  for (const [, , body] of markup.matchAll(/<svg class="(plot)"[^>]*role="img">(.*?)<\/svg>/gs))
    assert.match(body!, /^<title>[^<]+<\/title>/);
  assert.equal([...markup.matchAll(/<desc>[^<]+<\/desc>/g)].length, 4);
  const table = /<details class="numbers">.*?<\/details>/s.exec(markup)![0];
  assert.equal([...table.matchAll(/<tr>/g)].length, 31);
  assert.match(wordsOf(table), /13 Jun 2001 16,\d{3} 16,\d{3} 3: 16,\d{3} 0\.64/);
});

test("what requests carry into sentences, features, measures and names is shown, never run", () => {
  const evil = `</title></svg><script>alert("1")</script><img src=x onerror='alert(1)'>`;
  const [alert] = whole.monitor.alerts as [Alert];
  const [day] = whole.monitor.days as [Monitor["days"][number]];
  const markup = shown(
    {
      health: { state: "broken", sentence: evil },
      currency: evil,
      measure: { name: evil, low: null, high: null },
      days: [
        {
          ...day,
          drift: { [evil]: { psi: 9, bound: 0.1 } },
          realised: { [evil]: { value: 1 } },
          parity: { replayed: 1, late: 0, mismatches: { [evil]: 1 } },
        },
      ],
      alerts: [{ ...alert, sentence: evil, cause: evil }],
      happenings: [{ at: evil, asOf: null, what: evil, text: evil }],
    },
    [
      {
        ...alert,
        sentence: evil,
        closedAt: "2026-11-21T06:00:00Z",
        closedAsOf: "2001-06-01T10:00:00",
        openedAsOf: "2001-06-01T08:00:00",
      },
    ],
  );
  assert.ok(!/<script|<img|"1"/.test(markup));
  assert.ok(markup.includes("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"));
  assert.ok(!/ style="| on\w+=[^&]*'/.test(markup.replaceAll("onerror=&#39;", "")), "no inline style or handler");
  assert.match(markup, /class="badge mark-other/, "an unknown happening has the plain mark");
  assert.match(shown({ happenings: [{ at: "", asOf: null, what: "constructor", text: "" }] }), /class="badge mark-other/);
});

test("an endpoint that nobody has looked at says so, without a chart", () => {
  const markup = shown(nothing, []);
  assert.match(wordsOf(markup), /\? unknown no day of data has been looked at yet/);
  assert.ok(!/timeline|alerts|rollout|story|NaN|undefined/.test(markup));
});

test("one day, a regression, no labels, no drift, many versions: nothing is drawn at no place", () => {
  const [day] = whole.monitor.days as [Monitor["days"][number]];
  const bare = {
    ...day,
    realised: null,
    estimated: null,
    gain: null,
    drift: {},
    predictionDrift: null,
    parity: null,
    labelled: 0,
  };
  const cases: Partial<Monitor>[] = [
    { days: [day] },
    { days: [bare] },
    { days: [{ ...bare, rows: 0, versions: [] }] },
    { days: [bare, { ...day, day: "2031-01-01" }] },
    { days: [{ ...day, versions: Array.from({ length: 9 }, (_, index) => ({ version: index + 1, rows: 10 })) }] },
    { days: [{ ...day, gain: { value: -0.5, estimated: true } }], measure: { name: "auc", low: 0.7, high: 0.7 } },
    {
      days: whole.monitor.days
        .map((one, index) => (index % 3 === 0 ? bare : one))
        .map((one, index) => ({ ...one, day: whole.monitor.days[index]!.day })),
    },
    { ...nothing, happenings: whole.monitor.happenings },
  ];
  for (const changes of cases)
    assert.ok(!/NaN|undefined|Infinity|"-\d[^"]*%"/.test(shown(changes)), JSON.stringify(changes).slice(0, 200));
  assert.match(
    wordsOf(shown({ days: [bare] })),
    /Quality no label has come yet.*Drift no day could be held against the reference/,
  );
});

test("of a hundred features the thirty that drift most are told", () => {
  const drift = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`f${index}`, { psi: index / 1000, bound: 0.05 }]));
  const words = wordsOf(shown({ days: [{ ...whole.monitor.days[0]!, drift }] }));
  assert.match(
    words,
    /the 30 greatest of 100 feature PSI bound ratio f99 0\.0990 0\.0500 2\.0× drifted .* f70 0\.0700 0\.0500 1\.4× drifted Parity/,
  );
});

test("a long story keeps its newest part open, and folds the rest away", () => {
  const happenings = Array.from({ length: 40 }, (_, index) => ({
    at: "2026-11-21T06:00:00.000Z",
    asOf: `2001-06-01T00:${index + 10}:00`,
    what: "alert",
    text: `told ${index}.`,
  }));
  const markup = shown({ happenings });
  assert.match(wordsOf(markup), /25 earlier/);
  assert.ok(markup.indexOf("told 24.") < markup.indexOf("</details>"));
  assert.ok(markup.indexOf("told 25.") > markup.indexOf("</details>"));
});

test("the address says how many days are shown; what cannot be read is as if it were not there", async () => {
  const asked: (number | undefined)[] = [];
  const sample = await startSample({
    getMonitor: async ({ days }) => {
      asked.push(days);
      return whole.monitor;
    },
  });
  for (const query of ["?days=365", "", "?days=abc", "?days=5&days=6"])
    assert.equal((await fetch(`${sample.url}/${query}`)).status, 200);
  await sample.close();
  assert.deepEqual(asked, [365, 60, 60, 60]);
  for (const days of ["0", "1001", "-1", "1e2", " 5", ["5"], undefined, 5]) assert.equal(daysAskedFor({ days }), undefined);
  assert.equal(daysAskedFor({ days: "1000" }), 1000);
});

test("a fault of ours in monitoring is told, not hidden", async () => {
  const sample = await startSample({
    getMonitor: async () => {
      throw new TypeError("broken");
    },
  });
  assert.equal((await fetch(sample.url)).status, 500);
  await sample.close();
});
