import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { blockImports, layers, violations } from "./layers.ts";

test("no block imports against the order or past a door", () => {
  assert.deepEqual(violations(blockImports(import.meta.dirname)), []);
});

test("every block in the list exists and explains itself", () => {
  for (const name of Object.keys(layers))
    assert.ok(existsSync(join(import.meta.dirname, name, "README.md")), `src/${name}/README.md`);
});

test("an import upward, past a door or into an unknown block is named", () => {
  const found = violations([
    { file: "base/a.ts", from: "base", to: "serve", path: "serve/index.ts" },
    { file: "serve/a.ts", from: "serve", to: "base", path: "base/errors.ts" },
    { file: "utils/a.ts", from: "utils", to: "base", path: "base/index.ts" },
  ]);
  assert.match(found[0]!, /"base" may not import "serve"/);
  assert.match(found[1]!, /use the door of "base"/);
  assert.match(found[2]!, /"utils" is not in src\/layers.ts/);
});

test("a test may use the fixtures of a block above, what is shipped may not", () => {
  const use = (file: string) => violations([{ file, from: "monitor", to: "serve", path: "serve/fixtures/served.ts" }]).length;
  assert.deepEqual([use("monitor/parity.test.ts"), use("monitor/fixtures/june.ts"), use("monitor/parity.ts")], [0, 0, 1]);
});
