/** Copies of a workspace. */
import { type CodeInfo, EXIT } from "./code.ts";

export const BACKUP_ERRORS = {
  "backup.missing": { status: 404, exit: EXIT.notFound, about: "There is no finished backup where one was to be restored from." },
  "backup.damaged": { status: 422, exit: EXIT.data, about: "A backup is incomplete, cut short or altered." },
  "backup.newer": { status: 409, exit: EXIT.conflict, about: "A backup was made by a newer Millwright." },
  "backup.not-empty": {
    status: 409,
    exit: EXIT.conflict,
    about: "A backup or a restored workspace was to go where something is already.",
  },
  "backup.passphrase": {
    status: 400,
    exit: EXIT.usage,
    about: "The passphrase of a backup's keys is missing, too short or wrong.",
  },
  "backup.object-missing": {
    status: 422,
    exit: EXIT.data,
    about: "The records name an object that the store does not have as it was.",
  },
  "backup.unfinished": { status: 409, exit: EXIT.conflict, about: "A workspace was being restored, and that broke off." },
} as const satisfies Record<string, CodeInfo>;
