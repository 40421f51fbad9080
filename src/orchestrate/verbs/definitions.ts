/** The versions of the definitions that runs went by. */
import type { Handlers, OutputOf } from "../../contract/index.ts";
import {
  changedKinds,
  currentDefinitions,
  type DefinitionsRecord,
  definitionsNamed,
  listDefinitions,
  recordOf,
} from "../definitions/versions.ts";
import type { Workspace } from "../workspace.ts";
import { instant, pageThrough } from "./wire.ts";

type Summary = OutputOf<"listDefinitions">["items"][number];

export function definitionVerbs(workspace: Workspace): Pick<Handlers, "listDefinitions" | "getDefinitions"> {
  /** null: mill.ts has a slip, and says nothing. */
  const current = () =>
    currentDefinitions(workspace).then(
      ({ version }) => version,
      () => null,
    );

  const summary = (record: DefinitionsRecord, now: string | null): Summary => {
    const outdated = changedKinds(workspace, record).map(({ kind, before, now }) => ({ kind, before, now }));
    return {
      version: record.version,
      firstRunAt: instant(record.firstRunAt),
      firstRunBy: record.firstRunBy,
      lastRunAt: instant(record.lastRunAt),
      current: record.version === now,
      ...(outdated.length > 0 && { outdated }),
    };
  };

  return {
    async listDefinitions(page) {
      const { items, next } = pageThrough(await listDefinitions(workspace), ({ version }) => version, page);
      const now = await current();
      return { items: items.map((record) => summary(record, now)), next };
    },

    async getDefinitions({ version: named }) {
      const { version, text } = await definitionsNamed(workspace, named);
      const record = await recordOf(workspace, version);
      return { ...summary(record, await current()), millwright: record.millwright, definitions: JSON.parse(text) };
    },
  };
}
