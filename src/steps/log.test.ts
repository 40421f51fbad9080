/** What attempts say: kept whole, read by offset, cut where it floods. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Engine, RunningJob } from "../ports/engines/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import { onWorkspaces } from "./fixtures/workspace.ts";
import type { Ledger, StepRequest } from "./index.ts";
import { LOG_BYTES_MAX } from "./log.ts";

const root = mkdtempSync(join(tmpdir(), "mill-logs-"));
after(() => rmSync(root, { recursive: true, force: true }));
const withWorkspace = onWorkspaces(root);

const ask = (kind: string, input: unknown): StepRequest => ({
  ...{ kind, input, target: "dataset/flights", runId: null, memoryMb: 300, threads: 1 },
});

/** Prints so many lines, then ends well. */
function printing(engine: Engine, lines: Iterable<string>, ending: Promise<unknown>): Engine {
  return {
    ...engine,
    async start(job, onLine): Promise<RunningJob> {
      for (const line of lines) onLine(line);
      await ending;
      return engine.start(job, onLine);
    },
  };
}

async function wholeLog(ledger: Ledger, stepId: string): Promise<{ text: string; parts: number }> {
  let text = "";
  let parts = 0;
  for (let offset = 0; ; ) {
    const part = await ledger.logOf(stepId, 1, offset);
    text += part.text;
    parts++;
    if (part.ended) return { text, parts };
    assert.ok(part.next > offset, "it goes on");
    offset = part.next;
  }
}

/** Objects that tell how many bytes were read of them. */
function countingReads(objects: Objects): { readonly objects: Objects; bytes(): number } {
  let bytes = 0;
  const counted = <T extends Uint8Array>(chunk: T) => {
    bytes += chunk.byteLength;
    return chunk;
  };
  return {
    bytes: () => bytes,
    objects: {
      ...objects,
      get: async (digest) => counted(await objects.get(digest)),
      async *read(digest, range) {
        for await (const chunk of objects.read(digest, range)) yield counted(chunk);
      },
    },
  };
}

withWorkspace("a long log is kept whole and read by offset, while it grows and afterwards", async (workspace) => {
  const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i}: ein Stück — 日本 🌾`);
  const ending = Promise.withResolvers<void>();
  const ledger = workspace.ledgerWith({ engines: [printing(workspace.engine, lines, ending.promise)] });
  const asked = ledger.execute(ask("nothing", {}));
  while ((await ledger.listSteps()).items.length === 0) await delay(2);
  const { id } = (await ledger.listSteps()).items[0]!;
  let growing = await ledger.logOf(id, 1, 0);
  while (growing.text === "") growing = await ledger.logOf(id, 1, 0);
  assert.equal(growing.ended, false);
  assert.ok(lines.join("\n").startsWith(growing.text.slice(0, -1)));
  ending.resolve();
  assert.equal((await asked).state, "succeeded");
  const { text, parts } = await wholeLog(ledger, id);
  assert.equal(text, `${lines.join("\n")}\n`);
  assert.ok(parts > 1);
  const { attempts } = await ledger.getStep(id);
  assert.deepEqual([attempts[0]!.log.length, attempts[0]!.log.at(-1)!.text], [200, lines.at(-1)]);
  await assert.rejects(ledger.logOf(id, 9, 0), { code: "step.unknown" });
});

withWorkspace("a whole log is let go of after ninety days, its last lines are not", async (workspace) => {
  const { records } = workspace;
  const lines = Array.from({ length: 300 }, (_, i) => `line ${i}`);
  const engines = [printing(workspace.engine, lines, Promise.resolve())];
  const outcome = await workspace.ledgerWith({ engines }).execute(ask("nothing", {}));
  assert.ok(outcome.state === "succeeded");
  const pins = () => records.query("SELECT 1 FROM pins WHERE holder LIKE 'log:%'");
  await workspace.ledger.recover();
  assert.equal((await pins()).length, 1);
  const later = workspace.ledgerWith({ clock: () => Date.now() + 91 * 24 * 3600 * 1000 });
  await later.recover();
  assert.deepEqual(await pins(), []);
  assert.equal((await wholeLog(later, outcome.stepId)).text, `${lines.slice(-200).join("\n")}\n`);
});

withWorkspace(
  "a flood is cut, and says so; read part by part, each of its bytes is read once; a short log needs no object",
  async (workspace) => {
    const flood = function* () {
      for (let i = 0; i < 12_000; i++) yield "x".repeat(1000);
    };
    const reading = countingReads(workspace.objects);
    const engines = [printing(workspace.engine, flood(), Promise.resolve())];
    const ledger = workspace.ledgerWith({ engines, objects: reading.objects });
    const outcome = await ledger.execute(ask("nothing", {}));
    assert.ok(outcome.state === "succeeded");
    const { text } = await wholeLog(ledger, outcome.stepId);
    assert.equal(reading.bytes(), text.length);
    assert.match(text, /x\n--- cut: a log is kept up to 10485760 bytes ---\n$/);
    assert.ok(text.length > LOG_BYTES_MAX - 2000 && text.length < LOG_BYTES_MAX + 100);

    const short = await workspace.ledger.execute(ask("write", { name: "short", parts: 1 }));
    assert.ok(short.state === "succeeded");
    assert.deepEqual(await workspace.ledger.logOf(short.stepId, 1, 0), { text: "stored 1\n", next: 9, ended: true });
    assert.deepEqual(await workspace.ledger.logOf(short.stepId, 1, 9), { text: "", next: 9, ended: true });
    assert.deepEqual(await workspace.records.query("SELECT count(*) AS n FROM attempts WHERE log_object IS NOT NULL"), [
      { n: 1 },
    ]);
  },
);

withWorkspace(
  "a log that cannot be written ends neither the server nor the step, and its last lines are kept",
  async (workspace) => {
    const lines = Array.from({ length: 300 }, (_, i) => `line ${i}`);
    const printer = printing(workspace.engine, lines, Promise.resolve());
    const engine: Engine = {
      ...printer,
      async start(job, onLine) {
        mkdirSync(join(job.folder, "log.txt")); // in the way
        return printer.start(job, onLine);
      },
    };
    const ledger = workspace.ledgerWith({ engines: [engine] });
    const outcome = await ledger.execute(ask("nothing", {}));
    assert.ok(outcome.state === "succeeded");
    assert.equal(
      (await wholeLog(ledger, outcome.stepId)).text,
      lines
        .slice(-200)
        .map((line) => `${line}\n`)
        .join(""),
    );
  },
);
