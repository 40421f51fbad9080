/** `npm run build`: JavaScript and declarations in `dist/`, with the package.json that is packed (`npm pack ./dist`). */
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

rmSync(dist, { recursive: true, force: true });
const compiled = spawnSync(join(root, "node_modules", ".bin", "tsc"), ["-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (compiled.status !== 0) process.exit(1);

const { scripts, devDependencies, allowScripts, exports, bin, ...kept } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);
const typed = (path: string) => ({ types: `./${path}.d.ts`, default: `./${path}.js` });
const published = {
  ...kept,
  exports: {
    ".": typed("src/index"),
    "./learn": typed("src/learn/index"),
    "./client": typed("sdk/index"),
    "./package.json": "./package.json",
  },
  bin: { mill: "bin/mill.mjs" },
};
writeFileSync(join(dist, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
for (const file of ["README.md", "LICENSE", "CHANGELOG.md"]) cpSync(join(root, file), join(dist, file));
const carried = ["src/**/*.wasm", "src/{ports/python,train/python/program}/*.py", "src/cli/init/templates/*.{py,csv,parquet}"];
for (const file of globSync(carried, { cwd: root })) cpSync(join(root, file), join(dist, file));
mkdirSync(join(dist, "bin"), { recursive: true });
cpSync(join(root, "bin", "mill.mjs"), join(dist, "bin", "mill.mjs"));
console.log("dist/ is ready: npm pack ./dist");
