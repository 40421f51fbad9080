/** What every record store must do. A driver's test calls `recordsSuite` with a way to open an empty store (schema applied). */
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
  open: () => Promise<Records>,
  { skip = false }: { skip?: string | false } = {},
): void {
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

  withRecords("a query cannot change anything", async (records) => {
    await records.commit([insert("a", "h")]);
    await assert.rejects(records.query("DELETE FROM pins"));
    assert.deepEqual(await pinsOf(records), ["a"]);
  });

  withRecords("any sequence of commits equals the same commits on a plain map", async (records) => {
    const key = fc.constantFrom("a", "b", "c");
    const action = fc.record({ put: fc.boolean(), key, guarded: fc.boolean() });
    const script = fc.array(fc.array(action, { minLength: 1, maxLength: 4 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(script, async (commits) => {
        await records.commit([{ sql: "DELETE FROM pins" }]);
        const outcomes = await Promise.all(commits.map((actions) => records.commit(actions.map(toStatement))));
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
