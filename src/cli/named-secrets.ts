import { join } from "node:path";
import type { Config } from "../contract/index.ts";
import { createNamedSecrets, type NamedSecrets, openKeyring } from "../guard/index.ts";
import { openSnapshot } from "../ports/records/index.ts";

/** What settings name, read beside the process that owns the workspace. */
export const namedSecrets = ({ workspace, records, key }: Config): Pick<NamedSecrets, "resolve"> => ({
  async resolve(text, at) {
    const snapshot = await openSnapshot(records ?? join(workspace, "mill.db"));
    try {
      const keyring = await openKeyring(workspace, { configured: key });
      return await createNamedSecrets({ records: snapshot, keyring }).resolve(text, at);
    } finally {
      await snapshot.close();
    }
  },
});
