import { isUtf8 } from "node:buffer";
import { type Dirent, realpathSync, statSync } from "node:fs";
import { opendir, readdir, realpath, stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { MillError } from "../../base/index.ts";
import type { Problems } from "./problems.ts";

export interface LocalFile {
  /** What is opened. */
  readonly file: string;
  /** Where it belongs, below the place that is added to; with `/` between folders. */
  readonly path: string;
}

/** The files that operands name, in the order of the UTF-8 bytes of their paths: a file under its own name, a folder's files as they lie in it. Errors: `cli.usage`. */
export async function* walkAll(operands: readonly string[], problems: Problems): AsyncGenerator<LocalFile> {
  const walks = operands.map((operand) => walk(operand, problems));
  let heads = await Promise.all(walks.map(async (files) => ({ files, next: await files.next() })));
  for (;;) {
    heads = heads.filter(({ next }) => !next.done);
    if (heads.length === 0) return;
    let first = heads[0]!;
    for (const head of heads.slice(1)) {
      const order = comparePaths(head.next.value!.path, first.next.value!.path);
      if (order === 0) throw twice(first.next.value!, head.next.value!);
      if (order < 0) first = head;
    }
    yield first.next.value!;
    first.next = await first.files.next();
  }
}

/** How many files there are, links and special ones aside: quicker than walking. */
export async function countFiles(operands: readonly string[], signal: AbortSignal): Promise<number> {
  let count = 0;
  const folders: string[] = [];
  for (const operand of operands) {
    if ((await stat(operand)).isDirectory()) folders.push(operand);
    else count++;
  }
  for (let folder = folders.pop(); folder !== undefined && !signal.aborted; folder = folders.pop()) {
    const listed = await opendir(folder, { bufferSize: 1024 }).catch(() => null);
    for await (const entry of listed ?? []) {
      if (entry.isDirectory()) folders.push(join(folder, entry.name));
      else if (entry.isFile()) count++;
    }
  }
  return count;
}

/** The order of the lake: by the bytes of UTF-8. */
export const comparePaths = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

async function* walk(operand: string, problems: Problems): AsyncGenerator<LocalFile> {
  const found = await stat(operand).catch((cause: Error) => {
    throw new MillError("cli.usage", `${operand} cannot be added: ${cause.message}`, {
      at: operand,
      expected: "a file or a folder",
      got: (cause as NodeJS.ErrnoException).code ?? cause.message,
      fix: "Correct the path.",
    });
  });
  const real = await realpath(operand);
  if (found.isDirectory()) yield* walkFolder({ folder: operand, path: "", within: real, above: [real] }, problems);
  else if (found.isFile()) yield { file: real, path: basename(operand) };
  else problems.leaveOut(operand, "it is neither a file nor a folder");
}

interface Folder {
  readonly folder: string;
  /** Empty, or with `/` at its end. */
  readonly path: string;
  /** What links may not leave: the folder that was named. */
  readonly within: string;
  /** The real paths of the folders that lead here by links. */
  readonly above: readonly string[];
}

async function* walkFolder(at: Folder, problems: Problems): AsyncGenerator<LocalFile> {
  const { folder, path } = at;
  let listed: Dirent<Buffer>[];
  try {
    listed = await readdir(folder, { withFileTypes: true, encoding: "buffer" });
  } catch (cause) {
    return problems.fail(folder, (cause as Error).message);
  }
  const found = listed.flatMap((entry) => lookAt(entry, at, problems) ?? []);
  found.sort((a, b) => Buffer.compare(a.order, b.order));
  for (const { name, file, isFolder, real } of found) {
    if (!isFolder) yield { file, path: path + name };
    else {
      const above = real === null ? at.above : [...at.above, real];
      yield* walkFolder({ ...at, folder: file, path: `${path}${name}/`, above }, problems);
    }
  }
}

interface Found {
  readonly name: string;
  readonly order: Buffer;
  readonly file: string;
  readonly isFolder: boolean;
  /** Of a folder that a link leads to. */
  readonly real: string | null;
}

/** A folder stands where its files do: as if its name ended with `/`. */
function lookAt(entry: Dirent<Buffer>, { folder, within, above }: Folder, problems: Problems): Found | null {
  const file = join(folder, entry.name.toString());
  if (!isUtf8(entry.name)) return problems.leaveOut(file, "its name is not UTF-8");
  const name = entry.name.toString();
  if (entry.isFile()) return { name, order: entry.name, file, isFolder: false, real: null };
  if (entry.isDirectory()) return { name, order: Buffer.from(`${name}/`), file, isFolder: true, real: null };
  if (!entry.isSymbolicLink()) return problems.leaveOut(file, "it is neither a file nor a folder");
  const real = targetOf(file);
  if (real === null) return problems.leaveOut(file, "it is a link that leads nowhere");
  if (!isWithin(real, within)) return problems.leaveOut(file, "it is a link that leads outside of what is added");
  const target = statSync(real);
  if (target.isFile()) return { name, order: entry.name, file: real, isFolder: false, real };
  if (!target.isDirectory()) return problems.leaveOut(file, "it is neither a file nor a folder");
  if (isAround(real, realpathSync(folder)) || above.some((one) => isAround(real, one)))
    return problems.leaveOut(file, "it is a link to a folder around it");
  return { name, order: Buffer.from(`${name}/`), file: real, isFolder: true, real };
}

function targetOf(link: string): string | null {
  try {
    return realpathSync(link);
  } catch {
    return null;
  }
}

const isWithin = (path: string, folder: string) =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
const isAround = (folder: string, path: string) => isWithin(path, folder);

const twice = (a: LocalFile, b: LocalFile) =>
  new MillError("cli.usage", `Two of the files would both become ${a.path}.`, {
    expected: "one file for each path",
    got: `${a.file}, ${b.file}`,
    fix: "Add them one after the other, each with a --to of its own.",
  });
