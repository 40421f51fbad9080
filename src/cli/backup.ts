/** A backup is written by this process beside the server, which only stands still: nothing large goes through it, and it follows no path. */
import { join, resolve } from "node:path";
import { type BackupManifest, type BackupProgress, restoreBackup, takeBackup } from "../backup/index.ts";
import { formatBytes } from "../base/index.ts";
import { type Config, EXIT } from "../contract/index.ts";
import { configuredObjects } from "../ports/objects/index.ts";
import type { Effects } from "./app.ts";
import type { Command } from "./command.ts";
import { COPY_TEXT } from "./copy-text.ts";
import { createTransferProgress, type TransferProgress } from "./lake/transfer-progress.ts";

export const backup: Command = async ({ operands, flags, output, effects, factory, signal, config, withVerbs }) => {
  const folder = resolve(effects.cwd, operands[0]!);
  const settings = await config();
  const drawing = draw(effects, output.json);
  const manifest = await withVerbs(async (call) => {
    const done = new AbortController();
    const still = call("beginBackup", {}, { signal: AbortSignal.any([signal, done.signal]) })[Symbol.asyncIterator]();
    try {
      await still.next();
      return await takeBackup(folder, placesOf(settings), {
        copyObjects: flags.objects === true,
        secrets: flags.keys === true,
        passphrase: settings.backupPassphrase,
        version: factory.version,
        signal,
        progress: drawing.show,
      });
    } finally {
      drawing.close();
      done.abort();
      await still.next().catch(() => undefined); // it ends, as it was told to
    }
  });
  const { objects, secrets } = manifest;
  output.result({ folder, ...countsOf(manifest) }, () => {
    const lines = [
      `${folder}: ${countText(manifest)}`,
      objects.copied ? "" : "the objects stay on S3, and the backup needs them there: --objects copies them",
      secrets === null ? "without keys and token: --keys takes them along, under MILL_BACKUP_PASSPHRASE" : "",
    ];
    return `${lines.filter((line) => line !== "").join("\n")}\n`;
  });
  return undefined;
};

export const restore: Command = async ({ operands, flags, output, effects, signal, config }) => {
  const folder = resolve(effects.cwd, operands[0]!);
  const settings = await config();
  const drawing = draw(effects, output.json);
  const { manifest, migrated, audit } = await restoreBackup(folder, placesOf(settings), {
    passphrase: settings.backupPassphrase,
    withoutSecrets: flags["no-keys"] === true,
    takesOver: flags["take-over"] === true,
    signal,
    progress: drawing.show,
  }).finally(() => drawing.close());
  output.result({ workspace: settings.workspace, ...countsOf(manifest), migrated, audit }, () => {
    const lines = [
      `${settings.workspace}: ${countText(manifest)}, as they were at ${manifest.takenAt}`,
      migrated.length > 0 ? `brought to this version of Millwright: schema ${migrated.join(", ")}` : "",
      flags["take-over"] === true ? "" : COPY_TEXT,
      audit.whole ? `the audit is whole: ${count(audit.rows)} rows` : `the audit is NOT whole: row ${audit.seq}: ${audit.why}`,
    ];
    return `${lines.filter((line) => line !== "").join("\n")}\n`;
  });
  return audit.whole ? undefined : EXIT.data;
};

const placesOf = (config: Config) => ({
  workspace: config.workspace,
  records: config.records ?? join(config.workspace, "mill.db"),
  store: configuredObjects(config),
  key: config.key,
});

const countsOf = ({ takenAt, millwright, tables, objects, secrets }: BackupManifest) => ({
  takenAt,
  millwright,
  tables: tables.length,
  rows: rowsOf(tables),
  objects: objects.count,
  bytes: objects.contentBytes,
  copied: objects.copied,
  keys: secrets !== null,
});

const rowsOf = (tables: BackupManifest["tables"]) => tables.reduce((sum, { rowCount }) => sum + rowCount, 0);
const count = (value: number) => value.toLocaleString("en");

const countText = ({ tables, objects }: BackupManifest) =>
  `${count(rowsOf(tables))} rows, ${count(objects.count)} objects of ${formatBytes(objects.contentBytes)}`;

/** A bar for each phase. */
function draw(effects: Effects, quiet: boolean) {
  let shown: { readonly bar: TransferProgress; readonly phase: BackupProgress["phase"]; done: number; bytes: number } | null =
    null;
  return {
    show({ phase, done, total, bytes }: BackupProgress) {
      if (shown?.phase !== phase) {
        shown?.bar.close();
        shown = { bar: createTransferProgress(effects, quiet, UNITS[phase]), phase, done: 0, bytes: 0 };
      }
      if (total !== null) shown.bar.expect(total);
      shown.bar.files(done - shown.done, bytes - shown.bytes);
      Object.assign(shown, { done, bytes });
    },
    close: () => shown?.bar.close(),
  };
}

const UNITS: Readonly<Record<BackupProgress["phase"], string>> = {
  rows: "rows",
  naming: "objects named",
  objects: "objects",
  checking: "files checked",
};
