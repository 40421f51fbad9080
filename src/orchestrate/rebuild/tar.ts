/**
 * Files one behind the other, as POSIX calls it (ustar, IEEE 1003.1 `pax`): a header of 512 bytes, the content, zeros up to the next 512; two blocks of zeros end it.
 * A size of 8 GiB and more stands in the header in base 256, as GNU tar writes it. Nothing here becomes a path: names are compared, never opened.
 */
import { MillError } from "../../base/index.ts";

const BLOCK = 512;
const END = Buffer.alloc(2 * BLOCK);
const OCTAL_MAX = 8 ** 11;
const MAGIC = "ustar\u000000";

export interface TarEntry {
  readonly name: string;
  readonly sizeBytes: number;
  content(): AsyncIterable<Uint8Array>;
}

/** Of the whole file. */
export const tarBytes = (sizes: readonly number[]): number =>
  sizes.reduce((sum, size) => sum + BLOCK + size + padding(size), END.length);

const padding = (sizeBytes: number) => (BLOCK - (sizeBytes % BLOCK)) % BLOCK;

/** The same entries give the same bytes: without times and owners. */
export async function* writeTar(entries: Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for (const { name, sizeBytes, content } of entries) {
    yield header(name, sizeBytes);
    let left = sizeBytes;
    for await (const chunk of content()) {
      left -= chunk.byteLength;
      if (left < 0) break;
      yield chunk;
    }
    if (left !== 0)
      throw new MillError("recipe.damaged", `${name} is not as long as it was.`, { at: name, got: `${left} bytes off` });
    yield Buffer.alloc(padding(sizeBytes));
  }
  yield END;
}

function header(name: string, sizeBytes: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100, "latin1");
  block.write("0000600\u00000000000\u00000000000\u0000", 100, "latin1");
  if (sizeBytes < OCTAL_MAX) block.write(`${sizeBytes.toString(8).padStart(11, "0")}\u0000`, 124, "latin1");
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  block.write(`${"0".repeat(11)}\u0000        0`, 136, "latin1");
  block.write(MAGIC, 257, "latin1");
  block.write(`${checksum(block).toString(8).padStart(6, "0")}\u0000 `, 148, "latin1");
  return block;
}

/** The sum of the header's bytes, its own eight as spaces. */
function checksum(block: Uint8Array): number {
  let sum = 8 * 0x20;
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte;
  return sum;
}

/**
 * Plain files in order, each as it comes; what is not read of one is passed over. Whatever is no such file (a link, a folder, an extended header) is refused.
 * Errors: `recipe.damaged`, and those of the source.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>, at: string): AsyncGenerator<TarEntry> {
  const bytes = createReader(source, at);
  try {
    for (;;) {
      const block = await bytes.whole(BLOCK);
      if (block.every((byte) => byte === 0)) return;
      const { name, sizeBytes } = parseHeader(block, at);
      let left = sizeBytes;
      yield {
        name,
        sizeBytes,
        async *content() {
          while (left > 0) {
            const chunk = await bytes.some(left);
            left -= chunk.byteLength;
            yield chunk;
          }
        },
      };
      while (left > 0) left -= (await bytes.some(left)).byteLength;
      await bytes.whole(padding(sizeBytes));
    }
  } finally {
    await bytes.close();
  }
}

function parseHeader(block: Buffer, at: string): Pick<TarEntry, "name" | "sizeBytes"> {
  const text = (from: number, to: number) => block.toString("latin1", from, to).replace(/\0.*$/s, "");
  const name = text(0, 100);
  const sum = Number.parseInt(text(148, 156).trim(), 8);
  if (block.toString("latin1", 257, 262) !== "ustar" || sum !== checksum(block))
    throw damaged(at, "the header of a file in a tar", "512 bytes that are none");
  const type = text(156, 157);
  if (type !== "0" && type !== "") throw damaged(at, "plain files", `an entry of type ${type}, ${JSON.stringify(name)}`);
  const isBinary = block[124] === 0x80;
  const sizeBytes = isBinary ? Number(block.readBigUInt64BE(128)) : Number.parseInt(text(124, 136).trim() || "0", 8);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw damaged(at, `the size of ${JSON.stringify(name)}`, "no number");
  return { name, sizeBytes };
}

function createReader(source: AsyncIterable<Uint8Array>, at: string) {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);

  /** At least one byte, at most `max`. */
  async function some(max: number): Promise<Uint8Array> {
    while (rest.byteLength === 0) {
      const { value, done } = await chunks.next();
      if (done) throw damaged(at, `${max} bytes more`, "its end");
      rest = value;
    }
    const taken = rest.subarray(0, max);
    rest = rest.subarray(taken.byteLength);
    return taken;
  }

  return {
    some,
    async whole(sizeBytes: number): Promise<Buffer> {
      const parts: Buffer[] = [];
      for (let left = sizeBytes; left > 0; left -= parts.at(-1)!.byteLength) parts.push(Buffer.from(await some(left)));
      return Buffer.concat(parts);
    },
    close: async () => void (await chunks.return?.()),
  };
}

export const damaged = (at: string, expected: string, got: string, cause?: unknown): MillError =>
  new MillError("recipe.damaged", "The recipe is not as it was written: something is missing, cut short or altered.", {
    at,
    expected,
    got,
    fix: "Take it again with `mill recipe`, or from the server with --from; nothing of it was run.",
    cause,
  });
