/** Errors as `application/problem+json` (RFC 9457). */
import { asMillError, MillError } from "../base/index.ts";
import { codeInfo } from "../contract/index.ts";

export const PROBLEM_TYPE = "application/problem+json";

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly at?: string | undefined;
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
  readonly fix?: string | undefined;
  readonly requestId: string;
}

/** A fault of our own keeps its words to itself: they stand in the log under the request's id. */
export function toProblem(error: MillError, requestId: string): Problem {
  const { code, at, expected, got } = error;
  const { status, about } = codeInfo(code);
  const ours = code === "internal.unexpected";
  return {
    type: `urn:millwright:error:${code}`,
    title: about,
    status,
    code,
    detail: ours ? "Something went wrong in Millwright." : error.message,
    at,
    expected,
    got,
    fix: ours ? `Look for ${requestId} in the log.` : error.fix,
    requestId,
  };
}

/** Anything that reaches the HTTP layer's error handler; what Fastify says of a request becomes one of our codes. */
export function toMillError(thrown: unknown): MillError {
  if (thrown instanceof MillError) return thrown;
  const { code, statusCode = 500, message } = thrown as { code?: string; statusCode?: number; message: string };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return tooLarge();
  if (statusCode >= 400 && statusCode < 500) {
    return new MillError("request.malformed", `The request is not well formed: ${message}`, {
      fix: "Correct the request.",
      cause: thrown,
    });
  }
  if (code === "ECONNRESET")
    return new MillError("request.malformed", "The body broke off before its end: nothing of it was kept.", {
      fix: "Send it again.",
      cause: thrown,
    });
  return asMillError(thrown);
}

export const BODY_BYTES_MAX = 10 * 1024 * 1024;

export const tooLarge = () =>
  new MillError("request.too-large", "The body is larger than 10 MiB.", {
    expected: `at most ${BODY_BYTES_MAX} bytes`,
    fix: "Send the rows in several requests.",
  });
