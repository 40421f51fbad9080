import { MillError } from "../../../base/index.ts";
import type { Import } from "./import.ts";
import type { FileThere, Owner } from "./source.ts";

/** Files that are asked for together, and taken at the same time. */
const COMPARED_MAX = 500;
const AT_ONCE = 4;

export interface Holder {
  readonly owner: Owner;
  /** Where its files go, below the root of artifacts; null: not here. */
  readonly root: string | null;
}

export async function takeFiles(all: Import, holders: readonly Holder[]): Promise<void> {
  const { source, reporter, from, signal } = all;
  let files: { readonly path: string; readonly file: FileThere }[] = [];
  for (const { owner, root } of holders)
    for await (const file of source.files(owner)) {
      signal.throwIfAborted();
      if (root !== null) files.push({ path: `${root}/${file.path}`, file });
      else if (from.dryRun) reporter.count("files", "new");
      else reporter.left(`${file.path} of ${owner.kind} ${owner.id}`, "its experiment keeps artifacts elsewhere");
      if (files.length < COMPARED_MAX) continue;
      await takeSome(all, files);
      files = [];
    }
  if (files.length > 0) await takeSome(all, files);
}

async function takeSome(
  { call, from, reporter, signal }: Import,
  files: readonly { readonly path: string; readonly file: FileThere }[],
): Promise<void> {
  const asked = files.map(({ path, file: { stamp, sizeBytes } }) => ({ path, stamp, sizeBytes }));
  const answer = await call("compareArtifacts", { source: from.source, files: asked });
  for (const { what, why } of answer.left) reporter.left(what, why);
  const wanted = new Set(answer.wanted);
  const queue = files.filter(({ path }) => wanted.has(path));
  for (let same = files.length - queue.length - answer.left.length; same > 0; same--) reporter.count("files", "same");
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      signal.throwIfAborted();
      const { path, file } = next;
      if (!from.dryRun && !(await take(path, file))) continue;
      reporter.count("files", "new");
      reporter.bytes(file.sizeBytes);
    }
  };
  const done = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  for (const one of done) if (one.status === "rejected") throw one.reason;

  /** A file that cannot be here does not keep the others from coming. */
  async function take(path: string, file: FileThere): Promise<boolean> {
    try {
      await call("importArtifact", { source: from.source, path, stamp: file.stamp }, { bytes: whole(file), signal });
      return true;
    } catch (thrown) {
      if (!(thrown instanceof MillError) || !thrown.code.startsWith("artifact.")) throw thrown;
      reporter.left(path, thrown.message, true);
      return false;
    }
  }
}

/** One that turns out to be shorter or longer than was said is not taken: it is being written, or its source broke off. */
async function* whole({ path, sizeBytes, read }: FileThere): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const bytes of read()) {
    size += bytes.length;
    yield bytes;
  }
  if (size !== sizeBytes)
    throw new MillError("artifact.upload", `"${path}" has ${size} bytes, and was said to have ${sizeBytes}.`, {
      fix: "Import again when nobody writes it.",
    });
}
