/**
 * Every error code, with the HTTP status and exit code it leads to. A code is never reused for another meaning.
 * `docs/errors.md` explains each one; a test ties this table, the `MillError`s in the sources and that page together.
 */
export const EXIT = {
  done: 0,
  fault: 1,
  usage: 2,
  definitions: 3,
  data: 4,
  refused: 5,
  notFound: 6,
  conflict: 7,
  away: 8,
  interrupted: 130,
} as const;

export interface CodeInfo {
  readonly status: number;
  readonly exit: number;
  /** When it happens, in one sentence. */
  readonly about: string;
}

export const ERRORS = {
  // internal
  "internal.unexpected": { status: 500, exit: EXIT.fault, about: "A fault of Millwright itself." },
  "internal.not-json": { status: 500, exit: EXIT.fault, about: "A value that JSON cannot say was to be digested." },

  // values
  "value.duration": {
    status: 400,
    exit: EXIT.definitions,
    about: "A duration is not a positive number with one of the units s, m, h, d, w.",
  },

  // command line and configuration

  // definitions and projects

  // expressions

  // sources and data sets

  // learn

  // objects, records, tables, engines, scoring

  // steps

  // guard and HTTP

  // lake, splits, holdout

  // registry

  // endpoints
} as const satisfies Record<string, CodeInfo>;

export type ErrorCode = keyof typeof ERRORS;

/** What a code leads to; an unknown code is our own fault. */
export const codeInfo = (code: string): CodeInfo =>
  (ERRORS as Record<string, CodeInfo>)[code] ?? { status: 500, exit: EXIT.fault, about: "A fault of Millwright itself." };
