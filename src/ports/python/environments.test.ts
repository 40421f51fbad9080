import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createEnvironments } from "./index.ts";
import { lastLines } from "./installer.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-environments-"));
after(() => rm(folder, { recursive: true, maxRetries: 3 }));
const making = { signal: new AbortController().signal, log() {} };

/** A program in the place of Python, as a machine may have one there. */
async function program(text: string): Promise<string> {
  const path = join(await mkdtemp(join(folder, "p-")), "python");
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

test("a machine without Python, or with one that is none, says so and what to do", async () => {
  for (const python of ["/no/python3", await program("echo 'no such version' >&2; exit 127"), await program("exec sleep 0")]) {
    const environments = createEnvironments({ folder, python });
    for (const asked of [environments.interpreter(), environments.lock(["six"], making)])
      await assert.rejects(asked, { code: "python.missing", at: python, fix: /MILL_PYTHON=/ });
  }
});

test("a Python without uv and with an old pip is told how to get one that can", async () => {
  const told = JSON.stringify({ python: "3.9", platform: "linux-x86_64", path: "/old/python", uv: false, pip: "20.3.4" });
  const environments = createEnvironments({ folder, python: await program(`echo '${told}'`), environment: { PATH: "/none" } });
  assert.deepEqual(await environments.interpreter(), { python: "3.9", platform: "linux-x86_64" });
  await assert.rejects(environments.lock(["six"], making), {
    code: "python.missing",
    fix: "Install uv: /old/python -m pip install uv",
  });
  await assert.rejects(environments.open({ python: "3.12", platform: "linux-aarch64", text: "" }, making), {
    ...{ code: "python.environment", expected: "Python 3.12 on linux-aarch64", got: "Python 3.9 on linux-x86_64" },
  });
});

test("a requirement that is an option, a path or several lines is refused before anything runs", async () => {
  const told = JSON.stringify({ python: "3.11", platform: "linux-x86_64", path: "/some/python", uv: true, pip: null });
  const environments = createEnvironments({ folder, python: await program(`echo '${told}'`) });
  for (const line of ["-r other.txt", "--index-url=https://example.org", "./wheel.whl", "/abs", "", "six\n--no-deps", "../x"])
    await assert.rejects(environments.lock(["six", line], making), { code: "python.requirement", at: "requirements" }, line);
});

test("what an installer says is told without what addresses hold before their host", () => {
  const said = "error: failed to fetch https://user:t0ken@index.example.org/simple/six\n  https://t0ken@other.example.org";
  assert.equal(
    lastLines(said),
    "error: failed to fetch https://***@index.example.org/simple/six\n  https://***@other.example.org",
  );
});
