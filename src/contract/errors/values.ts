/** A fault of ours, and values that many blocks read. */
import { type CodeInfo, EXIT } from "./code.ts";

export const VALUE_ERRORS = {
  // internal
  "internal.unexpected": { status: 500, exit: EXIT.fault, about: "A fault of Millwright itself." },
  "internal.not-json": { status: 500, exit: EXIT.fault, about: "A value that JSON cannot say was to be digested." },

  // values
  "value.duration": {
    status: 400,
    exit: EXIT.definitions,
    about: "A duration is not a positive number with one of the units s, m, h, d, w.",
  },
  "value.cron": {
    status: 400,
    exit: EXIT.definitions,
    about: "A time of the wall clock is no cron pattern of five fields, never comes, or its zone is not known.",
  },
  "value.period": {
    status: 400,
    exit: EXIT.definitions,
    about: "A text names no hour, day, week or month, or a time zone is not known.",
  },

  "envelope.altered": { status: 500, exit: EXIT.data, about: "Encrypted bytes are not as they were written." },
  "envelope.bad-key": {
    status: 500,
    exit: EXIT.usage,
    about: "A key for encryption is not 32 bytes long, or its id does not fit.",
  },
  "envelope.unknown-key": {
    status: 500,
    exit: EXIT.usage,
    about: "What is encrypted needs a key that the keyring does not have.",
  },
} as const satisfies Record<string, CodeInfo>;
