/**
 * Loads a project: imports its `mill.ts`, collects what it exports and what these reach, and tells every failure with its file and line.
 *
 * A resolve hook, registered once, does three things for files of a project that is being loaded: `millwright` and what lies below it are the running
 * copy; every load sees the files as they are now (an address of its own each time, since modules are cached by address); and it writes down who
 * imports whom, so that a cycle can be named.
 */
import { existsSync, realpathSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MillError } from "../base/index.ts";
import { type Definition, isDefinition, KIND, type Kind, PLURAL, type Project } from "./definitions.ts";
import { explainLoadFailure } from "./load-failures.ts";
import { readProjectFiles } from "./project-files.ts";

/** The names a definition file may have, in the order they are looked for. */
const FILE_NAMES = ["mill.ts", "mill.js", "mill.mjs"] as const;

/**
 * The definitions of the project in `folder`, as its files are now.
 *
 * Errors: `define.project-missing`, `define.empty`, `define.duplicate`, `define.syntax`, `define.type-import`, `define.module-missing`,
 * `define.import-cycle`, `define.load-failed`, `define.file`, and every error of a definition, with the file and line in `at`.
 */
export const loadProject = async (folder: string): Promise<Project> => (await load(folder)).project;

/**
 * The same, loading again only when a file of the project is not what it was: a loaded module stays in memory for good.
 * A load that failed is tried again each time.
 */
export function openProject(folder: string): () => Promise<Project> {
  let loaded: Promise<Loaded> | null = null;
  let stamp = "";
  return async () => {
    const before = loaded === null ? null : await loaded.catch(() => null);
    if (before === null || stampOf(before.files) !== stamp) {
      loaded = load(folder);
      stamp = stampOf((await loaded).files);
    }
    return (await loaded!).project;
  };
}

interface Loaded {
  readonly project: Project;
  /** `mill.ts`, every file of the project that it reaches by import, and those that its trainers name. */
  readonly files: readonly string[];
}

function stampOf(files: readonly string[]): string {
  const stamps = files.map((file) => statSync(file, { bigint: true, throwIfNoEntry: false }));
  return stamps.map((found) => (found ? `${found.mtimeNs} ${found.size} ${found.ino}` : "gone")).join("\n");
}

async function load(folder: string): Promise<Loaded> {
  const root = resolve(folder);
  const file = realpathSync(definitionFile(root));
  const imports: ImportEdge[] = [];
  const exported = await importFresh(file, imports).catch((thrown: unknown) => {
    throw explainLoadFailure(thrown, { root: dirname(file), file, imports });
  });
  const project = collect(root, Object.values(exported));
  if (project.datasets.size + project.problems.size > 0) {
    const files = await readProjectFiles(root, project.models.values());
    const named = [...files.keys()].map((path) => join(root, path));
    return { project: { ...project, files }, files: [file, ...new Set(imports.map(({ to }) => to)), ...named] };
  }
  throw new MillError("define.empty", `${file} exports no definition.`, {
    at: file,
    expected: "exported definitions, as in export const flights = dataset(...)",
    got: `exports ${Object.keys(exported).join(", ") || "nothing"}`,
    fix: "Write export before each definition that the project is to have.",
  });
}

/** Errors: `define.project-missing`. */
export const requireProject = (folder: string): void => void definitionFile(resolve(folder));

function definitionFile(root: string): string {
  const found = FILE_NAMES.map((name) => join(root, name)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  const got = !existsSync(root) ? "no such folder" : statSync(root).isDirectory() ? "a folder without one" : "a file";
  throw new MillError(
    "define.project-missing",
    `There is no project in ${root}: ${got === "a folder without one" ? "it has no mill.ts" : got}.`,
    {
      at: root,
      expected: `a folder with ${FILE_NAMES.join(" or ")}`,
      got,
      fix: "Name the project's folder with --project, or write one with mill init.",
    },
  );
}

/** One file of a project imports another. */
export interface ImportEdge {
  readonly from: string;
  readonly to: string;
}

const importsOfLoad = new Map<string, ImportEdge[]>();
let loads = 0;

async function importFresh(file: string, imports: ImportEdge[]): Promise<Readonly<Record<string, unknown>>> {
  if (loads === 0) registerHooks({ resolve: resolveForProjects });
  const load = String(++loads);
  importsOfLoad.set(load, imports);
  try {
    return await import(`${pathToFileURL(file).href}?load=${load}`);
  } finally {
    importsOfLoad.delete(load);
  }
}

type ResolveHook = NonNullable<Parameters<typeof registerHooks>[0]["resolve"]>;

const resolveForProjects: ResolveHook = (specifier, context, nextResolve) => {
  const load = /[?]load=(\d+)$/.exec(context.parentURL ?? "")?.[1];
  if (load === undefined) return nextResolve(specifier, context);
  const own = OWN_DOORS[specifier];
  if (own !== undefined) return { url: own, shortCircuit: true };
  const resolved = nextResolve(specifier, context);
  if (!resolved.url.startsWith("file:") || resolved.url.includes("/node_modules/")) return resolved;
  importsOfLoad.get(load)?.push({ from: fileURLToPath(context.parentURL!), to: fileURLToPath(resolved.url) });
  return { ...resolved, url: `${resolved.url}?load=${load}` };
};

/** The running copy's doors: with the extension that this file has, `.ts` in the repository and `.js` in the package. */
const extension = extname(import.meta.url);
const OWN_DOORS: Readonly<Record<string, string>> = {
  millwright: new URL(`../index${extension}`, import.meta.url).href,
  "millwright/learn": new URL(`../learn/index${extension}`, import.meta.url).href,
  "millwright/client": new URL(`../../sdk/index${extension}`, import.meta.url).href,
};

/** The exported definitions and those they reach, each name once for its kind. What is no definition is left out. */
function collect(folder: string, exported: readonly unknown[]): Omit<Project, "files"> {
  const found = {
    ...{
      problem: new Map(),
      dataset: new Map(),
      features: new Map(),
      model: new Map(),
      endpoint: new Map(),
      schedule: new Map(),
    },
  };
  const visit = (definition: Definition): void => {
    const names: Map<string, Definition> = found[definition[KIND]];
    const known = names.get(definition.name);
    if (known === definition) return;
    if (known !== undefined) throw duplicate(definition);
    for (const inner of reached(definition)) visit(inner);
    names.set(definition.name, definition);
  };
  for (const value of exported) if (isDefinition(value)) visit(value);
  const byKind = Object.entries(found).map(([kind, names]) => [PLURAL[kind as Kind], names] as const);
  return { folder, ...Object.fromEntries(byKind) } as Omit<Project, "files">;
}

function reached(definition: Definition): readonly Definition[] {
  if (definition[KIND] === "schedule")
    return [...definition.runs, ...definition.when.flatMap((one) => (one.when === "published" ? [one.of] : []))];
  if (definition[KIND] === "endpoint") return [definition.serves];
  if (definition[KIND] === "model") return [definition.solves, definition.from];
  return definition[KIND] === "features" ? [definition.from] : [];
}

function duplicate(definition: Definition): MillError {
  const kind = definition[KIND];
  return new MillError("define.duplicate", `Two different definitions are named ${kind} "${definition.name}".`, {
    at: `${kind} "${definition.name}"`,
    expected: `each name once among the ${PLURAL[kind]}`,
    got: `"${definition.name}" twice`,
    fix: "Rename one of them; what serves in both places is defined once and imported.",
  });
}
