/** `npm run ok`: the whole gate, in the order in which a fault is cheapest to mend. Stops at the first that fails and says what to do. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules", ".bin", name);

const gates: readonly { readonly name: string; readonly command: readonly string[]; readonly fix: string }[] = [
  { name: "format and lint", command: [bin("biome"), "check"], fix: "npx biome check --write" },
  { name: "types", command: [bin("tsc"), "-p", "."], fix: "mend the types named above" },
  { name: "docs", command: [process.execPath, "scripts/docs.ts", "--check"], fix: "node scripts/docs.ts" },
  { name: "tests", command: [process.execPath, "scripts/test.ts"], fix: "npm test -- FILE runs one file" },
];

for (const { name, command, fix } of gates) {
  console.log(`\n${name}`);
  const { status } = spawnSync(command[0]!, command.slice(1), { cwd: root, stdio: "inherit" });
  if (status !== 0) {
    console.error(`\n${name} failed. To mend it: ${fix}`);
    process.exit(1);
  }
}
console.log("\nok");
