import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../contract/index.ts";
import { createNamedSecrets, type NamedSecrets, openKeyring } from "../guard/index.ts";
import { openSnapshot } from "../ports/records/index.ts";

/** What settings name, read beside the process that owns the workspace; changes nothing. */
export const namedSecrets = ({ workspace, records, key }: Config): Pick<NamedSecrets, "resolve"> => ({
  async resolve(text, at) {
    const snapshot = await openSnapshot(records ?? join(workspace, "mill.db"));
    try {
      const hasKeys = key !== null || (await stat(join(workspace, "keys.json")).catch(() => null)) !== null;
      const keyring = hasKeys ? await openKeyring(workspace, { configured: key }) : NO_KEYS;
      return await createNamedSecrets({ records: snapshot, keyring }).resolve(text, at);
    } finally {
      await snapshot.close();
    }
  },
});

const NO_KEYS = { current: "", key: () => null };
