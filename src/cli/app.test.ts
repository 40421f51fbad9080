import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { effectsOf } from "./app.ts";

function terminal(isTTY: boolean) {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const effects = effectsOf({ stdin, stdout, stderr, env: {}, cwd: () => "/" } as unknown as NodeJS.Process);
  return { stdin, effects, shown: () => `${stdout.read() ?? ""}${stderr.read() ?? ""}` };
}

test("a secret that is typed at a terminal is asked for and not shown", async () => {
  const { stdin, effects, shown } = terminal(true);
  const asked = effects.secret("Password of anna: ");
  stdin.write("correct hoss\u007f\u007frse\r");
  assert.equal(await asked, "correct horse");
  assert.equal(shown(), "Password of anna: \n");
});

test("a secret that is broken off is empty", async () => {
  const { stdin, effects } = terminal(true);
  const asked = effects.secret("Password of anna: ");
  stdin.write("corr\u0003");
  assert.equal(await asked, "");
});

test("secrets that are sent are lines, or all that is left, and nothing is asked for", async () => {
  const { stdin, effects, shown } = terminal(false);
  stdin.end("correct horse\r\nmore\n\nand\r\nmore\n\n");
  assert.equal(await effects.secret("Password of anna: "), "correct horse");
  assert.equal(await effects.secret("Another: "), "more");
  assert.equal(await effects.secret("All: ", "all"), "\nand\r\nmore\n");
  assert.equal(await effects.secret("Nothing: "), "");
  assert.equal(shown(), "");
});
