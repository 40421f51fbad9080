/**
 * Takes a backup of a workspace beside the process that serves it:
 *
 *     anchor of the audit -> snapshot of the rows, table by table -> list of the objects that they name -> the objects -> keys, when asked -> manifest
 *
 * The caller sees to it that nothing is collected meanwhile, and that journals were sealed before (the verb `beginBackup`). Rows and objects stream:
 * memory does not grow with them, but for some 40 bytes an object.
 */
import { chmod, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Keyring, MillError } from "../base/index.ts";
import { openKeyring } from "../guard/index.ts";
import { type Objects, type ObjectsSpec, openObjects } from "../ports/objects/index.ts";
import { openSnapshot, type Snapshot } from "../ports/records/index.ts";
import { type BackupManifest, type ObjectsPart, writeManifest } from "./manifest.ts";
import { copyObject, eachObject, listed, listObjects, lost, OBJECTS_FOLDER } from "./objects.ts";
import { writePart } from "./parts.ts";
import { writeTable } from "./rows.ts";
import { requirePassphrase, sealSecrets } from "./secrets.ts";

export interface BackupSource {
  readonly workspace: string;
  /** Path or address of the records. */
  readonly records: string;
  readonly store: ObjectsSpec;
  /** Configured keys, instead of the workspace's own. */
  readonly key?: string | null;
}

export interface BackupProgress {
  readonly phase: "rows" | "naming" | "objects" | "checking";
  readonly done: number;
  /** null: not known yet. */
  readonly total: number | null;
  readonly bytes: number;
}

export interface BackupOptions {
  /** Objects of the workspace's own folder are copied anyway; those on S3 only so. */
  readonly copyObjects?: boolean;
  /** Whether `keys.json` and `token` go with it, sealed. */
  readonly secrets?: boolean;
  readonly passphrase?: string | null;
  /** Millwright's. */
  readonly version: string;
  readonly signal?: AbortSignal;
  progress?(line: BackupProgress): void;
}

/**
 * Writes into `folder`, which is made, or is empty (mode 0700; what is unfinished is removed). What it gives is on disk.
 * Errors: `backup.not-empty`, `backup.passphrase`, `backup.object-missing`, `cli.interrupted`, and those of the drivers.
 */
export async function takeBackup(folder: string, source: BackupSource, options: BackupOptions): Promise<BackupManifest> {
  const passphrase = options.secrets ? requirePassphrase(options.passphrase ?? null) : null;
  await requireEmpty(folder);
  const keyring = source.store.encrypted ? await openKeyring(source.workspace, { configured: source.key ?? null }) : null;
  const store = openObjects(source.store, { keyring, segments: "read" });
  try {
    const anchor = await textOf(join(source.workspace, "audit.head"));
    const { tables, migrations, objects: named } = await writeRows(folder, source.records, store, options);
    const copied = source.store.kind === "files" || options.copyObjects === true;
    const objects = { ...named, copied, encrypted: copied && source.store.encrypted };
    if (copied) await copyObjects(folder, objects, { store, keyring }, options);
    const manifest: BackupManifest = {
      format: 1,
      millwright: options.version,
      takenAt: new Date().toISOString(),
      migrations,
      tables,
      objects,
      anchor,
      secrets: passphrase === null ? null : await writeSecrets(folder, source.workspace, passphrase),
    };
    await writeManifest(folder, manifest);
    return manifest;
  } catch (thrown) {
    await empty(folder).catch(() => undefined);
    throw thrown;
  } finally {
    await store.close();
  }
}

async function writeRows(folder: string, records: string, store: Objects, { signal, progress }: BackupOptions) {
  const snapshot: Snapshot = await openSnapshot(records);
  try {
    let done = 0;
    const tables = [];
    for (const table of snapshot.tables)
      tables.push(
        await writeTable(folder, snapshot, table, (rows) => {
          requireGoing(signal);
          done += rows;
          progress?.({ phase: "rows", done, total: null, bytes: 0 });
        }),
      );
    done = 0;
    const objects = await listObjects(folder, snapshot, store, (some) => {
      requireGoing(signal);
      done += some;
      progress?.({ phase: "naming", done, total: null, bytes: 0 });
    });
    return { migrations: snapshot.migrations.map(({ number, digest }) => ({ number, digest })), tables, objects };
  } finally {
    await snapshot.close();
  }
}

async function copyObjects(
  folder: string,
  part: ObjectsPart,
  { store, keyring }: { readonly store: Objects; readonly keyring: Keyring | null },
  { signal, progress }: BackupOptions,
): Promise<void> {
  const copies = openObjects({ kind: "files", folder: join(folder, OBJECTS_FOLDER), encrypted: part.encrypted }, { keyring });
  let [done, bytes] = [0, 0];
  try {
    await eachObject(listed(folder, part), async (object) => {
      requireGoing(signal);
      await copyObject(object, store, copies, (digest, _, cause) => lost(digest, cause));
      done++;
      bytes += object.sizeBytes;
      progress?.({ phase: "objects", done, total: part.count, bytes });
    });
  } finally {
    await copies.close();
  }
}

async function writeSecrets(folder: string, workspace: string, passphrase: string) {
  const [keys, token] = await Promise.all(["keys.json", "token"].map((name) => textOf(join(workspace, name))));
  const sealed = await sealSecrets({ keys: keys!, token: token! }, passphrase);
  return writePart(
    folder,
    "secrets.json",
    (async function* () {
      yield sealed;
    })(),
  );
}

/** null: there is no such file. */
const textOf = (path: string): Promise<string | null> =>
  readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });

export const requireGoing = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted)
    throw new MillError("cli.interrupted", "Interrupted; what had been written was taken away again.", {
      fix: "Run the same command again.",
    });
};

async function requireEmpty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause) => {
    throw notEmpty(folder, (cause as Error).message);
  });
  const [first] = await readdir(folder);
  if (first !== undefined) throw notEmpty(folder, `${first} in it`);
  await chmod(folder, 0o700);
}

const empty = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
};

const notEmpty = (at: string, got: string) =>
  new MillError("backup.not-empty", "A backup is written into a folder of its own.", {
    at,
    expected: "a folder that is not there yet, or is empty",
    got,
    fix: "Name another folder.",
  });
