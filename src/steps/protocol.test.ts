/** The protocol of claims, leases and fences against a naive model of it, under random orders of what two or three owners do. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { digestOfJson } from "../base/index.ts";
import { type Asked, adopt, begin, enqueue, isAbandoned, type OpenStep, openStepOf, start } from "./claim.ts";
import { faultsOf, openTestWorkspace } from "./fixtures/workspace.ts";
import { createFolders } from "./folders.ts";
import { type Attempt, endStatements, heartbeatStatements, publishStatements, tryAgainStatements } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";
import { createTime } from "./time.ts";

const root = mkdtempSync(join(tmpdir(), "mill-protocol-"));
after(() => rmSync(root, { recursive: true, force: true }));

const LEASE_MS = 100;
const KEYS = 1;

/** A step's row as the model has it. */
interface Row {
  readonly key: string;
  fence: number;
  state: "queued" | "running" | "lost" | "succeeded" | "failed";
  owner: string;
  leaseUntil: number;
  /** When its owner was last heard of, by the time that passes. */
  heardAtMs: number;
}

/** What an owner believes: attempts it holds, whether or not it still does, and what it saw last of a key. */
interface Belief {
  readonly attempts: Attempt[];
  readonly seen: Map<number, OpenStep | null>;
}

const COMMANDS = [
  "look",
  "begin",
  "enqueue",
  "start",
  "beat",
  "publish",
  "fail",
  "again",
  "lose",
  "adopt",
  "crash",
  "wait",
  "jump",
] as const;
const command = fc.record({
  what: fc.constantFrom(
    ...COMMANDS,
    ...(["begin", "begin", "look", "lose", "lose", "adopt", "publish", "wait", "wait"] as const),
  ),
  owner: fc.constantFrom(0, 0, 1, 2),
  key: fc.nat(KEYS - 1),
  which: fc.nat(3),
  /** Whether the owner looks first, or acts on what it saw before. */
  fresh: fc.constantFrom(true, true, false),
  ms: fc.constantFrom(1, 60, 150, 150),
  /** How a wall clock is set. */
  jumpMs: fc.constantFrom(-3_600_000, 3_600_000),
});

