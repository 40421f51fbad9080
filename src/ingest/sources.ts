import { constants } from "node:fs";
import { access, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { didYouMean, MillError } from "../base/index.ts";
import type { FilesSource } from "../define/index.ts";

export const FORMATS = ["parquet", "csv", "ndjson", "json"] as const;
export type SourceFormat = (typeof FORMATS)[number];

export interface ResolvedSource {
  /** Absolute. */
  readonly path: string;
  /** As a person knows it: relative to the project, or `package:NAME/PATH`. */
  readonly name: string;
  readonly format: SourceFormat;
  readonly sizeBytes: number;
  /** Size, time of change and inode: the same stamp, the same content. */
  readonly stamp: string;
}

/**
 * The files that a source names, in the order of its paths and, behind a `*`, of their names.
 * Paths are relative to the project; `*` stands for any text inside one folder or file name; `package:NAME/PATH` is looked up in the node_modules of the
 * project and of the folders above it, and never leaves that package.
 * Errors: `source.missing`, `source.format`, `source.outside`, `source.unreadable` (a folder, or a file that may not be read).
 */
export async function resolveSources(source: FilesSource, projectFolder: string): Promise<ResolvedSource[]> {
  const found = await Promise.all(source.paths.map((path) => resolvePath(path, projectFolder)));
  const named = new Map(found.flat().map((file) => [file.path, file]));
  return Promise.all([...named.values()].map(readStamp));
}

export interface NamedFile {
  readonly path: string;
  readonly name: string;
}

/** Errors: `source.missing`, `source.outside`. */
export async function resolvePath(given: string, projectFolder: string, listing: Listing = LOOKING): Promise<NamedFile[]> {
  if (given.startsWith("package:")) return resolveInPackage(given, projectFolder, listing);
  const root = isAbsolute(given) ? sep : projectFolder;
  const paths = await expand(root, relative(root, resolve(root, given)), given, listing);
  return paths.map((path) => ({ path, name: isAbsolute(given) ? path : relative(projectFolder, path) }));
}

async function resolveInPackage(given: string, projectFolder: string, listing: Listing): Promise<NamedFile[]> {
  const match = /^package:((?:@[\w.-]+\/)?[\w.-]+)\/(.+)$/.exec(given);
  if (!match) throw outside(given);
  const parts = match[2]!.split("/");
  if (parts.includes("..") || match[1]!.split("/").some((part) => /^\.+$/.test(part))) throw outside(given);
  const folder = await packageFolder(match[1]!, projectFolder);
  if (folder === null)
    throw new MillError("source.missing", `The package "${match[1]}" is not installed for this project.`, {
      at: given,
      expected: `a folder node_modules/${match[1]} beside the project or above it`,
      fix: `Run npm install ${match[1]} in the project.`,
    });
  const paths = await expand(folder, parts.join("/"), given, listing);
  const inside = await realpath(folder);
  for (const path of paths) if (!(await realpath(path)).startsWith(inside + sep)) throw outside(given);
  return paths.map((path) => ({ path, name: `package:${match[1]}/${relative(folder, path)}` }));
}

const outside = (given: string) =>
  new MillError("source.outside", `"${given}" leaves its package.`, {
    at: given,
    expected: "package:NAME/PATH with a path inside the package",
    fix: "Name a file of the package, or copy the file into the project.",
  });

async function packageFolder(name: string, from: string): Promise<string | null> {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (await exists(candidate)) return candidate;
    if (folder === dirname(folder)) return null;
  }
}

const exists = (path: string) =>
  access(path, constants.F_OK).then(
    () => true,
    () => false,
  );

