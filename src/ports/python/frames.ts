/**
 * The messages between us and a worker's process, either way: two little-endian 32-bit numbers (bytes of JSON, bytes of data), the JSON, the data. Columns
 * are laid one after the other: numbers as float64, texts as int32 places in the list that the JSON has, -1 missing.
 */
import { MillError } from "../../base/index.ts";
import type { Frame, NumberColumn, TextColumn } from "../../learn/index.ts";

export interface Message {
  readonly json: Readonly<Record<string, unknown>>;
  readonly data: Buffer;
}

const HEAD_BYTES = 8;
const JSON_BYTES_MAX = 1 << 20;

/** Rows `from` to `to` (exclusive) of the columns that a model reads. Errors: `scoring.bad-input`. */
export function rowsMessage(
  X: Frame,
  features: readonly { readonly name: string; readonly kind: string }[],
  from: number,
  to: number,
) {
  const parts: Buffer[] = [];
  const columns = features.map(({ name, kind }) => {
    const column = Object.hasOwn(X.columns, name) ? X.columns[name] : undefined;
    if (column?.kind !== kind) throw badColumn(name, kind, column);
    const { values, texts } = column.kind === "number" ? { values: column.values.subarray(from, to) } : codesOf(column, from, to);
    parts.push(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
    return { name, texts };
  });
  return encode({ rows: to - from, columns }, Buffer.concat(parts));
}

/** With the texts of these rows alone. */
function codesOf({ codes, texts }: TextColumn, from: number, to: number) {
  const placeOf = new Map<number, number>([[-1, -1]]);
  const used: string[] = [];
  const values = codes.slice(from, to).map((code) => {
    const place = placeOf.get(code) ?? used.push(texts[code]!) - 1;
    placeOf.set(code, place);
    return place;
  });
  return { values, texts: used };
}

function encode(json: unknown, data: Buffer): Buffer {
  const text = Buffer.from(JSON.stringify(json));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(text.length, 0);
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, text, data]);
}

/** Takes bytes as they come, gives messages; throws a plain Error at bytes that are none. `dataBytesMax`: of a message. */
export function createMessageReader(dataBytesMax: () => number): (bytes: Buffer) => Message[] {
  let chunks: Buffer[] = [];
  let held = 0;
  let needed = HEAD_BYTES;
  return (bytes) => {
    chunks.push(bytes);
    held += bytes.length;
    const messages: Message[] = [];
    while (held >= needed) {
      const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      const [jsonBytes, dataBytes] = [all.readUInt32LE(0), all.readUInt32LE(4)];
      if (jsonBytes > JSON_BYTES_MAX || dataBytes > dataBytesMax()) throw new Error("it sent bytes that are no answer");
      needed = HEAD_BYTES + jsonBytes + dataBytes;
      chunks = [all];
      if (held < needed) break;
      const json = JSON.parse(all.toString("utf8", HEAD_BYTES, HEAD_BYTES + jsonBytes));
      messages.push({ json, data: all.subarray(HEAD_BYTES + jsonBytes, needed) });
      chunks = [all.subarray(needed)];
      held -= needed;
      needed = HEAD_BYTES;
    }
    return messages;
  };
}

const badColumn = (name: string, kind: string, column: NumberColumn | TextColumn | undefined) =>
  new MillError("scoring.bad-input", `The column "${name}" does not fit the model.`, {
    at: name,
    expected: `${kind}s`,
    got: column === undefined ? "no such column" : `${column.kind}s`,
    fix: "Score rows with the columns and types that the model was trained on.",
  });
