/** The engine `local` with its steps in a sandbox: the whole suite, and what the sandbox keeps from them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createLocalEngine, requireSandbox } from "./index.ts";
import { engineSuite, layGround } from "./suite.ts";

const refused = await requireSandbox().then(
  () => null,
  (error: Error) => error.message,
);
test("where there is no Bubblewrap the sandbox is refused, with what mends it", async () => {
  const { PATH } = process.env;
  process.env.PATH = "/nowhere";
  try {
    await assert.rejects(requireSandbox(), { code: "engine.sandbox", fix: /bubblewrap.*MILL_SANDBOX=none/ });
  } finally {
    process.env.PATH = PATH;
  }
});

if (refused !== null) test("steps in a sandbox", { skip: `${refused} (apt-get install bubblewrap)` }, () => undefined);
else {
  const root = mkdtempSync(join(tmpdir(), "mill-sandbox-"));
  after(() => rmSync(root, { recursive: true, force: true }));
  const objects = join(root, "objects");
  const open = (network = false) =>
    createLocalEngine({
      ...{ command: ground.command, folder: ground.folder, graceMs: 1000 },
      sandbox: { writable: [objects], network },
    });
  const ground = layGround(root, open);
  const { newJob } = ground;

  engineSuite(open, ground);

  test("a step writes its own folder and the named ones, and nothing else", async () => {
    const other = newJob("");
    const secret = join(root, "mill.db");
    writeFileSync(secret, "rows");
    const job = newJob(`touch own '${objects}/one'
      for path in '${secret}' '${other.folder}/input.json' '${root}/new' /tmp/mill-stray /etc/mill-stray "$HOME/mill-stray"; do
        echo stray 2>/dev/null >"$path" && echo "wrote $path"
      done
      rm -f '${secret}' 2>/dev/null && echo removed
      cat '${secret}'; echo`);
    const lines: string[] = [];
    const { exit } = await open().start(job, (line) => lines.push(line));
    assert.equal((await exit).code, 0);
    assert.deepEqual(lines, ["rows"]);
    assert.deepEqual([existsSync(join(job.folder, "own")), existsSync(join(objects, "one"))], [true, true]);
    assert.equal(readFileSync(secret, "utf8"), "rows");
  });

  test("no network is reached, not even this machine's, unless the step needs one", async () => {
    const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
    after(() => server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const connect = `require("net").connect(${port}, "127.0.0.1").on("connect", () => process.exit(0)).on("error", () => process.exit(7))`;
    const script = `exec '${process.execPath}' -e '${connect}'`;
    for (const [network, code] of [
      [false, 7],
      [true, 0],
    ] as const) {
      const { exit } = await open(network).start(newJob(script), () => undefined);
      assert.equal((await exit).code, code);
    }
  });
}