test("never two results of a key, none of a fenced attempt, and none is lost, whatever the owners do, when, and how their clocks are set", async () => {
  const workspace = await openTestWorkspace(root);
  const { records, objects, engine, ledger } = workspace;
  let passedMs = 0;
  let round = 0;

  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 80 }), async (commands) => {
      round++;
      const rows = new Map<string, Row>();
      const results = new Map<string, string>();
      const clocks = [0, 1, 2].map(() => 1e9);
      const beliefs = [0, 1, 2].map((): Belief => ({ attempts: [], seen: new Map() }));
      const owners = [0, 1, 2].map(
        (owner): Surroundings => ({
          ...{
            records,
            objects,
            engines: [engine],
            pools: {},
            folder: join(root, "steps"),
            clock: () => clocks[owner]! + passedMs,
            time: createTime(Date.now, () => passedMs),
            leaseMs: LEASE_MS,
          },
          ...{ owner: { name: `owner-${owner}`, alive: () => true }, infrastructure: () => null, folders: createFolders() },
        }),
      );
      const askedOf = (key: number): Asked => {
        const input = { round, key };
        return {
          ...{ key: ledger.keyOf("nothing", input), kind: "nothing", revision: 1, target: "dataset/flights", runId: null, input },
          ...{ sealed: [], engine: engine.name, pool: null, exclusive: null },
        };
      };
      const isOpen = (key: string) =>
        [...rows.values()].some((row) => row.key === key && ["queued", "running"].includes(row.state));
      const holds = ({ stepId, fence, owner }: Attempt) => {
        const row = rows.get(stepId);
        return row?.state === "running" && row.fence === fence && row.owner === owner;
      };
      const unchanged = ({ stepId, fence, state, owner, leaseUntil }: OpenStep) => {
        const row = rows.get(stepId)!;
        return row.state === state && row.fence === fence && row.owner === owner && row.leaseUntil === (leaseUntil ?? 0);
      };
      const commit = async (statements: Parameters<typeof records.commit>[0]) => (await records.commit(statements)).committed;

      for (const { what, owner, key: keyNumber, which, fresh, ms, jumpMs } of commands) {
        const surroundings = owners[owner]!;
        const nowMs = surroundings.clock();
        const heard = () => ({ leaseUntil: nowMs + LEASE_MS, heardAtMs: passedMs });
        const { name } = surroundings.owner;
        const belief = beliefs[owner]!;
        const asked = askedOf(keyNumber);
        const { key } = asked;
        if (fresh || what === "look") belief.seen.set(keyNumber, await openStepOf(surroundings, key));
        const open = belief.seen.get(keyNumber);
        const abandoned = open != null && isAbandoned(open, surroundings);
        const attempt = belief.attempts.at(-1 - (which % Math.max(1, belief.attempts.length)));
        const told = `${what} by ${name}`;

        if (what === "wait") passedMs += ms;
        if (what === "jump") clocks[owner]! += jumpMs;
        if (what === "crash") beliefs[owner] = { attempts: [], seen: new Map() };
        if (what === "begin" && open !== undefined && (open === null || open.state === "lost")) {
          const may = !results.has(key) && !isOpen(key) && (open === null || unchanged(open));
          const begun = await begin(surroundings, asked, open);
          assert.equal(begun !== null, may, told);
          if (!begun) continue;
          rows.set(begun.stepId, { key, fence: begun.fence, state: "running", owner: name, ...heard() });
          belief.attempts.push(begun);
        }
        if (what === "enqueue" && open !== undefined && open?.state !== "running") {
          const others = [...rows].some(
            ([id, row]) => row.key === key && ["queued", "running"].includes(row.state) && id !== open?.stepId,
          );
          const may = !results.has(key) && !others && (open === null ? !isOpen(key) : unchanged(open));
          const queued = await enqueue(surroundings, asked, open);
          assert.equal(queued !== null, may, told);
          if (queued) rows.set(queued.stepId, { key, fence: queued.fence, state: "queued", owner: name, ...heard() });
        }
        if (what === "start" && open?.state === "queued") {
          const row = rows.get(open.stepId)!;
          const may = row.state === "queued" && row.fence === open.fence && row.owner === name;
          const started = await start(surroundings, asked, open);
          assert.equal(started !== null, may, told);
          if (!started) continue;
          Object.assign(row, { fence: started.fence, state: "running", ...heard() });
          belief.attempts.push(started);
        }
        if ((what === "lose" || what === "adopt") && open?.state === "running") {
          const row = rows.get(open.stepId)!;
          if (!abandoned) continue;
          if (name !== open.owner && unchanged(open))
            assert.ok(passedMs - row.heardAtMs > LEASE_MS, "a healthy attempt is left alone");
          if (what === "adopt") {
            const may = unchanged(open);
            const adopted = await adopt(surroundings, open);
            assert.equal(adopted !== null, may, told);
            if (!adopted) continue;
            Object.assign(row, { owner: name, ...heard() });
            belief.attempts.push(adopted);
          } else {
            const may = holds(open);
            assert.equal(await commit(endStatements(open, "lost", nowMs)), may, told);
            if (may) Object.assign(row, { state: "lost", owner: "", leaseUntil: 0 });
          }
        }
        if (!attempt) continue;
        const row = rows.get(attempt.stepId)!;
        const may = holds(attempt);
        if (what === "beat") {
          await commit(heartbeatStatements(attempt, nowMs + LEASE_MS, nowMs, null));
          if (may) Object.assign(row, heard());
        }
        if (what === "publish") {
          const manifest = { objects: {}, facts: { by: `${attempt.stepId}-${attempt.fence}` }, measurements: [] };
          const meters = { cpuSeconds: 0, peakRssBytes: 0, readBytes: 0, writtenBytes: 0, objectBytes: 0 };
          const marker = { digest: digestOfJson(manifest), manifest, meters };
          assert.equal(await commit(publishStatements(attempt, marker, nowMs, {})), may, told);
          if (may) results.set(row.key, manifest.facts.by);
          if (may) Object.assign(row, { state: "succeeded", owner: "", leaseUntil: 0 });
        }
        if (what === "fail") {
          assert.equal(await commit(endStatements(attempt, "failed", nowMs)), may, told);
          if (may) Object.assign(row, { state: "failed", owner: "", leaseUntil: 0 });
        }
        if (what === "again") {
          const { leaseUntil } = heard();
          assert.equal(await commit(tryAgainStatements(attempt, { dueAt: nowMs, leaseUntil }, nowMs, {})), may, told);
          if (may) Object.assign(row, { state: "queued", ...heard() });
        }
      }

      for (const [id, { fence, state }] of rows) {
        const [row] = await records.query("SELECT fence, state FROM steps WHERE id = ?", [id]);
        assert.deepEqual(row, { fence, state });
      }
      for (let key = 0; key < KEYS; key++) {
        const asked = askedOf(key);
        const found = await ledger.resultOf(asked.key);
        assert.equal(found?.facts.by, results.get(asked.key));
      }
    }),
    { numRuns: 200 },
  );
  assert.deepEqual(await faultsOf(workspace), []);
  await workspace.close();
});
