/** Against the index of packages that this machine's uv and pip are configured for; MILL_TEST_PYTHON names a Python that has uv. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, utimesSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createEnvironments, type EnvironmentsOptions } from "./index.ts";

const withUv = process.env.MILL_TEST_PYTHON;
const skip = withUv === undefined && "set MILL_TEST_PYTHON to a Python with uv (.ci/python start DIR)";
const folder = await mkdtemp(join(tmpdir(), "mill-environments-"));
after(() => rm(folder, { recursive: true, maxRetries: 3 }));

/** A Python without uv, on a path without uv. */
function withPip(): EnvironmentsOptions {
  const plain = join(folder, "plain");
  execFileSync(withUv!, ["-m", "venv", plain]);
  return {
    folder: join(folder, "pip"),
    python: join(plain, "bin", "python"),
    environment: { ...process.env, PATH: "/usr/bin:/bin" },
  };
}

const TOOLS: Readonly<Record<string, () => EnvironmentsOptions>> = {
  uv: () => ({ folder: join(folder, "uv"), python: withUv! }),
  pip: withPip,
};

/** Where nothing listens. */
const NOBODY = "http://127.0.0.1:9/simple";

const quiet = () => {
  const lines: string[] = [];
  return { signal: new AbortController().signal, log: (line: string) => void lines.push(line), lines };
};
const say = (python: string, program: string) => execFileSync(python, ["-c", program], { encoding: "utf8" }).trim();

for (const [tool, options] of Object.entries(TOOLS))
  test(`with ${tool}, requirements become exact packages with hashes and licences, and their environment needs no network again`, {
    skip,
  }, async () => {
    const given = options();
    const environments = createEnvironments(given);
    const making = quiet();
    const lock = await environments.lock(["Python-DateUtil==2.9.0.post0", "six"], making);
    assert.match(making.lines[0]!, new RegExp(`resolving .* with ${tool} for Python`));
    assert.deepEqual(
      lock.packages.map(({ name }) => name),
      ["python-dateutil", "six"],
    );
    assert.equal(lock.packages[0]!.version, "2.9.0.post0");
    assert.equal(lock.packages.find(({ name }) => name === "six")!.license, "MIT License");
    for (const line of lock.text.split(/\n(?=\S)/)) assert.match(line, /^[a-z-]+==\S+[\s\\]+--hash=sha256:[0-9a-f]{64}/);

    const elsewhere = createEnvironments({ ...given, python: "/no/python", offline: true });
    const { python } = await elsewhere.open(lock, quiet());
    assert.equal(say(python, "import six, sys; print(sys.prefix == sys.base_prefix)"), "False");
    for (const name of readdirSync(join(python, ".."))) {
      if (!/^(python|.*\.(bat|ps1))/.test(name))
        assert.doesNotMatch(readFileSync(join(python, "..", name), "utf8"), /making-/, name);
    }
    assert.deepEqual(
      readdirSync(given.folder).filter((name) => name.startsWith("making-")),
      [],
    );

    await assert.rejects(environments.lock(["six==1.17.0", "no-such-package-of-ours==3"], quiet()), {
      ...{ code: "python.requirement", at: "six==1.17.0, no-such-package-of-ours==3" },
      got: /no-such-package-of-ours/,
    });
    await assert.rejects(environments.lock(["six==1.16.0", "six==1.17.0"], quiet()), { code: "python.requirement", got: /six/ });
    const nowhere = { UV_INDEX_URL: NOBODY, PIP_INDEX_URL: NOBODY, UV_HTTP_RETRIES: "0", PIP_RETRIES: "1", PIP_FIND_LINKS: "" };
    const alone = {
      ...(given.environment ?? process.env),
      ...nowhere,
      UV_CACHE_DIR: join(folder, "empty"),
      PIP_NO_CACHE_DIR: "1",
    };
    await assert.rejects(createEnvironments({ ...given, environment: alone }).lock(["six"], quiet()), {
      ...{ code: "python.environment", message: /index of Python packages was not reached/ },
    });
    const tampered = { ...lock, text: lock.text.replaceAll(/sha256:..../g, "sha256:0000") };
    await assert.rejects(environments.open(tampered, quiet()), { code: "python.environment", got: /hash/i });
  });

test("an environment that two make at once is made whole, and both go on with it", { skip }, async () => {
  const options = { folder: join(folder, "both"), python: withUv! };
  const lock = await createEnvironments({ ...options, folder: join(folder, "uv") }).lock(["six==1.17.0"], quiet());
  const [one, other] = await Promise.all([1, 2].map(() => createEnvironments(options).open(lock, quiet())));
  assert.equal(one!.python, other!.python);
  assert.equal(say(one!.python, "import six; print(six.__version__)"), "1.17.0");
  assert.equal(readdirSync(options.folder).filter((name) => name !== "downloads").length, 1);
});

test("an environment whose Python is gone is made again, and one that nobody used for a month is swept", { skip }, async () => {
  const options = { folder: join(folder, "swept"), python: withUv! };
  const environments = createEnvironments(options);
  const six = await environments.lock(["six==1.17.0"], quiet());
  const { python } = await environments.open(six, quiet());
  unlinkSync(python);
  symlinkSync("/no/python", python);
  await environments.open(six, quiet());
  assert.equal(say(python, "import six; print(six.__version__)"), "1.17.0");

  const monthAgo = new Date(Date.now() - 31 * 86_400_000);
  await mkdir(join(options.folder, "kept-by-hand"));
  for (const name of readdirSync(options.folder)) utimesSync(join(options.folder, name), monthAgo, monthAgo);
  await environments.lock(["six==1.16.0"], quiet());
  const left = readdirSync(options.folder).filter((name) => name !== "downloads");
  assert.ok(left.includes("kept-by-hand"));
  assert.equal(left.length, 2);
});

test("a making that is cancelled leaves nothing", { skip }, async () => {
  const options = { folder: join(folder, "cancelled"), python: withUv! };
  const cancel = new AbortController();
  const log = () => cancel.abort(new Error("enough"));
  await assert.rejects(createEnvironments(options).lock(["six"], { signal: cancel.signal, log }), { message: "enough" });
  rmSync(options.folder, { recursive: true, force: true });
});
