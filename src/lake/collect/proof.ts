import { type Digest, isDigest } from "../../base/index.ts";

/** Why an object goes: retention gave up the last commits with it; it was part of an upload that nobody went on with; or nothing refers to it. */
export type Why = "retention" | "upload" | "unreferenced";

/** A line of the list of what a collection removes, as JSON. */
export interface Gone {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** When it was last put: milliseconds since 1970. */
  readonly lastPut: number;
  readonly why: Why;
}

const BATCH_BYTES = 64 << 10;

/** The list as bytes, many lines at once. */
export async function* encodeLines(lines: AsyncIterable<Gone>): AsyncGenerator<Uint8Array> {
  let text = "";
  for await (const line of lines) {
    text += `${JSON.stringify(line)}\n`;
    if (text.length < BATCH_BYTES) continue;
    yield Buffer.from(text);
    text = "";
  }
  if (text !== "") yield Buffer.from(text);
}

export async function* decodeLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Gone> {
  let rest = "";
  for await (const chunk of bytes) {
    const lines = (rest + Buffer.from(chunk).toString("latin1")).split("\n"); // what is written has no other characters
    rest = lines.pop()!;
    for (const line of lines) {
      const gone = JSON.parse(line) as Gone;
      if (isDigest(gone.digest)) yield gone;
    }
  }
}
