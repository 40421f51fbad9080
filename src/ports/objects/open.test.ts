import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ObjectsSpec, openObjects } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-open-"));
after(() => rmSync(root, { recursive: true, force: true }));
const key = randomBytes(32);
const keyring = { current: "one", key: (id: string) => (id === "one" ? key : null) };

test("a store that is named by JSON in one process is the same store in another", async () => {
  for (const encrypted of [false, true]) {
    const spec: ObjectsSpec = { kind: "files", folder: join(root, `encrypted-${encrypted}`), encrypted };
    const parent = openObjects(spec, { keyring });
    const child = openObjects(JSON.parse(JSON.stringify(spec)), { keyring, segments: "read" });
    const digest = await child.put(Buffer.from("from the child"));
    assert.equal(Buffer.from(await parent.get(digest)).toString(), "from the child");
    await child.close();
    await parent.close();
  }
});

test("an encrypted store is not opened without its keys", () => {
  assert.throws(() => openObjects({ kind: "files", folder: join(root, "keyless"), encrypted: true }), {
    code: "object.no-keyring",
  });
});
