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
  const take = (text: string, last: boolean) => {
    const lines = (rest + text).split("\n");
    rest = last ? "" : lines.pop()!.slice(0, LINE_CHARACTERS_MAX);
    for (const line of lines) if (line !== "") onLine(line);
  };
  return {
    push: (bytes) => take(decoder.write(bytes), false),
    end: () => take(decoder.end(), true),
  };
}
