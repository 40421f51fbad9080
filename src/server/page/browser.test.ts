import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { MillError } from "../../base/index.ts";
import { noChromium, openChromium } from "../fixtures/open-chromium.ts";
import { handlers, startSample } from "../fixtures/sample-platform.ts";

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

test("while mill.ts has a slip a browser shows it with its place, and comes back by itself; programs get the problem", {
  skip: noChromium,
  timeout: 60_000,
}, async () => {
  const slip = new MillError("define.bad-value", 'model "late": seed: expected a whole number, got <none>.', {
    ...{ at: 'mill.ts:12, model "late"', expected: "a whole number", got: "<none>", fix: "Correct the value." },
  });
  let mended = false;
  const sample = await startSample({
    graph: async (input, context) => {
      if (mended) return handlers.graph(input, context);
      throw slip;
    },
  });
  const browser = await openChromium();
  try {
    await browser.go(sample.url);
    const seen = await browser.see(/looks again/);
    for (const words of ["The definitions cannot be read", slip.code, slip.message, slip.at!, "Correct the value."])
      assert.ok(seen.includes(words), `${words} in ${seen}`);
    const plain = await fetch(sample.url);
    assert.deepEqual([plain.status, plain.headers.get("content-type")], [400, "application/problem+json; charset=utf-8"]);
    assert.equal(((await plain.json()) as { code: string }).code, slip.code);
    mended = true;
    await browser.see(/Assets/);
  } finally {
    await browser.close();
    await sample.close();
  }
});
