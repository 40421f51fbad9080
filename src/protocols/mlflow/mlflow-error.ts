/** Errors as MLflow's clients read them: a body {error_code, message}, and a status that the code decides. */
import { asMillError, type MillError } from "../../base/index.ts";
import { codeInfo } from "../../contract/index.ts";
import type { ForeignReply } from "../route.ts";

/** Status by code: what exists already is 400 here, not 409. */
const STATUS = {
  BAD_REQUEST: 400,
  INVALID_PARAMETER_VALUE: 400,
  RESOURCE_ALREADY_EXISTS: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  RESOURCE_DOES_NOT_EXIST: 404,
  RESOURCE_CONFLICT: 409,
  REQUEST_LIMIT_EXCEEDED: 429,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL_ERROR: 500,
  INVALID_STATE: 500,
  NOT_IMPLEMENTED: 501,
  TEMPORARILY_UNAVAILABLE: 503,
} as const;

export type MlflowCode = keyof typeof STATUS;

/** A refusal in the protocol's own words, where they differ from ours. */
export class MlflowError extends Error {
  readonly code: MlflowCode;

  constructor(code: MlflowCode, message: string, detail: { readonly cause?: unknown } = {}) {
    super(message, detail);
    this.name = "MlflowError";
    this.code = code;
  }
}

/** Ours whose code here does not follow from their HTTP status. */
const CODES: Readonly<Record<string, MlflowCode>> = {
  "tracking.run-exists": "RESOURCE_ALREADY_EXISTS",
  "logged-model.param-changed": "INVALID_PARAMETER_VALUE",
  "registry.exists": "RESOURCE_ALREADY_EXISTS",
  "registry.unknown-alias": "INVALID_PARAMETER_VALUE",
};

const BY_STATUS: Readonly<Record<number, MlflowCode>> = {
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "RESOURCE_DOES_NOT_EXIST",
  409: "RESOURCE_CONFLICT",
  429: "REQUEST_LIMIT_EXCEEDED",
  501: "NOT_IMPLEMENTED",
};

export function failure(thrown: unknown): ForeignReply {
  if (thrown instanceof MlflowError) return refusal(thrown.code, thrown.message);
  const error = asMillError(thrown);
  const words = error.code === "internal.unexpected" ? "Something went wrong in Millwright." : error.message;
  return refusal(codeOf(error), words);
}

function codeOf({ code }: MillError): MlflowCode {
  const { status } = codeInfo(code);
  const known = CODES[code] ?? BY_STATUS[status];
  if (known !== undefined) return known;
  if (status < 500) return "INVALID_PARAMETER_VALUE";
  return status === 500 ? "INTERNAL_ERROR" : "TEMPORARILY_UNAVAILABLE";
}

const refusal = (code: MlflowCode, message: string): ForeignReply => ({
  status: STATUS[code],
  headers: {
    "content-type": "application/json",
    ...(code === "UNAUTHENTICATED" && { "www-authenticate": 'Basic realm="mlflow"' }),
  },
  body: JSON.stringify({ error_code: code, message }),
});
