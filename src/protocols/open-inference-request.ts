/**
 * An inference request read from its bytes:
 *
 *     { JSON }                                           plain: every tensor has `data`
 *     { JSON } tensor tensor ...                         binary: a header gives the length of the JSON; tensors follow in the order of the inputs
 */
import { MillError } from "../base/index.ts";
import type { ForeignRequest } from "./route.ts";
import { DATATYPES, type Datatype, type Element, readJsonData, readRawData, TensorFault } from "./tensors.ts";

export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly elements: readonly Element[];
}

export interface InferRequest {
  readonly id: string | undefined;
  readonly inputs: readonly Tensor[];
  /** null: all. */
  readonly outputs: readonly { readonly name: string; readonly binary: boolean }[] | null;
  /** Outputs that say nothing for themselves are raw. */
  readonly binary: boolean;
}

/** Errors: `inference.malformed`, `inference.tensor`. */
export function readInferRequest({ headers, body }: ForeignRequest): InferRequest {
  const length = headerLength(headers["inference-header-content-length"], body.byteLength);
  const request = parseObject(body.subarray(0, length));
  const tensors = rawReader(body.subarray(length));
  const inputs = listField(request, "inputs").map((input) => readTensor(input, tensors));
  tensors.finish();
  const doubled = inputs.find(({ name }, index) => inputs.findIndex((other) => other.name === name) !== index);
  if (doubled) throw malformed(`The input "${doubled.name}" stands there twice.`, "each input once");

  const { id, outputs } = request;
  if (id !== undefined && typeof id !== "string") throw malformed("`id` must be a text.", "a text");
  const binary = parameter(request, "binary_data_output") === true;
  return { id, inputs, binary, outputs: outputs === undefined ? null : readOutputs(request, binary) };
}

function headerLength(header: string | undefined, total: number): number {
  if (header === undefined) return total;
  const length = Number(header);
  if (/^\d+$/.test(header) && length > 0 && length <= total) return length;
  throw malformed(
    `Inference-Header-Content-Length is ${header.slice(0, 20)}, the body has ${total} bytes.`,
    `an integer from 1 to ${total}`,
  );
}

type Fields = Readonly<Record<string, unknown>>;

function parseObject(bytes: Buffer): Fields {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new MillError("inference.malformed", `The request is not JSON: ${(cause as Error).message}`, {
      expected: "a JSON object",
      fix: "With raw tensors behind the JSON, send its length in Inference-Header-Content-Length.",
      cause,
    });
  }
  if (isObject(parsed)) return parsed;
  throw malformed("The request must be a JSON object.", 'as in {"inputs": [...]}');
}

function readTensor(input: Fields, raw: RawReader): Tensor {
  const { name, datatype, shape, data } = input;
  if (typeof name !== "string") throw malformed("Each input needs a `name`.", "a text");
  if (!isDatatype(datatype)) throw badTensor(name, `datatype ${JSON.stringify(datatype)} is not one of ${DATATYPES.join(", ")}`);
  const rowCount = rowsOf(name, shape);
  const size = parameter(input, "binary_data_size");
  try {
    if ((size === undefined) === (data === undefined))
      throw new TensorFault("needs either data or the parameter binary_data_size");
    const elements = size === undefined ? readJsonData(data, datatype) : readRawData(raw.take(size), datatype);
    if (elements.length !== rowCount)
      throw new TensorFault(
        `shape [${(shape as number[]).join(", ")}] asks for ${rowCount} elements, data has ${elements.length}`,
      );
    return { name, datatype, elements };
  } catch (error) {
    throw error instanceof TensorFault ? badTensor(name, error.message) : error;
  }
}

function rowsOf(name: string, shape: unknown): number {
  const [rowCount, width = 1, ...more] = Array.isArray(shape) ? (shape as unknown[]) : [];
  if (Number.isSafeInteger(rowCount) && (rowCount as number) >= 0 && width === 1 && more.length === 0) return rowCount as number;
  throw badTensor(name, `shape must be [N] or [N, 1], got ${JSON.stringify(shape ?? null).slice(0, 60)}`);
}

function readOutputs(request: Fields, binary: boolean): { name: string; binary: boolean }[] {
  return listField(request, "outputs").map((output) => {
    if (typeof output.name !== "string") throw malformed("Each output needs a `name`.", "a text");
    const own = parameter(output, "binary_data");
    return { name: output.name, binary: own === undefined ? binary : own === true };
  });
}

interface RawReader {
  take(size: unknown): Uint8Array;
  finish(): void;
}

function rawReader(bytes: Buffer): RawReader {
  let at = 0;
  return {
    take(size) {
      const left = bytes.byteLength - at;
      if (!Number.isSafeInteger(size) || (size as number) < 0 || (size as number) > left) {
        throw new TensorFault(`binary_data_size is ${JSON.stringify(size)?.slice(0, 20)}, ${left} bytes are left`);
      }
      at += size as number;
      return bytes.subarray(at - (size as number), at);
    },
    finish() {
      if (at !== bytes.byteLength)
        throw malformed(
          `${bytes.byteLength - at} bytes behind the JSON belong to no input.`,
          "binary_data_size of the inputs to add up",
        );
    },
  };
}

function listField(request: Fields, field: string): Fields[] {
  const value = request[field];
  if (Array.isArray(value) && value.length > 0 && value.every(isObject)) return value;
  throw malformed(`\`${field}\` must be a list of objects.`, `"${field}": [{"name": ...}]`);
}

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const isDatatype = (value: unknown): value is Datatype => (DATATYPES as readonly unknown[]).includes(value);
const parameter = (owner: Fields, name: string): unknown => (isObject(owner.parameters) ? owner.parameters[name] : undefined);

const malformed = (message: string, expected: string) =>
  new MillError("inference.malformed", message, { expected, fix: "See the Open Inference Protocol v2, `Inference`." });

const badTensor = (name: string, why: string) =>
  new MillError("inference.tensor", `The input "${name}": ${why}.`, {
    at: name,
    expected: "[N] or [N, 1], row-major, with as many elements",
    got: why,
    fix: "Correct this input.",
  });
