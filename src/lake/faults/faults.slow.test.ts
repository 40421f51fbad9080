/** Every write fails once, of every operation of the lake: what was acknowledged is there, what failed is there whole or not at all, and again works. */
import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { createBreaker } from "./fixtures/breaker.ts";
import { furnish, type Operation, operations } from "./fixtures/operations.ts";
import { look, newFolder, openWorkspace, problemsOf, type Workspace } from "./fixtures/workspace.ts";

const root = newFolder("faults");
after(() => rmSync(root, { recursive: true, force: true }));

const WRITES_MAX = 120;
let copies = 0;

const furnished = join(root, "furnished");
await within(furnished, furnish);

for (const [name, operation] of Object.entries(operations))
  test(`${name}: each write fails once, and the lake stays whole`, async () => {
    const ready = copyOf(furnished);
    await within(ready, async (workspace) => operation.prepare?.(workspace));
    const before = await within(ready, look);
    const done = copyOf(ready);
    await within(done, (workspace) => operation.run(workspace));
    const afterwards = await within(done, look);
    const states = { before, afterwards };

    let nth = 1;
    for (let broke: string | null = ""; broke !== null; nth++) {
      assert.ok(nth < WRITES_MAX, `no end after ${nth} writes`);
      broke = await breakOnce(operation, nth, ready, states, nth % 2 === 1 ? "opened anew" : "goes on");
    }
    assert.ok(nth > 2, "nothing was ever written");
  });

/** Breaks the `nth` write; then the lake is opened anew, or goes on as it is. */
async function breakOnce(
  operation: Operation,
  nth: number,
  ready: string,
  { before, afterwards }: { readonly before: string; readonly afterwards: string },
  how: "opened anew" | "goes on",
): Promise<string | null> {
  const folder = copyOf(ready);
  const breaker = createBreaker();
  let workspace = await openWorkspace(folder, { breaker });
  breaker.arm(nth);
  const failure = await operation.run(workspace).then(
    () => null,
    (thrown) => thrown as Error & { code?: string },
  );
  if (how === "opened anew") await workspace.close().catch(() => undefined); // what was opened late is closed with the process
  breaker.disarm();
  const broke = breaker.broke;
  const at = `write ${nth} (${broke ?? "none"}), ${how}, ${failure ? `refused: ${failure.code ?? failure.stack}` : "acknowledged"}`;
  if (failure) assert.ok(broke, `${at}: it fails by itself: ${failure.stack}`);
  if (how === "opened anew") workspace = await openWorkspace(folder);
  try {
    const now = await look(workspace);
    if (!failure) assert.equal(now, afterwards, at);
    else if (!operation.partly) assert.ok(now === before || now === afterwards, `${at}: it is half done\n${now}`);
    assert.deepEqual(await problemsOf(workspace), [], at);

    const again = await operation.run(workspace).then(
      () => null,
      (thrown) => thrown as Error & { code?: string },
    );
    if (again) assert.ok(now !== before && again.code === operation.again, `${at}: again fails: ${again.stack}`);
    if (!operation.partly || again === null)
      assert.equal(await look(workspace), operation.partly && now !== before ? await look(workspace) : afterwards, at);
    await workspace.close();
    workspace = await openWorkspace(folder);
    if (!operation.partly) assert.equal(await look(workspace), afterwards, at);
    assert.equal((await operation.holds?.(workspace)) ?? null, null, at);
    assert.deepEqual(await problemsOf(workspace), [], at);
  } finally {
    await workspace.close().catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  }
  return broke;
}

function copyOf(folder: string): string {
  const copy = join(root, `copy-${copies++}`);
  cpSync(folder, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

async function within<T>(folder: string, work: (workspace: Workspace) => Promise<T>): Promise<T> {
  const workspace = await openWorkspace(folder);
  try {
    return await work(workspace);
  } finally {
    await workspace.close();
  }
}
