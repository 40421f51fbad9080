/** `npm run bench [WORD]`: every *.bench.ts (whose path holds WORD), one after the other. Ratios within one table count; absolute times drift. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const word = process.argv[2] ?? "";
/** As `mill` runs: threads start with modules that were compiled before. */
const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "mill-bench-modules") };
for (const file of globSync("{src,examples}/**/*.bench.ts", { cwd: root })
  .filter((path) => path.includes(word))
  .sort()) {
  console.log(`\n## ${file}`);
  const { status } = spawnSync(process.execPath, [file, ...process.argv.slice(3)], { cwd: root, stdio: "inherit", env });
  if (status !== 0) process.exitCode = 1;
}
