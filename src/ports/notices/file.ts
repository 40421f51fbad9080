/** Notices as lines of a file, one JSON document each, on disk before they count as sent. A line that was cut short by a crash is followed by the whole one. */
import { open } from "node:fs/promises";
import { MillError } from "../../base/index.ts";
import type { Notices } from "./notices.ts";

/** `path`: made where it is not there; its folder must be. */
export const createNoticeFile = (path: string): Notices => ({
  name: "file",
  async send({ body }) {
    try {
      const file = await open(path, "a", 0o600);
      try {
        await file.appendFile(`${JSON.stringify(body)}\n`);
        await file.datasync();
      } finally {
        await file.close();
      }
    } catch (cause) {
      throw new MillError(
        "notice.failed",
        `The file that notices are written to cannot be written: ${(cause as Error).message}.`,
        {
          at: path,
          expected: "a file in a folder that is there",
          fix: "It is tried again by itself; correct the setting, the rights or the disk.",
          cause,
        },
      );
    }
  },
});
