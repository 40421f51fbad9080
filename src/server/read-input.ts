/** A verb's input from the parts of a request: path, query, body. What is right and wrong with it is said by the one call. */
import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { MillError } from "../base/index.ts";
import type { JsonSchema, Verb } from "../contract/index.ts";
import { BODY_BYTES_MAX, tooLarge } from "./problem.ts";

export interface RequestParts {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly contentType: string | undefined;
  readonly body: Buffer;
}

/** Errors: `request.malformed`, `request.media-type`. */
export function readInput({ input, http, bytes }: Verb, { params, query, contentType, body }: RequestParts): unknown {
  const read = (fields: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, fromText(input.properties?.[name], value)]));
  if (http.method === "GET" || bytes === "in") return { ...read(query), ...read(params) };
  const sent = body.byteLength === 0 ? {} : readJson(body, contentType);
  if (typeof sent !== "object" || sent === null || Array.isArray(sent)) return sent;
  const doubled = Object.keys(params).find((name) => Object.hasOwn(sent, name));
  if (doubled === undefined) return { ...sent, ...read(params) };
  throw new MillError("request.malformed", `The field "${doubled}" stands in the path already.`, {
    at: `/${doubled}`,
    fix: "Leave it out of the body.",
  });
}

function readJson(body: Buffer, contentType = ""): unknown {
  const type = contentType.split(";", 1)[0]!.trim().toLowerCase();
  if (type !== "application/json") {
    throw new MillError(
      "request.media-type",
      `The body must be JSON, got ${type ? `"${type.slice(0, 60)}"` : "no content type"}.`,
      {
        at: "Content-Type",
        expected: "application/json",
        got: type.slice(0, 60) || "nothing",
        fix: "Send the header Content-Type: application/json.",
      },
    );
  }
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new MillError("request.malformed", `The body is not JSON: ${(cause as Error).message}`, {
      expected: "JSON",
      fix: "Correct the body.",
      cause,
    });
  }
}

/** Text of a path or query as the schema has it; left as it is when it does not read so, for the call to say. */
function fromText(schema: JsonSchema | undefined, value: unknown): unknown {
  if (typeof value !== "string" || schema === undefined) return value;
  if (schema.type === "integer" && /^-?\d{1,15}$/.test(value)) return Number(value);
  if (schema.type === "boolean" && /^(true|false)$/.test(value)) return value === "true";
  return schema.type === "array" ? [value] : value;
}

const unpackers: Readonly<Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
};

/** The bytes of a body that was sent packed. Errors: `request.media-type`, `request.malformed`, `request.too-large`. */
export async function unpack(body: Buffer, encoding: string | undefined): Promise<Buffer> {
  if (encoding === undefined || encoding === "identity") return body;
  const unpacker = Object.hasOwn(unpackers, encoding) ? unpackers[encoding] : undefined;
  if (!unpacker) {
    throw new MillError("request.media-type", `The content encoding "${encoding.slice(0, 60)}" is not known.`, {
      at: "Content-Encoding",
      expected: Object.keys(unpackers).join(", "),
      got: encoding.slice(0, 60),
      fix: "Send the body as it is.",
    });
  }
  try {
    return await unpacker(body, { maxOutputLength: BODY_BYTES_MAX });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw new MillError("request.malformed", `The body is not ${encoding}.`, {
      at: "Content-Encoding",
      expected: encoding,
      fix: "Correct the body.",
      cause,
    });
  }
}