/** What folders hold. */
export interface Listing {
  has(folder: string, name: string): Promise<boolean>;
  names(folder: string): Promise<readonly string[]>;
  /** Names that one that is missing may have been meant for; null: none is worth telling. */
  near(folder: string): Promise<readonly string[] | null>;
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

const LOOKING: Listing = {
  has: (folder, name) => exists(join(folder, name)),
  names: namesIn,
  near: namesIn,
};

/** Each folder is read once, at its first asking: for thousands of paths. */
export function readFoldersOnce(): Listing {
  const read = new Map<string, Promise<ReadonlySet<string> | null>>();
  const namesOf = (folder: string) => {
    const names =
      read.get(folder) ??
      readdir(folder).then(
        (all) => new Set(all),
        () => null,
      );
    read.set(folder, names);
    return names;
  };
  return {
    async has(folder, name) {
      const names = name === ".." ? null : await namesOf(folder);
      return names?.has(name) ?? LOOKING.has(folder, name); // a folder that may be entered, and not read
    },
    names: async (folder) => [...((await namesOf(folder)) ?? [])],
    near: async () => null, // names of periods are all near
  };
}

/** The files under `root` that a path with `*` means, folder by folder. */
async function expand(root: string, path: string, given: string, listing: Listing): Promise<string[]> {
  const whole = join(root, path);
  if (!path.includes("*") && (await listing.has(dirname(whole), basename(whole)))) return [whole];
  let reached = [root];
  for (const part of path.split(/[\\/]/))
    reached = (await Promise.all(reached.map((folder) => step(folder, part, given, listing)))).flat();
  if (reached.length > 0) return reached;
  throw new MillError("source.missing", `No file matches "${given}".`, {
    at: given,
    fix: "Correct the path in files(...), or put the file there; `*` matches within one folder.",
  });
}

async function step(folder: string, part: string, given: string, listing: Listing): Promise<string[]> {
  if (!part.includes("*"))
    return (await listing.has(folder, part))
      ? [join(folder, part)]
      : given.includes("*")
        ? []
        : fail(folder, part, given, await listing.near(folder));
  const pattern = new RegExp(`^${part.split("*").map(escapeRegExp).join("[^/]*")}$`);
  const names = await listing.names(folder);
  const matches = names.filter((name) => pattern.test(name) && !(name.startsWith(".") && !part.startsWith(".")));
  return matches.sort().map((name) => join(folder, name));
}

const escapeRegExp = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function fail(folder: string, part: string, given: string, beside: readonly string[] | null): never {
  throw new MillError("source.missing", `There is no file "${given}".${beside ? didYouMean(part, beside) : ""}`, {
    at: given,
    expected: `"${part}" in ${folder}`,
    ...(beside && { got: beside.length === 0 ? "an empty or missing folder" : beside.slice(0, 10).join(", ") }),
    fix: "Correct the path in files(...), which is relative to the project, or put the file there.",
  });
}

export async function readStamp({ path, name }: NamedFile): Promise<ResolvedSource> {
  const format = formatOf(path);
  const found = await stat(path, { bigint: true });
  if (!found.isFile()) throw notReadable(name, found.isDirectory() ? "a folder" : "no ordinary file");
  await access(path, constants.R_OK).catch(() => {
    throw notReadable(name, "a file that this account may not read");
  });
  const { size, mtimeNs, ino } = found;
  return { path, name, format, sizeBytes: Number(size), stamp: `${size}:${mtimeNs}:${ino}` };
}

const notReadable = (name: string, got: string) =>
  new MillError("source.unreadable", `"${name}" is ${got}.`, {
    at: name,
    expected: "a file that this account may read",
    got,
    fix: got === "a folder" ? `Name the files in it, as in files("${name}/*").` : "Correct the path or the file's rights.",
  });

const FORMAT_OF: Readonly<Record<string, SourceFormat>> = {
  ".parquet": "parquet",
  ".csv": "csv",
  ".tsv": "csv",
  ".ndjson": "ndjson",
  ".jsonl": "ndjson",
  ".json": "json",
};

/** By the file's name; text files may end in `.gz`. Errors: `source.format`. */
export function formatOf(path: string): SourceFormat {
  const match = /(\.[a-z]+)(\.gz)?$/.exec(basename(path).toLowerCase());
  const format = match ? FORMAT_OF[match[1]!] : undefined;
  if (format && !(format === "parquet" && match![2])) return format;
  throw new MillError("source.format", `Millwright cannot tell how to read "${basename(path)}".`, {
    at: path,
    expected: `a name that ends in ${Object.keys(FORMAT_OF).join(", ")}; text files may be compressed as .gz`,
    fix: "Rename the file, or convert it to Parquet or CSV.",
  });
}
