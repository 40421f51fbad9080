/**
 * `npm test`: every *.test.ts below src, sdk, examples and scripts, by node's own runner. What needs a service or a tool that is not here says so
 * when it is skipped. `npm test -- --all` runs the slow ones too (*.slow.test.ts: days of traffic, kills, the packed package); `npm test -- PATH ...`
 * runs only these files. With `--again` a few files that failed have one more chance, alone, and are told by name: on a busy machine a test may lose a
 * race; where more than three files fail, something is broken.
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const asked = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const all = globSync("{src,sdk,examples,scripts}/**/*.test.ts", { cwd: root, exclude: ["**/node_modules/**"] }).sort();
const slow = process.argv.includes("--all") ? [] : all.filter((path) => path.endsWith(".slow.test.ts"));
const files = asked.length > 0 ? asked : all.filter((path) => !slow.includes(path));

/** Far above what they take; the runner itself would wait for ever. */
const LIMIT_MS = 60 * 60_000;
const AGAIN_FILES_MAX = 3;
/** Also on two cores: a third of the time the tests wait, for servers, locks and ends of processes. */
const FILES_AT_ONCE = 3;

/** The runner's status, and the files that did not end well. */
function run(files: readonly string[], concurrency: number): { status: number; failed: string[] } {
  const folder = mkdtempSync(join(tmpdir(), "mill-test-files-"));
  const passedFiles = join(folder, "passed");
  writeFileSync(passedFiles, "");
  const runner = [
    "--import",
    "./scripts/each-test-file.ts",
    "--test",
    "--test-reporter=spec",
    `--test-concurrency=${concurrency}`,
  ];
  const { status, signal } = spawnSync(process.execPath, [...runner, ...files], {
    ...{ cwd: root, stdio: "inherit", timeout: LIMIT_MS },
    env: { ...process.env, MILL_TEST_PASSED_FILES: passedFiles },
  });
  if (signal) console.error(`The tests have not ended by themselves after ${LIMIT_MS / 60_000} minutes: ended by ${signal}.`);
  const passed = new Set(readFileSync(passedFiles, "utf8").split("\n"));
  rmSync(folder, { recursive: true });
  return { status: status ?? 1, failed: files.filter((file) => !passed.has(file)) };
}

let { status, failed } = run(files, FILES_AT_ONCE);
if (status !== 0 && process.argv.includes("--again") && failed.length > 0 && failed.length <= AGAIN_FILES_MAX) {
  console.log(`run again, alone: ${failed.join(" ")}`);
  const again = run(failed, 1);
  if (again.status === 0) console.log(`passed only when run again, alone: ${failed.join(" ")}`);
  status = again.status;
}
if (asked.length === 0 && slow.length > 0) console.log(`left out: ${slow.join(", ")}; npm test -- --all runs them too`);
process.exit(status);
