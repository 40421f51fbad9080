import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { openAccessLog } from "../index.ts";

const root = await mkdtemp(join(tmpdir(), "mill-access-"));
after(() => rm(root, { recursive: true }));
let made = 0;
const newFolder = () => join(root, `access-${made++}`);

const entry = (requestId: string) => ({
  ...{ requestId, actor: "owner", verb: "predict", target: "late-arrival", status: 200, bytes: 512, ms: 1.25 },
});

async function linesIn(folder: string): Promise<Record<string, unknown>[]> {
  const texts = await Promise.all((await readdir(folder)).sort().map((name) => readFile(join(folder, name), "utf8")));
  return texts.flatMap((text) =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line)),
  );
}

test("every request is a line, in order, for the owner's eyes alone", async () => {
  const folder = newFolder();
  const log = await openAccessLog(folder, { bytesMax: 16 << 20, now: () => 0 });
  for (let index = 0; index < 5000; index++) log.note(entry(`r${index}`));
  await log.close();
  const lines = await linesIn(folder);
  assert.deepEqual(
    lines.map(({ requestId }) => requestId),
    Array.from({ length: 5000 }, (_, index) => `r${index}`),
  );
  assert.deepEqual(lines[0], { at: "1970-01-01T00:00:00.000Z", ...entry("r0") });
  const [name] = await readdir(folder);
  assert.deepEqual([(await stat(folder)).mode & 0o777, (await stat(join(folder, name!))).mode & 0o777], [0o700, 0o600]);
});

test("files are rotated, and the oldest go, so that all stay below the bound; a later start goes on", async () => {
  const folder = newFolder();
  const bytesMax = 64 << 10;
  let at = 1_700_000_000_000;
  for (let start = 0; start < 3; start++) {
    const log = await openAccessLog(folder, { bytesMax, now: () => at++ });
    for (let index = 0; index < 2000; index++) {
      log.note(entry(`s${start}-${index}`));
      if (index % 20 === 0) await setTimeout(0);
      if (index % 500 === 0) await log.close();
    }
    await log.close();
  }
  const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size));
  const lines = await linesIn(folder);
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= bytesMax + 300_000, `${sizes}`);
  assert.equal(lines.at(-1)!.requestId, "s2-1999");
  assert.ok(!lines.some(({ requestId }) => requestId === "s0-0"), "the oldest is gone");
});

test("what a client chose cannot break a line, and is cut where it is long", async () => {
  const folder = newFolder();
  const log = await openAccessLog(folder, { bytesMax: 1 << 20 });
  log.note({ ...entry("r"), target: `photos/a"\n{"forged": true}\u2028\ud800${"x".repeat(5000)}` });
  await log.close();
  const [line, ...others] = await linesIn(folder);
  assert.deepEqual([others, (line!.target as string).length, line!.forged], [[], 500, undefined]);
});

test("where nothing can be written the requests go on, it is told once, and what was left out is counted", async () => {
  const folder = newFolder();
  const faults: Error[] = [];
  const log = await openAccessLog(folder, { bytesMax: 1 << 20, onFault: (error) => faults.push(error) });
  await rm(folder, { recursive: true });
  await writeFile(folder, "in the way");
  log.note(entry("lost"));
  await log.close();
  log.note(entry("lost too"));
  await log.close();
  assert.equal(faults.length, 1);
  await rm(folder);
  await (await openAccessLog(folder, { bytesMax: 1 << 20 })).close();
  log.note(entry("kept"));
  await log.close();
  const lines = await linesIn(folder);
  assert.deepEqual([lines[0]!.requestId, lines[1]!.dropped], ["kept", 2]);
});

test("a line that comes while others are written keeps no later line from the file", async () => {
  const folder = newFolder();
  const log = await openAccessLog(folder, { bytesMax: 16 << 20 });
  for (let index = 0; index < 2000; index++) log.note(entry(`r${index}`)); // the write begins at once
  log.note(entry("meanwhile"));
  for (let waits = 0; (await linesIn(folder)).length < 2001; waits++) {
    assert.ok(waits < 1000, "the first lines are written");
    await setTimeout(10);
  }
  await setTimeout(400); // the clock that the line in between had started has run out
  log.note(entry("later"));
  await log.close();
  assert.equal((await linesIn(folder)).at(-1)?.requestId, "later");
});
