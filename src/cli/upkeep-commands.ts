/** The house: its audit, its copies, its health. */
import { VERBS } from "../contract/index.ts";
import type { CommandInfo } from "./command.ts";

export const UPKEEP_COMMANDS: Readonly<Record<string, CommandInfo>> = {
  "audit list": {
    about: VERBS.listAudit.about,
    example: VERBS.listAudit.example,
    operands: "",
    operandsMax: 0,
    flags: {
      actor: { about: "What this one did.", value: "NAME" },
      verb: { about: "This verb, as in rollback.", value: "VERB" },
      since: { about: "Not before this time, in UTC.", value: "TIME" },
      limit: { about: "Rows at most, 1 to 1000.", value: "N" },
      cursor: { about: "Go on behind the page that told it.", value: "CURSOR" },
    },
    load: async () => ({ command: (await import("./audit.ts")).list }),
  },
  "audit verify": {
    about: VERBS.verifyAudit.about,
    example: VERBS.verifyAudit.example,
    operands: "",
    operandsMax: 0,
    load: async () => ({ command: (await import("./audit.ts")).verify }),
  },
  backup: {
    about: "Copy the workspace into a folder, while it works.",
    example: VERBS.beginBackup.example,
    operands: "FOLDER",
    operandsMin: 1,
    operandsMax: 1,
    flags: {
      objects: { about: "Copy the objects too where they are on S3; those in the workspace are always copied." },
      keys: { about: "Take keys and token along, under the passphrase in MILL_BACKUP_PASSPHRASE." },
    },
    load: async () => ({ command: (await import("./backup.ts")).backup }),
  },
  restore: {
    about: "Make a workspace from a backup, of this or an earlier version; everything is checked against its digest.",
    example: "mill restore /backups/monday --workspace /srv/restored",
    operands: "FOLDER",
    operandsMin: 1,
    operandsMax: 1,
    flags: {
      "no-keys": { about: "Leave its keys and token out; the workspace gets new ones." },
      "take-over": {
        about: "Its source is gone: notices go out, schedules and backfills go on; else `mill take-over` says so later.",
      },
    },
    load: async () => ({ command: (await import("./backup.ts")).restore }),
  },
  "tracking purge": {
    about: VERBS.purgeTracking.about,
    example: VERBS.purgeTracking.example,
    operands: "",
    operandsMax: 0,
    flags: {
      "older-than": { about: "Deleted longer ago than this, 30d by default.", value: "SPAN" },
      remove: { about: "Take them away; else it only tells what would go." },
    },
    load: () => import("./purge.ts"),
  },
  "take-over": {
    about: VERBS.takeOver.about,
    example: VERBS.takeOver.example,
    operands: "",
    operandsMax: 0,
    load: () => import("./take-over.ts"),
  },
  doctor: {
    about: "Look for what would keep Millwright from working here.",
    example: "mill doctor",
    operands: "",
    operandsMax: 0,
    flags: {
      security: {
        about: "Look at how safely the workspace is kept instead: files, addresses, certificates, admins, tokens, keys, audit.",
      },
      "max-age": { about: "With --security: tokens and keys that are older are told; 365d without it.", value: "DURATION" },
    },
    load: () => import("./doctor.ts"),
  },
};
