/**
 * `npm test`: every *.test.ts below src, sdk, examples and scripts, by node's own runner. What needs a service or a tool that is not here says so
 * when it is skipped. `npm test -- --all` runs the slow ones too (*.slow.test.ts: days of traffic, kills, the packed package); `npm test -- PATH ...`
 * runs only these files.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const asked = process.argv.slice(2).filter((word) => word !== "--all");
const all = globSync("{src,sdk,examples,scripts}/**/*.test.ts", { cwd: root, exclude: ["**/node_modules/**"] }).sort();
const slow = process.argv.includes("--all") ? [] : all.filter((path) => path.endsWith(".slow.test.ts"));
const files = asked.length > 0 ? asked : all.filter((path) => !slow.includes(path));

/** Far above what they take; the runner itself would wait for ever. */
const LIMIT_MS = 60 * 60_000;
const runner = ["--import", "./scripts/end-hung-test.ts", "--test", "--test-reporter=spec", "--test-concurrency=2"];
const { status, signal } = spawnSync(process.execPath, [...runner, ...files], { cwd: root, stdio: "inherit", timeout: LIMIT_MS });
if (signal) console.error(`The tests have not ended by themselves after ${LIMIT_MS / 60_000} minutes: ended by ${signal}.`);
if (asked.length === 0 && slow.length > 0) console.log(`left out: ${slow.join(", ")}; npm test -- --all runs them too`);
process.exit(status ?? 1);
