/** Typed arrays in JSON: base64 of their little-endian bytes, a third of the size of decimal text and exact. */
import { MillError } from "../base/index.ts";

export const pack = (values: Float64Array | Float32Array | Int32Array | Uint8Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");

export const unpackFloat64 = (text: unknown) => new Float64Array(bytes(text, 8));
export const unpackFloat32 = (text: unknown) => new Float32Array(bytes(text, 4));
export const unpackInt32 = (text: unknown) => new Int32Array(bytes(text, 4));
export const unpackUint8 = (text: unknown) => new Uint8Array(bytes(text, 1));

function bytes(text: unknown, size: number): ArrayBuffer {
  const read = typeof text === "string" ? Buffer.from(text, "base64") : undefined;
  if (read === undefined || read.length % size !== 0) throw badModel("a packed array is damaged");
  return new Uint8Array(read).buffer;
}

export const badModel = (why: string) =>
  new MillError("learn.bad-model", `This is no model that Millwright wrote: ${why}.`, {
    fix: "Train the model again, or read it with the version that wrote it.",
  });
