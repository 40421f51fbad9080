import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, normalize, sep } from "node:path";
import { type Digest, MillError } from "../../base/index.ts";
import type { Objects } from "../../ports/objects/index.ts";

/** Files in a folder, by their paths below it. They are copies: who finds them there may write to them. Errors: `define.file`. */
export async function layOut(
  files: readonly { readonly path: string; readonly digest: Digest }[],
  objects: Objects,
  folder: string,
): Promise<void> {
  for (const { path, digest } of files) {
    const place = join(folder, normalize(path));
    if (!place.startsWith(folder + sep)) throw outside(path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, objects.read(digest));
  }
}

const outside = (path: string) =>
  new MillError("define.file", "A file of a Python trainer does not lie beside its script.", {
    at: path,
    fix: "Name files by their paths below the project's folder.",
  });
