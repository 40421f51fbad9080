/** Files of a backup: written once, with their digest, and read again only when they are as they were written. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { digestOfFile } from "../base/index.ts";
import { damaged, type Part } from "./manifest.ts";

/** Durable when it resolves. */
export async function writePart(folder: string, name: string, lines: AsyncIterable<string>): Promise<Part> {
  const sha256 = createHash("sha256");
  let sizeBytes = 0;
  const file = await open(join(folder, name), "wx", 0o600);
  const keep = async (source: AsyncIterable<Uint8Array>) => {
    for await (const chunk of source) {
      sha256.update(chunk);
      sizeBytes += chunk.byteLength;
      await file.writeFile(chunk);
    }
  };
  try {
    const text = Readable.from(lines, { objectMode: false });
    await (name.endsWith(".gz") ? pipeline(text, createGzip({ level: 3 }), keep) : pipeline(text, keep));
    await file.sync();
  } finally {
    await file.close();
  }
  return { file: name, sizeBytes, digest: `sha256:${sha256.digest("hex")}` };
}

/** Errors: `backup.damaged`. */
export async function checkPart(folder: string, { file, sizeBytes, digest }: Part): Promise<void> {
  const path = join(folder, file);
  const found = await stat(path).catch((cause) => {
    throw damaged(path, `a file of ${sizeBytes} bytes`, "no file", cause);
  });
  if (found.size !== sizeBytes) throw damaged(path, `${sizeBytes} bytes`, `${found.size} bytes`);
  const got = await digestOfFile(path);
  if (got !== digest) throw damaged(path, digest, got);
}

/** The lines of a part that was checked, in batches. */
export async function* readLines(folder: string, { file }: Part): AsyncGenerator<string[]> {
  const path = join(folder, file);
  const source = createReadStream(path);
  const text = file.endsWith(".gz") ? createGunzip() : source;
  if (text !== source) source.on("error", (error) => text.destroy(error)).pipe(text as ReturnType<typeof createGunzip>);
  text.setEncoding("utf8");
  let rest = "";
  try {
    for await (const chunk of text as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      if (lines.length > 0) yield lines;
    }
  } catch (cause) {
    throw damaged(path, "lines of text", (cause as Error).message, cause);
  }
  if (rest !== "") throw damaged(path, "whole lines", "a torn end");
}
