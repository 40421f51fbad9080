/** What every record store must do. A driver's test calls `recordsSuite` with new places and a way to open the store at a place (schema applied). */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Records, Statement } from "./records.ts";

const insert = (digest: string, holder: string): Statement => ({
  sql: "INSERT INTO pins (digest, holder) VALUES (?, ?)",
  params: [digest, holder],
});

export function recordsSuite(
  driver: string,
  newPlace: () => string,
  openAt: (place: string) => Promise<Records>,
  { skip = false }: { skip?: string | false } = {},
): void {
  const open = () => openAt(newPlace());
  const withRecords = (title: string, body: (records: Records) => Promise<void>) =>
    test(`${driver}: ${title}`, { skip }, async () => {
      const records = await open();
      try {
        await body(records);
      } finally {
        await records.close();
      }
    });

  const pinsOf = async (records: Records) =>
    (await records.query<{ digest: string }>("SELECT digest FROM pins ORDER BY digest")).map(({ digest }) => digest);

  withRecords("a commit is visible to the next query", async (records) => {
    assert.deepEqual(await records.commit([insert("a", "h"), insert("b", "h")]), { committed: true });
    assert.deepEqual(await records.query("SELECT digest, holder FROM pins ORDER BY digest"), [
      { digest: "a", holder: "h" },
      { digest: "b", holder: "h" },
    ]);
  });

  withRecords("a guard that does not hold undoes the whole commit and says which statement", async (records) => {
    const guarded = { sql: "DELETE FROM pins WHERE digest = ?", params: ["nothing"], rows: 1 };
    const outcome = await records.commit([insert("a", "h"), guarded, insert("b", "h")]);
    assert.deepEqual(outcome, { committed: false, statement: 1, expected: 1, got: 0 });
    assert.deepEqual(await pinsOf(records), []);
  });

  withRecords("of commits sent in one turn, a refused and a faulty one leave the others", async (records) => {
    const outcomes = await Promise.allSettled([
      records.commit([insert("a", "h")]),
      records.commit([insert("b", "h"), { sql: "DELETE FROM pins WHERE digest = 'a'", rows: 2 }]),
      records.commit([insert("c", "h"), insert("a", "h")]),
      records.commit([insert("d", "h"), { sql: "INSERT INTO no_such_table VALUES (1)" }]),
      records.commit([insert("e", "h")]),
    ]);
    assert.deepEqual(outcomes[0], { status: "fulfilled", value: { committed: true } });
    assert.deepEqual(outcomes[1], { status: "fulfilled", value: { committed: false, statement: 1, expected: 2, got: 1 } });
    assert.equal((outcomes[2] as PromiseRejectedResult).reason.code, "records.constraint");
    assert.equal((outcomes[3] as PromiseRejectedResult).reason.code, "records.statement");
    assert.deepEqual(outcomes[4], { status: "fulfilled", value: { committed: true } });
    assert.deepEqual(await pinsOf(records), ["a", "e"]);
  });

  withRecords(
    "commits run in the order they were asked for, and a chain of compare-and-set has one winner a step",
    async (records) => {
      await records.commit([insert("counter", "0")]);
      const step = (from: number) =>
        records.commit([
          {
            sql: "UPDATE pins SET holder = ? WHERE digest = 'counter' AND holder = ?",
            params: [String(from + 1), String(from)],
            rows: 1,
          },
        ]);
      const outcomes = await Promise.all(Array.from({ length: 300 }, (_, i) => step(i >> 1)));
      assert.equal(outcomes.filter(({ committed }) => committed).length, 150);
      assert.deepEqual(await records.query("SELECT holder FROM pins"), [{ holder: "150" }]);
    },
  );

  withRecords("values come back as they went in", async (records) => {
    const bytes = Uint8Array.of(0, 255, 7);
    const [row] = await records.query("SELECT ? AS n, ? AS r, ? AS t, ? AS b, ? AS missing, ? AS big, ? AS whole", [
      7,
      1.5,
      "naïve 😀",
      bytes,
      null,
      2n ** 60n,
      9n,
    ]);
    const { b, ...rest } = row as Record<string, unknown>;
    assert.deepEqual(rest, { n: 7, r: 1.5, t: "naïve 😀", missing: null, big: 2n ** 60n, whole: 9 });
    assert.deepEqual([...(b as Uint8Array)], [...bytes]);
  });

  withRecords("numbers of 64 bits, doubles, texts and bytes of every kind come back as they went in", async (records) => {
    const double = fc.double({ noNaN: true }).map((value) => (value === 0 ? 0 : value));
    const integer = fc
      .bigInt({ min: 1n - 2n ** 63n, max: 2n ** 63n - 1n }) // node:sqlite reads -2^63 as a double
      .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
    const text = fc.string({ unit: "binary" }).filter((value) => value.isWellFormed() && !value.includes("\0"));
    const given = fc.record({ d: double, i: integer, t: text, b: fc.uint8Array() });
    await fc.assert(
      fc.asyncProperty(given, async ({ d, i, t, b }) => {
        const [row] = await records.query("SELECT ? AS d, ? AS i, ? AS t, ? AS b", [d, i, t, b]);
        assert.deepEqual({ ...row }, { d, i, t, b: Uint8Array.from(row!.b as Uint8Array) });
        assert.deepEqual([...(row!.b as Uint8Array)], [...b]);
      }),
      { numRuns: 200, seed: 21 },
    );
    for (const edge of [2n ** 63n - 1n, 1n - 2n ** 63n, 5e-324, 1.7976931348623157e308, Number.POSITIVE_INFINITY, 2 ** 53, 1e21])
      assert.deepEqual({ ...(await records.query("SELECT ? AS edge", [edge]))[0] }, { edge });
  });

  withRecords("what a column holds comes back as it went in, and a comparison is 1 or 0", async (records) => {
    const alert = (id: string, severity: number, openedAt: number | bigint): Statement => ({
      sql: `INSERT INTO alerts (id, endpoint, source, cause, kind, severity, sentence, detail, opened_at)
        VALUES (?, 'e', 's', ?, 'k', ?, ?, 'd', ?)`,
      params: [id, id, severity, "naïve 😀 'quoted' ? \"x\"", openedAt],
    });
    await records.commit([alert("a", 0.1, 2n ** 62n), alert("b", 3, 1_800_000_000_000)]);
    assert.deepEqual(
      (
        await records.query(
          "SELECT severity, sentence, opened_at AS at, closed_at IS NULL AS open, severity > 1 AS high FROM alerts ORDER BY id",
        )
      ).map((row) => ({ ...row })),
      [
        { severity: 0.1, sentence: "naïve 😀 'quoted' ? \"x\"", at: 2n ** 62n, open: 1, high: 0 },
        { severity: 3, sentence: "naïve 😀 'quoted' ? \"x\"", at: 1_800_000_000_000, open: 1, high: 1 },
      ],
    );
    const [sums] = await records.query(
      "SELECT count(*) AS n, sum(attempts) AS attempts, max(severity) AS worst FROM alerts, (SELECT 2 AS attempts) AS two",
    );
    assert.deepEqual({ ...sums }, { n: 2, attempts: 4, worst: 3 });
  });

  withRecords("what one of the databases could not give back is refused, and its neighbours go on", async (records) => {
    const refused = { code: "records.value" };
    await Promise.all([
      assert.rejects(records.commit([insert("n", "one\0two")]), refused),
      assert.rejects(records.commit([{ sql: "UPDATE alerts SET severity = ?", params: [Number.NaN] }]), refused),
      assert.rejects(records.commit([{ sql: "UPDATE alerts SET opened_at = ?", params: [2n ** 63n] }]), refused),
      assert.rejects(records.query("SELECT ? AS t", ["\0"]), refused),
      records.commit([insert("a", "h")]),
    ]);
    assert.deepEqual(await pinsOf(records), ["a"]);
  });

  withRecords("texts compare and sort by their bytes", async (records) => {
    const texts = [
      "b",
      "B",
      "a",
      "ä",
      "a b",
      "ab",
      "Z",
      "_",
      "~",
      "é",
      "e\u0301",
      "\uffee",
      "😀",
      "ß",
      "ss",
      "1",
      "10",
      "2",
      "a/b",
      "a-b",
      "",
    ];
    await records.commit(texts.map((text) => insert(text, "h")));
    const byBytes = [...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(await pinsOf(records), byBytes);
    for (const text of texts) {
      const after = await records.query<{ digest: string }>("SELECT digest FROM pins WHERE digest > ? ORDER BY digest LIMIT 1", [
        text,
      ]);
      assert.equal(after[0]?.digest, byBytes[byBytes.indexOf(text) + 1]);
    }
    const [{ first, last }] = (await records.query("SELECT min(digest) AS first, max(digest) AS last FROM pins")) as [
      { first: string; last: string },
    ];
    assert.deepEqual([first, last], [byBytes[0], byBytes.at(-1)]);
  });

  withRecords("a wrong statement says which, and the next one works", async (records) => {
    const wrong: [string, string][] = [
      ["SELEC 1", "records.statement"],
      ["SELECT nothing FROM pins", "records.statement"],
      ["SELECT * FROM nowhere WHERE x = ?", "records.statement"],
    ];
    for (const [sql, code] of wrong) {
      await assert.rejects(records.query(sql, sql.includes("?") ? [1] : []), { code, at: sql });
      await assert.rejects(records.commit([insert("a", "h"), { sql, params: sql.includes("?") ? [1] : [] }]), { code, at: sql });
    }
    assert.deepEqual(await pinsOf(records), []);
    await records.commit([insert("a", "h")]);
    await assert.rejects(records.commit([insert("b", "h"), insert("a", "h")]), {
      code: "records.constraint",
      at: insert("a", "h").sql,
    });
    assert.deepEqual(await pinsOf(records), ["a"]);
  });

  withRecords("guards count what an upsert, an insert from a query and a change of many rows did", async (records) => {
    await records.commit([insert("a", "1"), insert("b", "1"), insert("c", "1")]);
    const upsert =
      "INSERT INTO pins (digest, holder) VALUES (?, ?) ON CONFLICT (digest, holder) DO UPDATE SET holder = excluded.holder";
    const from = "INSERT INTO pins (digest, holder) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM pins WHERE digest = ?)";
    assert.deepEqual(
      await records.commit([
        { sql: upsert, params: ["a", "1"], rows: 1 },
        { sql: from, params: ["a", "2", "a"], rows: 0 },
        { sql: from, params: ["d", "1", "d"], rows: 1 },
        { sql: "UPDATE pins SET holder = '2' WHERE holder = '1'", rows: 4 },
        { sql: "DELETE FROM pins WHERE digest IN (?, ?)", params: ["a", "b"], rows: 2 },
      ]),
      { committed: true },
    );
    assert.deepEqual(await pinsOf(records), ["c", "d"]);
  });

  test(`${driver}: 64 writers in two open stores count one number up together, and none is lost`, { skip }, async () => {
    const place = newPlace();
    const stores = [await openAt(place), await openAt(place)] as const;
    await stores[0].commit([insert("counter", "0")]);
    const countUp = async (records: Records): Promise<number> => {
      for (let refused = 0; ; refused++) {
        const [row] = await records.query<{ holder: string }>("SELECT holder FROM pins WHERE digest = 'counter'");
        const outcome = await records.commit([
          {
            sql: "UPDATE pins SET holder = ? WHERE digest = 'counter' AND holder = ?",
            params: [String(Number(row!.holder) + 1), row!.holder],
            rows: 1,
          },
        ]);
        if (outcome.committed) return refused;
      }
    };
    await Promise.all(Array.from({ length: 64 }, (_, lane) => countUp(stores[lane % 2]!)));
    for (const records of stores)
      assert.deepEqual(
        (await records.query("SELECT holder FROM pins")).map((row) => ({ ...row })),
        [{ holder: "64" }],
      );
    await Promise.all(stores.map((records) => records.close()));
  });

  withRecords("a query cannot change anything", async (records) => {
    await records.commit([insert("a", "h")]);
    await assert.rejects(records.query("DELETE FROM pins"));
    assert.deepEqual(await pinsOf(records), ["a"]);
  });

  withRecords("any sequence of commits, lazy or not, equals the same commits on a plain map", async (records) => {
    const key = fc.constantFrom("a", "b", "c");
    const action = fc.record({ put: fc.boolean(), key, guarded: fc.boolean() });
    const script = fc.array(fc.array(action, { minLength: 1, maxLength: 4 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(script, fc.infiniteStream(fc.boolean()), async (commits, lazily) => {
        await records.commit([{ sql: "DELETE FROM pins" }]);
        const lazy = commits.map(() => lazily.next().value);
        const outcomes = await Promise.all(
          commits.map((actions, index) => records.commit(actions.map(toStatement), { lazy: lazy[index]! })),
        );
        const { kept, committed } = onPlainSet(commits);
        assert.deepEqual(
          outcomes.map((outcome) => outcome.committed),
          committed,
        );
        assert.deepEqual(await pinsOf(records), [...kept].sort());
      }),
      { numRuns: 60, seed: 20 },
    );
  });

  test(`${driver}: a lazy commit is kept when its store is closed`, { skip }, async () => {
    const place = newPlace();
    const first = await openAt(place);
    await first.commit([insert("a", "h")], { lazy: true });
    await first.close();
    const second = await openAt(place);
    assert.deepEqual(await pinsOf(second), ["a"]);
    await second.close();
  });

  test(`${driver}: after close nothing is accepted, and what was asked before is answered`, { skip }, async () => {
    const records = await open();
    const last = records.commit([insert("a", "h")]);
    await Promise.all([records.close(), records.close()]);
    assert.deepEqual(await last, { committed: true });
    await assert.rejects(records.query("SELECT 1"), { code: "records.closed" });
    await assert.rejects(records.commit([]), { code: "records.closed" });
  });
}

interface Action {
  readonly put: boolean;
  readonly key: string;
  readonly guarded: boolean;
}

const toStatement = ({ put, key, guarded }: Action): Statement => ({
  sql: put ? "INSERT INTO pins (digest, holder) VALUES (?, 'h') ON CONFLICT DO NOTHING" : "DELETE FROM pins WHERE digest = ?",
  params: [key],
  ...(guarded && { rows: 1 }),
});

function onPlainSet(commits: readonly (readonly Action[])[]): { kept: Set<string>; committed: boolean[] } {
  let kept = new Set<string>();
  const committed = commits.map((actions) => {
    const trial = new Set(kept);
    const holds = actions.every(({ put, key, guarded }) => {
      const changed = trial.has(key) !== put;
      if (put) trial.add(key);
      else trial.delete(key);
      return changed || !guarded;
    });
    if (holds) kept = trial;
    return holds;
  });
  return { kept, committed };
}
