/**
 * Loaded into each test file's process: node's runner waits for ever for a process that does not end, so one that is still there after this long says
 * what it waits for, and fails.
 */
const LIMIT_MINUTES = 15;

setTimeout(() => {
  const open = process.getActiveResourcesInfo().join(", ");
  console.error(`${process.argv[1]} has not ended after ${LIMIT_MINUTES} minutes; still open: ${open}.`);
  process.exit(1);
}, LIMIT_MINUTES * 60_000).unref();
