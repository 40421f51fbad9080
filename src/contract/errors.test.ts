import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ERRORS } from "./index.ts";

const root = join(import.meta.dirname, "..", "..");
const thrown = new Set(
  globSync("{src,sdk}/**/*.ts", { cwd: root })
    .filter((file) => !file.endsWith(".test.ts"))
    .flatMap((file) =>
      [...readFileSync(join(root, file), "utf8").matchAll(/MillError\(\s*"([^"]+)"/g)].map((match) => match[1]!),
    ),
);

test("every code that the sources throw is in the table", () => {
  assert.deepEqual(
    [...thrown].filter((code) => !(code in ERRORS)),
    [],
  );
});

test("every code in the table is thrown, and explained on docs/errors.md", () => {
  const page = readFileSync(join(root, "docs", "errors.md"), "utf8");
  for (const code of Object.keys(ERRORS)) {
    assert.ok(thrown.has(code), `${code} is never thrown: take it out of the table`);
    assert.ok(page.includes(`\`${code}\``), `${code} is not on docs/errors.md: run node scripts/docs.ts`);
  }
});

test("codes are block.reason in kebab case", () => {
  for (const code of Object.keys(ERRORS)) assert.match(code, /^[a-z]+(-[a-z]+)*\.[a-z0-9]+(-[a-z0-9]+)*$/);
});
