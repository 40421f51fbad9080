/** Every order in which servers, jobs, leases and deaths can meet, walked by the model checker; and that it finds what goes wrong without a guard. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const MODEL = join(import.meta.dirname, "lease.pml");
const missing = ["spin", "cc"].filter((tool) => spawnSync(tool, ["-V"]).error);
const skip = missing.length > 0 && `needs ${missing.join(" and ")}: apt-get install spin gcc`;
const root = mkdtempSync(join(tmpdir(), "mill-lease-"));
after(() => rmSync(root, { recursive: true, force: true }));

/** What the checker says of the model: the whole of its report. */
function check(
  defined: readonly string[],
  { compiled, asked }: { compiled: readonly string[]; asked: readonly string[] },
): string {
  const cwd = mkdtempSync(join(root, "check-"));
  const run = (tool: string, words: readonly string[]) => {
    const { stdout, stderr, error } = spawnSync(tool, words, { cwd, encoding: "utf8" });
    if (error) throw error;
    return stdout + stderr;
  };
  run("spin", ["-a", ...defined.map((name) => `-D${name}`), MODEL]);
  run("cc", ["-O2", ...compiled, "-o", "pan", "pan.c"]);
  return run(join(cwd, "pan"), ["-m1000000", ...asked]);
}

const SAFETY = { compiled: ["-DSAFETY", "-DNOCLAIM"], asked: [] };
const fairly = (claim: string) => ({ compiled: ["-DNFAIR=3"], asked: ["-a", "-f", "-N", claim] });

for (const sizes of [
  ["SERVERS=2", "ATTEMPTS=3"],
  ["SERVERS=3", "ATTEMPTS=2"],
])
  test(`${sizes.join(", ")}: no order of steps publishes twice, publishes what was fenced out, or leaves all waiting`, {
    skip,
  }, () => {
    const report = check(sizes, SAFETY);
    assert.match(report, /errors: 0/, report);
    assert.match(report, /unreached in proctype Server\n\s*\(0 of \d+ states\)/, "every step of the model is walked");
  });

for (const claim of ["once", "settled"])
  test(`in every fair order the key is ${claim === "once" ? "published for good" : "settled in the end"}`, { skip }, () => {
    const report = check([], fairly(claim));
    assert.match(report, /errors: 0/, report);
  });

for (const fault of ["UNFENCED", "BLIND_CLAIM", "UNGUARDED_ADOPTION"])
  test(`${fault}: without the guard the checker finds how it goes wrong`, { skip }, () => {
    assert.match(check([fault], SAFETY), /errors: 1/);
  });
