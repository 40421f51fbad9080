import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startSample } from "./fixtures/sample-platform.ts";

/** A Python with `tritonclient[http]` in it. */
const python = process.env.TRITON_PYTHON ?? "python3";
const here = spawnSync(python, ["-c", "import tritonclient.http"]).status === 0;

test("tritonclient's requests, raw and JSON, packed and not, are answered", {
  skip: here ? false : "no tritonclient: set TRITON_PYTHON to a Python that has it",
}, async () => {
  const sample = await startSample();
  try {
    const { stdout } = await promisify(execFile)(python, [
      join(import.meta.dirname, "fixtures", "tritonclient_drive.py"),
      `127.0.0.1:${sample.port}`,
    ]);
    assert.equal(stdout.trim(), "driven");
  } finally {
    await sample.close();
  }
});
