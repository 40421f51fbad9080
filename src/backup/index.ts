export type { BackupManifest, ObjectsPart, Part, TablePart } from "./manifest.ts";
export { type Restored, type RestoreOptions, type RestoreTarget, requireRestored, restoreBackup } from "./restore-backup.ts";
export { type BackupOptions, type BackupProgress, type BackupSource, takeBackup } from "./take-backup.ts";
