/** The files of a project's folder that its trainers name: looked at when the project is loaded, known by their content from then on. */
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Digest, digestOfFile, MillError } from "../base/index.ts";
import type { ModelDefinition, PythonDefinition } from "./definitions.ts";
import { requirementLines } from "./python.ts";

/** Of one file: more is data, and belongs into a data set. */
const FILE_BYTES_MAX = 64 * 2 ** 20;

/** The paths that a trainer's script, files and requirements have below the project's folder. */
export const filesOf = ({ script, files, requirements }: PythonDefinition): readonly string[] => [
  ...new Set([script, ...files, ...(typeof requirements === "string" ? [requirements] : [])]),
];

/** Digests by path. Errors: `define.file` for one that is not there, or no file of its own; `define.bad-value` for a file of requirements. */
export async function readProjectFiles(folder: string, models: Iterable<ModelDefinition>): Promise<ReadonlyMap<string, Digest>> {
  const digests = new Map<string, Digest>();
  for (const { name, train } of models) {
    if (train.python === undefined) continue;
    for (const path of filesOf(train.python)) {
      requireFile(`model "${name}": train`, folder, path);
      if (!digests.has(path)) digests.set(path, await digestOfFile(join(folder, path)));
    }
    const { requirements } = train.python;
    if (typeof requirements === "string") requirementLines(requirements, readFileSync(join(folder, requirements), "utf8"));
  }
  return digests;
}

/** No link on the way: what is hashed and what runs must be what lies in the folder. */
function requireFile(at: string, folder: string, path: string): void {
  const parts = path.split("/");
  for (const [index] of parts.entries()) {
    const inner = parts.slice(0, index + 1).join("/");
    const found = lstatSync(join(folder, inner), { throwIfNoEntry: false });
    const isLast = index === parts.length - 1;
    if (found === undefined) throw badFile(at, path, `${inner} is not there`, `Write ${path}, or correct its name in mill.ts.`);
    if (found.isSymbolicLink()) throw badFile(at, path, `${inner} is a link`, "Put the file itself into the project's folder.");
    if (isLast ? !found.isFile() : !found.isDirectory())
      throw badFile(at, path, `${inner} is no ${isLast ? "file" : "folder"}`, "Correct the path in mill.ts.");
    if (isLast && found.size > FILE_BYTES_MAX)
      throw badFile(
        at,
        path,
        `it has ${found.size} bytes`,
        "Read large tables as a data set, and files of models from where they are kept.",
      );
  }
}

const badFile = (at: string, path: string, got: string, fix: string) =>
  new MillError("define.file", `${at}: the file "${path}" cannot be used: ${got}.`, {
    ...{ at, got, fix },
    expected: `a file of at most ${FILE_BYTES_MAX / 2 ** 20} MB in the project's folder, no link`,
  });
