/** Commands of backfills. */
import { VERBS } from "../contract/index.ts";
import type { CommandInfo } from "./command.ts";

const ofOne = { operands: "ID", operandsMin: 1, operandsMax: 1 } as const;

export const BACKFILL_COMMANDS: Readonly<Record<string, CommandInfo>> = {
  backfill: {
    about: VERBS.backfill.about,
    example: VERBS.backfill.example,
    operands: "TARGET",
    operandsMin: 1,
    operandsMax: 1,
    flags: {
      from: { about: "In the first partition; default: the first that there is.", value: "DATE" },
      to: { about: "In the last partition; default: the last that is over.", value: "DATE" },
      only: { about: "missing, failed or all; missing, which are those that are not current, by default.", value: "WHICH" },
      batch: { about: "Partitions at one time; default: places of the pool partition, else one a thread.", value: "N" },
      "dry-run": { about: "Only show which partitions it would take in." },
    },
    load: () => import("./backfill.ts"),
  },
  "backfill list": {
    about: VERBS.listBackfills.about,
    example: VERBS.listBackfills.example,
    operands: "",
    operandsMax: 0,
    load: async () => ({ command: (await import("./backfill.ts")).list }),
  },
  "backfill show": {
    about: VERBS.getBackfill.about,
    example: VERBS.getBackfill.example,
    ...ofOne,
    load: async () => ({ command: (await import("./backfill.ts")).show }),
  },
  "backfill pause": {
    about: VERBS.pauseBackfill.about,
    example: VERBS.pauseBackfill.example,
    ...ofOne,
    load: async () => ({ command: (await import("./backfill.ts")).pause }),
  },
  "backfill resume": {
    about: VERBS.resumeBackfill.about,
    example: VERBS.resumeBackfill.example,
    ...ofOne,
    load: async () => ({ command: (await import("./backfill.ts")).resume }),
  },
  "backfill cancel": {
    about: VERBS.cancelBackfill.about,
    example: VERBS.cancelBackfill.example,
    ...ofOne,
    load: async () => ({ command: (await import("./backfill.ts")).cancel }),
  },
  "backfill retry": {
    about: VERBS.retryBackfill.about,
    example: VERBS.retryBackfill.example,
    ...ofOne,
    load: async () => ({ command: (await import("./backfill.ts")).retry }),
  },
};
