/** Loaded into the process of each test file. */
import { appendFileSync } from "node:fs";
import { relative } from "node:path";

const LIMIT_MINUTES = 15;

// node's runner waits for ever for a process that does not end: one that is still there after this long says what it waits for, and fails.
setTimeout(() => {
  const open = process.getActiveResourcesInfo().join(", ");
  console.error(`${process.argv[1]} has not ended after ${LIMIT_MINUTES} minutes; still open: ${open}.`);
  process.exit(1);
}, LIMIT_MINUTES * 60_000).unref();

// The runner tells where a test is written, which need not be the file that runs it.
const passedFiles = process.env.MILL_TEST_PASSED_FILES;
if (passedFiles && process.env.NODE_TEST_CONTEXT) {
  process.on("exit", (code) => {
    if (code === 0) appendFileSync(passedFiles, `${relative(process.cwd(), process.argv[1]!)}\n`);
  });
}
