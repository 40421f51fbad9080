import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startSample } from "../fixtures/sample-platform.ts";

const here = spawnSync("chromium", ["--version"]).status === 0;
/* biome-ignore format: flags */
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--virtual-time-budget=2000", "--enable-logging=stderr"];

test("a real browser draws the page under its content security policy, and fetches nothing else", {
  skip: here ? false : "no chromium (Debian's package chromium)",
}, async () => {
  const sample = await startSample();
  const profile = mkdtempSync(join(tmpdir(), "mill-browser-"));
  try {
    const url = `http://127.0.0.1:${sample.port}/`;
    const { stdout, stderr } = await promisify(execFile)(
      "chromium",
      [...FLAGS, `--user-data-dir=${profile}`, "--dump-dom", url],
      {
        maxBuffer: 16 << 20,
      },
    );
    assert.match(stdout, /<svg[\s\S]*<\/svg>/, "the graph is drawn");
    assert.match(stdout, /class="timeline"[\s\S]*366,623 USD/, "the timeline is drawn");
    assert.match(stdout, /A stated probability is kept/, "the gate's chain is there");
    assert.doesNotMatch(stderr, /Content Security Policy|Refused to/, "nothing broke the policy");
  } finally {
    await sample.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  }
});
