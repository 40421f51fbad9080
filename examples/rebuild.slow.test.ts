/** A model with windows over real flights is made again from its recipe, with a home that holds nothing. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { mill, millIn, newPath, start } from "./run-mill.ts";
import { smallFlights } from "./small-flights.ts";

interface Rebuilt {
  readonly same: boolean;
  readonly steps: readonly { readonly kind: string; readonly standing: string; readonly sentence: string }[];
}

test("small flights: windows, search of a threshold and forty trees come out the same, also after a rebuild that was ended in the middle", async () => {
  const flights = ["--project", await smallFlights(), "--workspace", newPath("flights")];
  const home = newPath("home");
  await mkdir(home);
  const run = await mill("run", ...flights);
  assert.equal(run.code, 0, run.stderr);
  const recipe = `${newPath("flights")}.tar`;
  assert.equal((await mill("recipe", "late-arrival@1", "--out", recipe, ...flights)).code, 0);
  const folder = newPath("flights-kept");
  const words = ["rebuild", recipe, "--keep", folder, "--json"];
  const { child, text } = start(words, { HOME: home });
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.stdout!.on("data", () => {
    if (/"step-started","id":"model\/late-arrival:train"/.test(text.stdout)) child.kill("SIGTERM");
  });
  await ended;
  const { code, stdout, stderr } = await millIn({ HOME: home }, ...words);
  assert.equal(code, 0, stdout + stderr);
  const { data } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as { data: Rebuilt };
  const others = data.steps.filter(({ standing }) => standing !== "same").map(({ kind, standing }) => [kind, standing]);
  assert.deepEqual([data.same, others], [true, [["ingest", "given"]]]);
  const made = data.steps.filter(({ sentence }) => sentence === "made before").map(({ kind }) => kind);
  assert.ok(made.includes("training-set") && !made.includes("gate"), made.join(", "));
});
