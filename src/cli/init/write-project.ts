/** Writes a project's files; what is there is kept, and an existing project is refused before anything is written. */
import { constants, copyFile, mkdir, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { digestOfFile, MillError } from "../../base/index.ts";

const DEFINITIONS = ["mill.ts", "mill.js", "mill.mjs"];

/** Errors: `cli.project-exists`, `cli.commonjs`. */
export async function refuseExisting(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const definitions = DEFINITIONS.find((name) => names.includes(name));
  if (definitions !== undefined)
    throw new MillError("cli.project-exists", `There is a project in ${folder} already.`, {
      at: join(folder, definitions),
      expected: "a folder without a project",
      got: definitions,
      fix: "Name another folder: mill init DIR --from FILE; or move its definitions away.",
    });
  const { type } = await readPackage(folder);
  const scripts = names.filter((name) => /\.[jt]s$/.test(name));
  if (type === "commonjs" && scripts.length > 0)
    throw new MillError("cli.commonjs", `${folder} is a CommonJS package: a mill.ts cannot be loaded there.`, {
      at: join(folder, "package.json"),
      expected: '"type": "module", or a folder of its own',
      got: `"type": "commonjs", with ${scripts.slice(0, 3).join(", ")}`,
      fix: "Give the project a folder of its own: mill init DIR --from FILE.",
    });
}

/** Where the data file lies in the project, with `/`: as it is when it lies inside, else in `data/`. Errors: `cli.project-exists`. */
export async function placeData(file: string, folder: string): Promise<{ readonly path: string; readonly copy: boolean }> {
  const inside = relative(await realpath(folder).catch(() => folder), await realpath(file));
  if (!inside.startsWith("..") && !inside.startsWith(sep)) return { path: inside.split(sep).join("/"), copy: false };
  const path = `data/${basename(file).replaceAll("*", "-")}`;
  const there = await digestOfFile(join(folder, path)).catch(() => null);
  if (there === null) return { path, copy: true };
  if (there === (await digestOfFile(file))) return { path, copy: false };
  throw new MillError("cli.project-exists", `${join(folder, path)} is there already, with another content.`, {
    at: path,
    expected: `a free place for ${file}`,
    fix: "Move one of the two files away, or name another folder.",
  });
}

export interface ProjectFiles {
  readonly folder: string;
  readonly name: string;
  /** Millwright's. */
  readonly version: string;
  readonly definitions: string;
  readonly readme: string;
  /** Files by their paths in the project. */
  readonly copies: readonly { readonly from: string; readonly path: string }[];
}

/** The names of the files that were written or changed. */
export async function writeProject({ folder, name, version, definitions, readme, copies }: ProjectFiles): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const written: string[] = [];
  const made = async (path: string, making: Promise<void>) => {
    const fresh = await making.then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
        return false;
      },
    );
    if (fresh) written.push(path);
  };
  const write = (path: string, text: string, flag: "wx" | "w" = "wx") =>
    made(path, writeFile(join(folder, path), text, { flag }));
  for (const { from, path } of copies) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await made(path, copyFile(from, join(folder, path), constants.COPYFILE_EXCL));
  }
  await write("package.json", packageText(name, version));
  const found = await readPackage(folder);
  if (found.type !== "module") await write("package.json", json({ ...found, type: "module" }), "w");
  await write("tsconfig.json", TSCONFIG);
  const ignored = await readFile(join(folder, ".gitignore"), "utf8").catch(() => "");
  const missing = [".mill/", "node_modules/"].filter((line) => !ignored.split(/\r?\n/).includes(line));
  if (missing.length > 0)
    await write(
      ".gitignore",
      `${ignored === "" || ignored.endsWith("\n") ? ignored : `${ignored}\n`}${missing.join("\n")}\n`,
      "w",
    );
  await write("README.md", readme);
  await write("mill.ts", definitions);
  return written;
}

const readPackage = async (folder: string): Promise<{ readonly type?: string }> =>
  JSON.parse(await readFile(join(folder, "package.json"), "utf8").catch(() => "{}"));

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

const packageText = (name: string, version: string) =>
  json({
    name,
    private: true,
    type: "module",
    scripts: { start: "mill up --run" },
    dependencies: { millwright: `^${version}` },
  });

/** What an editor needs to check `mill.ts` as it will be run. */
const TSCONFIG = json({
  compilerOptions: {
    strict: true,
    target: "es2024",
    module: "nodenext",
    types: [],
    noEmit: true,
    skipLibCheck: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
  },
  include: ["mill.ts"],
});
