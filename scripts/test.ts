/**
 * `npm test`: every *.test.ts below src, sdk, examples and scripts, by node's own runner. What needs a service or a tool that is not here says so
 * when it is skipped. `npm test -- PATH ...` runs only these files.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const asked = process.argv.slice(2);
const files =
  asked.length > 0
    ? asked
    : globSync("{src,sdk,examples,scripts}/**/*.test.ts", { cwd: root, exclude: ["**/node_modules/**"] }).sort();

const { status } = spawnSync(process.execPath, ["--test", "--test-reporter=spec", "--test-concurrency=2", ...files], {
  cwd: root,
  stdio: "inherit",
});
process.exit(status ?? 1);
