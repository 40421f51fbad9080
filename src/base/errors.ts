/** What an error tells beside its message. Every field is a short text a person can read. */
export interface ErrorDetail {
  /** Where: a file and line, a column, a definition, a field path. */
  readonly at?: string | undefined;
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
  /** What to do next. */
  readonly fix?: string | undefined;
  /** When the same may be asked again: told over HTTP as Retry-After. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The one error class. `code` is `block.reason` from the table in `contract/errors.ts`, which decides HTTP status and exit code.
 * Expected outcomes (a conflict, a failed check) are returned, not thrown.
 */
export class MillError extends Error {
  readonly code: string;
  readonly at: string | undefined;
  readonly expected: string | undefined;
  readonly got: string | undefined;
  readonly fix: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = "MillError";
    this.code = code;
    this.at = detail.at;
    this.expected = detail.expected;
    this.got = detail.got;
    this.fix = detail.fix;
    this.retryAfterMs = detail.retryAfterMs;
  }
}

/** Anything thrown, as a MillError; what is not one of ours becomes `internal.unexpected` with its cause kept. */
export function asMillError(thrown: unknown): MillError {
  if (thrown instanceof MillError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new MillError("internal.unexpected", message, { cause: thrown });
}

/** An error as plain data, to cross a process or a wire; `errorFromJson` is the way back. */
export interface ErrorJson {
  readonly code: string;
  readonly message: string;
  readonly at?: string | undefined;
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
  readonly fix?: string | undefined;
}

export function errorToJson(error: MillError): ErrorJson {
  const { code, message, at, expected, got, fix } = error;
  return JSON.parse(JSON.stringify({ code, message, at, expected, got, fix }));
}

export function errorFromJson({ code, message, ...detail }: ErrorJson): MillError {
  return new MillError(code, message, detail);
}
