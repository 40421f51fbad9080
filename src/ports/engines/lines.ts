import { StringDecoder } from "node:string_decoder";

const LINE_CHARACTERS_MAX = 1 << 20;

export interface LineSplitter {
  push(bytes: Buffer): void;
  /** Gives what has no line's end yet. */
  end(): void;
}

/** Gives each line whole; of one that is longer than 1 Mi characters the first part, and empty ones not at all. */
export function splitLines(onLine: (line: string) => void): LineSplitter {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const grow = (text: string) => {
    if (rest.length < LINE_CHARACTERS_MAX) rest = (rest + text).slice(0, LINE_CHARACTERS_MAX);
  };
  const take = (text: string, last: boolean) => {
    const pieces = text.split("\n");
    for (const [index, piece] of pieces.entries()) {
      grow(piece);
      if (index === pieces.length - 1 && !last) return;
      const line = rest;
      rest = "";
      if (line !== "") onLine(line);
    }
  };
  return {
    push: (bytes) => take(decoder.write(bytes), false),
    end: () => take(decoder.end(), true),
  };
}
