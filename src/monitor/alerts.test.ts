import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MillError } from "../base/index.ts";
import { createOutbox, type Notice } from "../ports/notices/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import type { Records } from "../ports/records/index.ts";
import { createStory } from "../serve/index.ts";
import { createAlerts } from "./alerts.ts";
import type { Finding } from "./finding.ts";

const folder = mkdtempSync(join(tmpdir(), "mill-alerts-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;

const MINUTE = 60e6;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const T0 = Date.parse("2001-06-05T10:00:00Z") * 1000;
const E = "late-arrival";

function finding(cause: string, more: Partial<Finding> = {}): Finding {
  const kind = cause.split("/")[0] as Finding["kind"];
  return { cause, kind, severity: 0.5, columns: [cause.split("/").at(-1)!], sentence: `${cause} is wrong`, detail: {}, ...more };
}
const nulls = finding("feed/nulls/origin");

interface Opened extends ReturnType<typeof createAlerts> {
  readonly records: Records;
  told(): Promise<string[]>;
  sent(): Promise<string[]>;
}

async function opened(path = join(folder, `${made++}.db`)): Promise<Opened> {
  const records = await openTestRecords(path);
  const took: Notice[] = [];
  const story = createStory(records);
  const outbox = createOutbox({
    records,
    notices: { name: "here", send: async (notice) => void took.push(notice) },
    now: Date.now,
  });
  const alerts = createAlerts({ records, story, outbox, now: Date.now });
  return {
    ...alerts,
    records,
    told: async () => (await story.of(E, 100)).map(({ text }) => text),
    async sent() {
      await outbox.flush();
      return took.map(({ body }) => {
        const { type, data } = body as { type: string; data: { cause: string } };
        return `${type} ${data.cause}`;
      });
    },
  };
}

async function withAlerts(use: (alerts: Opened) => Promise<void>): Promise<void> {
  const alerts = await opened();
  await use(alerts).finally(() => alerts.records.close());
}
const causes = async ({ open }: Opened) => (await open(E)).map(({ cause }) => cause);

test("what is found again and again is one alert, told once to the story and once to the outside", () =>
  withAlerts(async (alerts) => {
    const first = await alerts.observe(
      E,
      "feed",
      [finding("feed/nulls/origin", { detail: { since: "2001-06-05T09:59:00", bad: 4 } })],
      T0,
    );
    assert.deepEqual(first, { opened: ["feed/nulls/origin"], reopened: [], closed: [] });
    for (let minute = 1; minute < 30; minute++)
      assert.deepEqual(
        (await alerts.observe(E, "feed", [{ ...nulls, severity: 0.9, detail: { bad: minute } }], T0 + minute * MINUTE)).opened,
        [],
      );
    const [alert, ...others] = await alerts.open(E);
    assert.deepEqual(others, []);
    assert.deepEqual(
      { ...alert!, id: "", openedAt: "" },
      {
        ...{
          id: "",
          endpoint: E,
          kind: "feed",
          cause: "feed/nulls/origin",
          severity: 0.9,
          sentence: "feed/nulls/origin is wrong",
        },
        ...{ detail: { bad: 29, columns: ["origin"] }, openedAt: "", openedAsOf: "2001-06-05T10:00:00" },
        ...{ seenAsOf: "2001-06-05T10:29:00", closedAt: null, closedAsOf: null },
      },
    );
    assert.deepEqual(await alerts.told(), ["feed/nulls/origin is wrong; since 2001-06-05T09:59:00"]);
    assert.deepEqual(await alerts.sent(), ["alert.opened feed/nulls/origin"]);
  }));

test("an alert closes when it was gone for two looks and ten minutes of data, no sooner", () =>
  withAlerts(async (alerts) => {
    await alerts.observe(E, "feed", [nulls], T0);
    assert.deepEqual((await alerts.observe(E, "feed", [], T0 + 20 * MINUTE)).closed, []); // one look
    assert.deepEqual((await alerts.observe(E, "feed", [nulls], T0 + 21 * MINUTE)).opened, []); // and here it is again
    for (const minute of [22, 24, 30]) assert.deepEqual((await alerts.observe(E, "feed", [], T0 + minute * MINUTE)).closed, []);
    assert.deepEqual((await alerts.observe(E, "feed", [], T0 + 31 * MINUTE)).closed, ["feed/nulls/origin"]);
    assert.deepEqual(await causes(alerts), []);
    assert.deepEqual((await alerts.told()).at(-1), "over after 31 min 0 s of data time: feed/nulls/origin is wrong");
    assert.deepEqual(await alerts.sent(), ["alert.opened feed/nulls/origin", "alert.closed feed/nulls/origin"]);
  }));

test("what comes back within a day of data is the same alert, and nobody is told; after a day it is another", () =>
  withAlerts(async (alerts) => {
    const close = async (at: number) => {
      await alerts.observe(E, "feed", [], at);
      assert.deepEqual((await alerts.observe(E, "feed", [], at + HOUR)).closed, [nulls.cause]);
    };
    await alerts.observe(E, "feed", [nulls], T0);
    const { id } = (await alerts.open(E))[0]!;
    for (const hour of [4, 8, 12]) {
      await close(T0 + (hour - 3) * HOUR);
      assert.deepEqual((await alerts.observe(E, "feed", [nulls], T0 + hour * HOUR)).reopened, [nulls.cause]);
    }
    const [again] = await alerts.open(E);
    assert.deepEqual([again!.id, again!.openedAsOf, again!.detail.reopened], [id, "2001-06-05T10:00:00", 3]);
    assert.equal((await alerts.told()).length, 2);
    assert.equal((await alerts.sent()).length, 2);
    await close(T0 + 13 * HOUR);
    assert.deepEqual((await alerts.observe(E, "feed", [nulls], T0 + 14 * HOUR + DAY)).opened, [nulls.cause]);
    assert.equal((await alerts.list({})).items.length, 2);
    assert.equal((await alerts.sent()).length, 3);
  }));

test("one source says nothing of what another found", () =>
  withAlerts(async (alerts) => {
    await alerts.observe(E, "feed", [nulls], T0);
    for (const hour of [1, 2, 3]) assert.deepEqual((await alerts.observe(E, "days", [], T0 + hour * HOUR)).closed, []);
    assert.deepEqual(await causes(alerts), [nulls.cause]);
  }));

const BELOW_BROKEN: readonly (readonly [what: string, found: Finding])[] = [
  ["a feature that reads the column", finding("drift/recentDelay", { columns: ["date", "origin", "delay"] })],
  ["a quality that names no column", finding("quality/auc", { columns: [] })],
  ["a feature whose values differ offline", finding("parity/recentDelay", { columns: ["origin"] })],
];
for (const [what, found] of BELOW_BROKEN)
  test(`a broken column explains ${what}: no alert of its own, but named`, () =>
    withAlerts(async (alerts) => {
      await alerts.observe(E, "feed", [nulls], T0);
      assert.deepEqual((await alerts.observe(E, "days", [found], T0 + HOUR)).opened, []);
      const [alert, ...others] = await alerts.open(E);
      assert.deepEqual(others, []);
      assert.deepEqual(alert!.detail.explains, [{ cause: found.cause, sentence: found.sentence }]);
      await alerts.observe(E, "feed", [{ ...nulls, detail: { bad: 9 } }], T0 + 2 * HOUR); // and stays so
      assert.deepEqual((await alerts.open(E))[0]!.detail, {
        bad: 9,
        columns: ["origin"],
        explains: [{ cause: found.cause, sentence: found.sentence }],
      });
    }));

test("a broken column explains nothing of another column; a loss and a feed that is broken as a whole explain everything", () =>
  withAlerts(async (alerts) => {
    const drift = finding("drift/distance");
    await alerts.observe(E, "feed", [nulls], T0);
    await alerts.observe(E, "days", [drift], T0 + HOUR);
    assert.deepEqual(await causes(alerts), ["feed/nulls/origin", "drift/distance"]);
    for (const whole of ["loss/predictions", "feed/silence"])
      await withAlerts(async (other) => {
        await other.observe(E, "feed", [finding(whole, { columns: [] })], T0);
        await other.observe(E, "days", [drift, finding("quality/auc")], T0 + HOUR);
        assert.deepEqual(await causes(other), [whole]);
      });
  }));

test("what was broken on the day that a scan speaks of explains it, also when it is over by then", () =>
  withAlerts(async (alerts) => {
    await alerts.observe(E, "feed", [nulls], T0);
    for (const minute of [20, 40]) await alerts.observe(E, "feed", [], T0 + minute * MINUTE);
    const drift = (day: string) => finding("drift/origin", { detail: { day } });
    const nextMorning = T0 + 15 * HOUR;
    assert.deepEqual((await alerts.observe(E, "days", [drift("2001-06-05")], nextMorning)).opened, []);
    assert.deepEqual((await alerts.list({ state: "closed" })).items[0]!.detail.explains, [
      { cause: "drift/origin", sentence: "drift/origin is wrong" },
    ]);
    assert.deepEqual((await alerts.observe(E, "days", [drift("2001-06-06")], nextMorning + DAY)).opened, ["drift/origin"]);
  }));

test("a drift alert that turns out to come from a broken feed closes in favour of it", () =>
  withAlerts(async (alerts) => {
    const drift = finding("drift/origin");
    await alerts.observe(E, "days", [drift], T0);
    await alerts.observe(E, "feed", [nulls], T0 + MINUTE);
    await alerts.observe(E, "days", [drift], T0 + 4 * HOUR);
    assert.deepEqual((await alerts.observe(E, "days", [drift], T0 + 8 * HOUR)).closed, ["drift/origin"]);
    assert.deepEqual(await causes(alerts), [nulls.cause]);
  }));

test("drift of the day under way, which is that of 24 hours, is explained by what was broken the day before; a whole day's is not", () =>
  withAlerts(async (alerts) => {
    await alerts.observe(E, "feed", [nulls], T0);
    for (const minute of [20, 40]) await alerts.observe(E, "feed", [], T0 + minute * MINUTE);
    assert.deepEqual(await causes(alerts), []);
    const drift = finding("drift/origin", { detail: { day: "2001-06-06" } });
    assert.deepEqual((await alerts.observe(E, "days", [drift], T0 + DAY - HOUR)).opened, []);
    assert.deepEqual((await alerts.observe(E, "days", [drift], T0 + DAY + 15 * HOUR)).opened, ["drift/origin"]);
  }));

test("features that drift and share a column are one alert, led by the gravest and, once open, by the same", () =>
  withAlerts(async (alerts) => {
    const drift = (feature: string, severity: number, ...columns: string[]) => finding(`drift/${feature}`, { severity, columns });
    const found = [
      drift("hour", 0.1, "date"),
      drift("recent", 0.6, "date", "delay"),
      drift("late", 0.3, "delay"),
      drift("distance", 0.2, "distance"),
    ];
    await alerts.observe(E, "days", found, T0);
    assert.deepEqual(await causes(alerts), ["drift/recent", "drift/distance"]);
    const [recent] = await alerts.open(E);
    assert.deepEqual(
      (recent!.detail.explains as { cause: string }[]).map(({ cause }) => cause),
      ["drift/late", "drift/hour"],
    );
    const turned = [drift("hour", 0.9, "date"), drift("recent", 0.6, "date", "delay"), drift("distance", 0.2, "distance")];
    assert.deepEqual((await alerts.observe(E, "days", turned, T0 + DAY)).opened, []);
    assert.deepEqual(
      (await alerts.open(E)).map(({ cause, severity }) => [cause, severity]),
      [
        ["drift/recent", 0.9],
        ["drift/distance", 0.2],
      ],
    );
  }));

test("a group that is predicted wrongly explains the measures of the whole; without one these are one alert", () =>
  withAlerts(async (alerts) => {
    const measures = [
      finding("quality/auc", { columns: [] }),
      finding("quality/estimated/logLoss", { columns: [], severity: 0.7 }),
    ];
    await alerts.observe(E, "days", measures, T0);
    assert.deepEqual(await causes(alerts), ["quality/estimated/logLoss"]);
    await withAlerts(async (other) => {
      await other.observe(
        E,
        "days",
        [...measures, finding("quality/group/origin=ATL", { columns: ["origin"], severity: 0.2 })],
        T0,
      );
      assert.deepEqual(await causes(other), ["quality/group/origin=ATL"]);
      assert.equal(((await other.open(E))[0]!.detail.explains as unknown[]).length, 2);
    });
  }));

test("that most requests come too early hides no feature that differs", () =>
  withAlerts(async (alerts) => {
    const late = finding("parity/requests/late", { columns: [], severity: 0.9 });
    const skew = finding("parity/recentDelay", { columns: ["origin"], severity: 0.1 });
    await alerts.observe(E, "parity", [late], T0);
    assert.deepEqual((await alerts.observe(E, "parity", [late, skew], T0 + DAY)).opened, [skew.cause]);
    assert.deepEqual(await causes(alerts), [late.cause, skew.cause]);
  }));

test("open alerts are ranked by kind, then by severity", () =>
  withAlerts(async (alerts) => {
    await alerts.observe(E, "a", [finding("drift/x", { severity: 1 }), finding("parity/y", { severity: 0.1 })], T0);
    await alerts.observe(E, "b", [finding("feed/z", { severity: 0.1 }), finding("feed/w", { severity: 0.2 })], T0);
    await alerts.observe(E, "c", [finding("loss/predictions", { severity: 0.01, columns: ["none"] })], T0);
    await alerts.observe(E, "d", [finding("quality/group/q=1")], T0);
    assert.deepEqual(await causes(alerts), ["loss/predictions", "feed/w", "feed/z", "parity/y", "quality/group/q=1", "drift/x"]);
  }));

test("after a restart an open alert is still open, is not told again, and closes once the watch finds nothing", async () => {
  const path = join(folder, "restart.db");
  const before = await opened(path);
  await before.observe(E, "feed", [nulls], T0);
  await before.observe(E, "feed", [], T0 + HOUR);
  await before.records.close();
  const alerts = await opened(path);
  assert.deepEqual(await causes(alerts), [nulls.cause]);
  assert.deepEqual((await alerts.observe(E, "feed", [nulls], T0 + HOUR + MINUTE)).opened, []);
  for (const hour of [2, 3]) await alerts.observe(E, "feed", [], T0 + hour * HOUR);
  assert.deepEqual(await causes(alerts), []);
  assert.equal((await alerts.told()).length, 2);
  await alerts.records.close();
});

test("observations that are made at once follow each other: one alert a cause, told once", () =>
  withAlerts(async (alerts) => {
    const looks = Array.from({ length: 40 }, (_, n) =>
      alerts.observe(E, n % 2 ? "feed" : "days", [n % 2 ? nulls : finding("drift/distance")], T0 + n),
    );
    const outcomes = await Promise.all(looks);
    assert.deepEqual(outcomes.flatMap(({ opened }) => opened).sort(), ["drift/distance", nulls.cause]);
    assert.equal((await alerts.list({})).items.length, 2);
    assert.equal((await alerts.told()).length, 2);
  }));

test("what is found while nothing can be put on record is open all the same, and is told once it can be, even if it is over by then", async () => {
  const records = await openTestRecords(join(folder, "failing.db"));
  const story = createStory(records);
  let failing = true;
  const refusing: Records = {
    ...records,
    commit: (statements) =>
      failing ? Promise.reject(new MillError("records.disk-full", "There is no room.")) : records.commit(statements),
  };
  const outbox = createOutbox({ records, notices: null, now: Date.now });
  const alerts = createAlerts({ records: refusing, story, outbox, now: Date.now });
  const loss = finding("loss/predictions", { columns: [] });
  await assert.rejects(alerts.observe(E, "feed", [loss], T0), { code: "records.disk-full" });
  const [found] = await alerts.open(E);
  await assert.rejects(alerts.observe(E, "feed", [loss, nulls], T0 + MINUTE), { code: "records.disk-full" });
  const open = await alerts.open(E);
  assert.deepEqual(
    open.map(({ cause, openedAsOf }) => [cause, openedAsOf]),
    [
      ["loss/predictions", "2001-06-05T10:00:00"],
      [nulls.cause, "2001-06-05T10:01:00"],
    ],
  );
  assert.equal(open[0]!.id, found!.id);
  const pages = [await alerts.list({ limit: 1 }), await alerts.list({ limit: 1, cursor: open[1]!.id })];
  assert.deepEqual(
    pages.flatMap(({ items }) => items.map(({ id }) => id)),
    [open[1]!.id, open[0]!.id],
  );
  assert.deepEqual((await alerts.list({ state: "closed" })).items, []);
  assert.deepEqual(await alerts.open("another"), []);

  failing = false;
  assert.deepEqual(
    new Set((await alerts.observe(E, "feed", [nulls], T0 + 2 * MINUTE)).opened),
    new Set([loss.cause, nulls.cause]),
  );
  assert.deepEqual(
    (await records.query<{ id: string }>("SELECT id FROM alerts")).map(({ id }) => id).sort(),
    open.map(({ id }) => id).sort(),
  );
  assert.equal((await story.of(E, 10)).length, 2);
  for (const minute of [20, 21]) await alerts.observe(E, "feed", [nulls], T0 + minute * MINUTE);
  assert.deepEqual(
    (await alerts.open(E)).map(({ cause }) => cause),
    [nulls.cause],
  );
  await records.close();
});

test("before there is a data time alerts open and close by looks alone", () =>
  withAlerts(async (alerts) => {
    await alerts.observe(E, "feed", [finding("loss/predictions")], null);
    assert.deepEqual([(await alerts.open(E))[0]!.openedAsOf, (await alerts.told())[0]], [null, "loss/predictions is wrong"]);
    await alerts.observe(E, "feed", [], T0);
    assert.deepEqual((await alerts.observe(E, "feed", [], T0 + 1)).closed, ["loss/predictions"]);
  }));

test("pages of alerts are newest first, by endpoint and state, and a cursor that no page gave is refused", () =>
  withAlerts(async (alerts) => {
    for (let n = 0; n < 7; n++)
      await alerts.observe(n % 2 ? "one" : "two", "feed", [finding(`feed/nulls/c${n}`), finding(`feed/x/c${n - 2}`)], T0);
    const all = (await alerts.list({ limit: 1000 })).items;
    const ids = all.map(({ id }) => id);
    assert.deepEqual(ids, [...ids].sort().reverse());
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await alerts.list({ limit: 3, cursor });
      paged.push(...page.items.map(({ id }) => id));
      cursor = page.next ?? undefined;
    } while (cursor);
    assert.deepEqual(paged, ids);
    assert.ok((await alerts.list({ endpoint: "one" })).items.every(({ endpoint }) => endpoint === "one"));
    assert.deepEqual((await alerts.list({ state: "closed" })).items, []);
    await assert.rejects(alerts.list({ cursor: "1; DROP TABLE alerts" }), { code: "request.bad-cursor" });
  }));
