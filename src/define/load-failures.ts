/** What a person is told when the files of a project cannot be imported: file and line, the reason, the way out. */
import { existsSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { MillError } from "../base/index.ts";
import type { ImportEdge } from "./load.ts";

export interface LoadAttempt {
  readonly root: string;
  /** The definition file. */
  readonly file: string;
  readonly imports: readonly ImportEdge[];
}

export function explainLoadFailure(thrown: unknown, attempt: LoadAttempt): MillError {
  if (thrown instanceof MillError) return placed(thrown, attempt);
  if (!(thrown instanceof Error)) return failed(thrown, attempt);
  const code = (thrown as NodeJS.ErrnoException).code ?? "";
  if (code.endsWith("_TYPESCRIPT_SYNTAX")) return typeScriptSyntax(thrown, code, attempt);
  if (code === "ERR_MODULE_NOT_FOUND" || code === "ERR_UNSUPPORTED_DIR_IMPORT") return moduleMissing(thrown, attempt);
  const missing = /^The requested module '(.+)' does not provide an export named '(.+)'$/s.exec(thrown.message);
  if (missing) return exportMissing(thrown, missing[1]!, missing[2]!, attempt);
  if (thrown instanceof SyntaxError) return syntax(thrown, attempt);
  const early = thrown instanceof ReferenceError && /^Cannot access '(.+)' before initialization$/.exec(thrown.message);
  if (early) return usedTooEarly(thrown, early[1]!, attempt);
  return failed(thrown, attempt);
}

/** An error of a definition keeps its words and gains the file and line it was made at. */
function placed(error: MillError, attempt: LoadAttempt): MillError {
  const inside = error.cause instanceof MillError ? placeIn(error.cause, attempt) : undefined;
  const place = inside ?? placeIn(error, attempt);
  const { code, message, at, expected, got, fix } = error;
  return new MillError(code, message, { at: [place, at].filter(Boolean).join(", "), expected, got, fix, cause: error });
}

function typeScriptSyntax(thrown: Error, code: string, attempt: LoadAttempt): MillError {
  const at = placeIn(thrown, attempt);
  const unsupported = code.startsWith("ERR_UNSUPPORTED");
  const first = thrown.message.split("\n")[0];
  return new MillError("define.syntax", `${at ?? attempt.file} cannot be read: ${first}.`, {
    at,
    expected: unsupported ? "TypeScript whose types can be left out" : "TypeScript",
    got: first,
    fix: unsupported
      ? "Node leaves types out and compiles nothing: write plain objects and functions for enums, namespaces and parameter properties."
      : "Correct the line.",
    cause: thrown,
  });
}

/** Node does not say where plain JavaScript went wrong; the parser for types does. */
function syntax(thrown: Error, attempt: LoadAttempt): MillError {
  const files = [attempt.file, ...attempt.imports.map(({ to }) => to)];
  const at = placeIn(thrown, attempt) ?? [...new Set(files)].map((file) => parseFailure(file, attempt)).find(Boolean);
  return new MillError("define.syntax", `${at ?? attempt.file} cannot be read: ${thrown.message}.`, {
    at,
    expected: "JavaScript or TypeScript",
    got: thrown.message,
    fix: "Correct the line.",
    cause: thrown,
  });
}

function parseFailure(file: string, { root }: LoadAttempt): string | undefined {
  if (!/\.[cm]?[jt]s$/.test(file)) return undefined;
  try {
    stripTypeScriptTypes(readFileSync(file, "utf8"));
    return undefined;
  } catch (thrown) {
    const line = /^\S*:(\d+)$/m.exec(String((thrown as Error).stack))?.[1];
    return `${relative(root, file)}${line === undefined ? "" : `:${line}`}`;
  }
}

function moduleMissing(thrown: Error, attempt: LoadAttempt): MillError {
  const [, kind, name, importer] = /^Cannot find (module|package) '(.+)' imported from (.+)$/.exec(thrown.message) ?? [];
  const folder = /^Directory import '(.+)' is not supported.* imported from (.+)$/.exec(thrown.message);
  const from = importer ?? folder?.[2];
  const at = from === undefined ? undefined : relative(attempt.root, from);
  if (kind === "package")
    return new MillError("define.module-missing", `${at} imports the package "${name}", which is not installed.`, {
      at,
      expected: `"${name}" in the project's node_modules`,
      got: "no such package",
      fix: `Run npm install ${name} in the project.`,
      cause: thrown,
    });
  const path = name ?? folder?.[1] ?? "";
  const near = [`${path}.ts`, `${path}/index.ts`, path.replace(/\.js$/, ".ts"), `${path}.js`].find((file) => existsSync(file));
  const shown = relative(attempt.root, path);
  return new MillError("define.module-missing", `${at} imports ${shown}, and there is no such file.`, {
    at,
    expected: "the path of a file, with its extension",
    got: shown,
    fix: near === undefined ? "Correct the path." : `Write the whole name: ${relative(dirname(from!), near)}.`,
    cause: thrown,
  });
}

function exportMissing(thrown: Error, module: string, name: string, attempt: LoadAttempt): MillError {
  const at = placeIn(thrown, attempt);
  if (isType(module, name, thrown, attempt))
    return new MillError("define.type-import", `${at} imports the type ${name} as if it were a value.`, {
      at,
      expected: `import { type ${name} } from "${module}"`,
      got: `import { ${name} } from "${module}"`,
      fix: "Write `type` before its name: Node leaves types out, and an import of one must say that it is one (verbatimModuleSyntax checks it).",
      cause: thrown,
    });
  return new MillError("define.export-missing", `${at} imports "${name}" from "${module}", which exports no such name.`, {
    at,
    expected: `a name that "${module}" exports`,
    got: `"${name}"`,
    fix: "Correct the name, or export it there.",
    cause: thrown,
  });
}

/** Types of the package begin with a capital and its values do not; a file says itself what it exports. */
function isType(module: string, name: string, thrown: Error, { root }: LoadAttempt): boolean {
  if (module === "millwright" || module.startsWith("millwright/")) return /^[A-Z]/.test(name);
  const importer = userPlace(thrown)?.file;
  const file = resolve(importer === undefined ? root : dirname(importer), module);
  if (!module.startsWith(".") || !existsSync(file)) return false;
  return new RegExp(`\\b(?:interface|type)\\s+${name.replace(/\W/g, "\\$&")}\\b`).test(readFileSync(file, "utf8"));
}

function usedTooEarly(thrown: Error, name: string, attempt: LoadAttempt): MillError {
  const at = placeIn(thrown, attempt);
  const cycle = cycleThrough(userPlace(thrown)?.file ?? attempt.file, attempt.imports);
  if (cycle === undefined)
    return new MillError("define.load-failed", `${at} uses "${name}" before it is defined.`, {
      at,
      expected: "definitions in the order in which they build on each other",
      got: `"${name}" above its definition`,
      fix: `Move the definition of "${name}" up.`,
      cause: thrown,
    });
  const path = cycle.map((file) => relative(attempt.root, file)).join(" -> ");
  return new MillError(
    "define.import-cycle",
    `Definitions import each other in a circle, so "${name}" is not there yet: ${path}.`,
    {
      at,
      expected: "files that import each other in one direction",
      got: path,
      fix: `Move what both need, such as "${name}", into a file of its own.`,
      cause: thrown,
    },
  );
}

/** The shortest way from a file back to itself along the imports. */
function cycleThrough(start: string, imports: readonly ImportEdge[]): readonly string[] | undefined {
  const paths: (readonly string[])[] = [[start]];
  const seen = new Set<string>();
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    for (const { to } of imports.filter(({ from }) => from === path!.at(-1))) {
      if (to === start) return [...path, to];
      if (seen.has(to)) continue;
      seen.add(to);
      paths.push([...path, to]);
    }
  }
  return undefined;
}

function failed(thrown: unknown, attempt: LoadAttempt): MillError {
  const at = thrown instanceof Error ? placeIn(thrown, attempt) : undefined;
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new MillError("define.load-failed", `${at ?? attempt.file} failed while it was loaded: ${message}`, {
    at,
    expected: "a file that only defines",
    got: message,
    fix: "Correct the line; definitions are plain data and have no side effects.",
    cause: thrown,
  });
}

/** `mill.ts:12`, the first place in the user's files that the error's stack names. */
function placeIn(thrown: Error, { root }: LoadAttempt): string | undefined {
  const place = userPlace(thrown);
  return place === undefined ? undefined : `${relative(root, place.file)}:${place.line}`;
}

/** Files under load have an address ending in `?load=N`; the type stripper names a plain path. */
function userPlace({ stack = "" }: Error): { readonly file: string; readonly line: string } | undefined {
  const address = /(file:\/\/[^\s()]+)[?]load=\d+:(\d+)/.exec(stack);
  if (address) return { file: fileURLToPath(address[1]!), line: address[2]! };
  const path = /^(\/\S.*|[A-Za-z]:\\.*):(\d+)$/m.exec(stack);
  return path ? { file: path[1]!, line: path[2]! } : undefined;
}
