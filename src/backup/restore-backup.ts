/**
 * Makes a workspace from a backup:
 *
 *     manifest, every digest -> an empty workspace, marked unfinished -> keys -> objects -> the schema of the backup, its rows -> newer migrations -> done
 *
 * Nothing opens a workspace that is marked unfinished (`requireRestored`), and one that fails on the way is emptied again.
 */
import { access, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Keyring, MillError } from "../base/index.ts";
import { type ChainState, lockWorkspace, openKeyring, placeSecret, readAuditAnchor, verifyChain } from "../guard/index.ts";
import { type Objects, type ObjectsSpec, openObjects, readStoreMark } from "../ports/objects/index.ts";
import {
  becomesCopy,
  type Migration,
  openRecords,
  openSnapshot,
  migrations as ownMigrations,
  pendingMigrations,
  takesOver,
} from "../ports/records/index.ts";
import { letGoStatements } from "../steps/index.ts";
import { type BackupManifest, damaged, newer, readManifest } from "./manifest.ts";
import { copyObject, eachObject, listed, OBJECTS_FOLDER } from "./objects.ts";
import { checkPart } from "./parts.ts";
import { loadTable } from "./rows.ts";
import { openSecrets } from "./secrets.ts";
import { type BackupProgress, requireGoing } from "./take-backup.ts";

export interface RestoreTarget {
  /** Not there yet, or empty but for `keys.json`. */
  readonly workspace: string;
  /** Path or address of the records: nothing is there. */
  readonly records: string;
  /** Where copied objects go; else the store that has them. */
  readonly store: ObjectsSpec;
  /** Configured keys, instead of the workspace's own. */
  readonly key?: string | null;
}

export interface RestoreOptions {
  readonly passphrase?: string | null;
  /** Leave keys and token out; the workspace gets new ones. */
  readonly withoutSecrets?: boolean;
  /** Takes over from its source at once: notices go out and schedules run. */
  readonly takesOver?: boolean;
  /** Of this Millwright; default: its own. */
  readonly migrations?: readonly Migration[];
  readonly signal?: AbortSignal;
  progress?(line: BackupProgress): void;
}

export interface Restored {
  readonly manifest: BackupManifest;
  readonly rows: number;
  /** Numbers of the migrations that ran on what was restored. */
  readonly migrated: readonly number[];
  readonly audit: ChainState;
}

const MARKER = "restoring";

/**
 * Errors: `backup.missing`, `backup.damaged`, `backup.newer`, `backup.not-empty`, `backup.passphrase`, `backup.object-missing`,
 * `guard.workspace-locked`, and those of the drivers.
 */
export async function restoreBackup(folder: string, target: RestoreTarget, options: RestoreOptions = {}): Promise<Restored> {
  const { migrations = ownMigrations, passphrase = null, withoutSecrets = false } = options;
  const manifest = await readManifest(folder);
  requireKnown(manifest, migrations, folder);
  await checkParts(folder, manifest, options);
  const secrets =
    manifest.secrets === null || withoutSecrets
      ? null
      : await openSecrets(await readFile(join(folder, manifest.secrets.file), "utf8"), passphrase);

  const { workspace } = target;
  const lock = await lockWorkspace(workspace);
  try {
    const kept = await requireEmpty(target, secrets?.keys != null);
    try {
      await writeFile(join(workspace, MARKER), "", { mode: 0o600 });
      if (secrets?.keys != null) await placeSecret(join(workspace, "keys.json"), secrets.keys);
      if (secrets?.token != null) await placeSecret(join(workspace, "token"), secrets.token);
      if (manifest.anchor !== null) await placeSecret(join(workspace, "audit.head"), manifest.anchor);
      const keyring = await openKeyring(workspace, { configured: target.key ?? null });
      await restoreObjects(folder, manifest, { store: target.store, keyring }, options);
      const restored = await restoreRows(folder, manifest, target, keyring, { ...options, migrations });
      await rm(join(workspace, MARKER));
      return restored;
    } catch (thrown) {
      await takeBack(target, kept).catch(() => undefined);
      throw thrown;
    }
  } finally {
    await lock.release();
  }
}

/** Errors: `backup.unfinished`. */
export async function requireRestored(workspace: string): Promise<void> {
  const isUnfinished = await access(join(workspace, MARKER)).then(
    () => true,
    () => false,
  );
  if (isUnfinished)
    throw new MillError("backup.unfinished", "This workspace was being restored, and that broke off.", {
      at: workspace,
      fix: "Remove the folder (and the schema, where the records are on PostgreSQL), and run `mill restore` again.",
    });
}

function requireKnown({ migrations, millwright }: BackupManifest, known: readonly Migration[], at: string): void {
  const ours = Math.max(...known.map(({ number }) => number));
  const theirs = Math.max(...migrations.map(({ number }) => number));
  if (theirs > ours) throw newer(at, `schema ${theirs}`, `schema ${ours} or lower`, millwright);
  pendingMigrations(migrations, known, at);
}

async function checkParts(
  folder: string,
  { tables, objects, secrets }: BackupManifest,
  { signal, progress }: RestoreOptions,
): Promise<void> {
  const parts = [...tables, objects, ...(secrets ? [secrets] : [])];
  let bytes = 0;
  for (const [index, part] of parts.entries()) {
    requireGoing(signal);
    if (!/^[a-z_][a-z0-9_]*(\.ndjson\.gz|\.txt|\.json)$/.test(part.file)) throw damaged(folder, "the name of a part", part.file);
    await checkPart(folder, part);
    bytes += part.sizeBytes;
    progress?.({ phase: "checking", done: index + 1, total: parts.length, bytes });
  }
}

/** What is there already, and stays. Errors: `backup.not-empty`. */
async function requireEmpty({ workspace, records, store }: RestoreTarget, bringsKeys: boolean): Promise<readonly string[]> {
  const there = await readdir(workspace);
  const found = there.find((name) => name !== "lock" && (name !== "keys.json" || bringsKeys));
  if (found !== undefined) throw notEmpty(workspace, `${found} in it`);
  if (records.startsWith("postgres")) {
    const before = await openSnapshot(records);
    await before.close();
    if (before.tables.length > 0) throw notEmpty("the schema of the records", `${before.tables.length} tables in it`);
  }
  if (store.kind === "files" && !store.folder.startsWith(workspace)) await mkdir(store.folder, { recursive: true });
  return there;
}

const notEmpty = (at: string, got: string) =>
  new MillError("backup.not-empty", "A backup is restored into a workspace of its own.", {
    at,
    expected: "a folder, and for PostgreSQL a schema, that is not there yet or is empty",
    got,
    fix: "Name another with --workspace; nothing that is there is written over.",
  });

async function restoreObjects(
  folder: string,
  { objects: part }: BackupManifest,
  { store: spec, keyring }: { readonly store: ObjectsSpec; readonly keyring: Keyring },
  { signal, progress }: RestoreOptions,
): Promise<void> {
  if (part.copied && (await readStoreMark(spec)) !== null)
    throw notEmpty("the store of the objects", "another workspace's objects in it");
  const target = openObjects(spec, { keyring });
  const copies = part.copied
    ? openObjects(
        { kind: "files", folder: join(folder, OBJECTS_FOLDER), encrypted: part.encrypted },
        { keyring, segments: "read" },
      )
    : null;
  let [done, bytes] = [0, 0];
  try {
    await eachObject(listed(folder, part), async (object) => {
      requireGoing(signal);
      if (copies)
        await copyObject(object, copies, target, (digest, got, cause) =>
          damaged(`${folder}/objects, ${digest}`, digest, got, cause),
        );
      else await requireThere(object.digest, target);
      done++;
      bytes += object.sizeBytes;
      progress?.({ phase: "objects", done, total: part.count, bytes });
    });
    if (done !== part.count) throw damaged(`${folder}/${part.file}`, `${part.count} objects`, `${done} objects`);
  } finally {
    await copies?.close();
    await target.close();
  }
}

async function requireThere(digest: Parameters<Objects["sizeOf"]>[0], store: Objects): Promise<void> {
  if ((await store.sizeOf(digest)) !== null) return;
  throw new MillError(
    "backup.object-missing",
    "The store does not have an object that the backup names, and the backup holds no copies.",
    {
      at: digest,
      fix: "Name the store that the workspace had with --objects; to be independent of it, take backups with `mill backup --objects`.",
    },
  );
}

async function restoreRows(
  folder: string,
  manifest: BackupManifest,
  { records: address, workspace }: RestoreTarget,
  keyring: Keyring,
  { migrations, takesOver: asSource = false, signal, progress }: RestoreOptions & { readonly migrations: readonly Migration[] },
): Promise<Restored> {
  const before = new Set(manifest.migrations.map(({ number }) => number));
  const total = manifest.tables.reduce((sum, { rowCount }) => sum + rowCount, 0);
  let done = 0;
  const old = await openRecords(address, { migrations: migrations.filter(({ number }) => before.has(number)) });
  try {
    await requireTables(folder, manifest, address);
    for (const table of manifest.tables) {
      if (table.name === STORE_TABLE && manifest.objects.copied) continue; // the copies are a store of their own
      await loadTable(folder, table, old, (rows) => {
        requireGoing(signal);
        done += rows;
        progress?.({ phase: "rows", done, total, bytes: 0 });
      });
    }
  } finally {
    await old.close();
  }
  const records = await openRecords(address, { migrations });
  try {
    const standing = asSource ? takesOver : becomesCopy({ takenAt: manifest.takenAt, restoredAt: Date.now() });
    await records.commit([...letGoStatements(Date.now()), standing]);
    const { link } = await readAuditAnchor(workspace, keyring);
    const audit = await verifyChain(records, link);
    const migrated = migrations.map(({ number }) => number).filter((number) => !before.has(number));
    return { manifest, rows: total, migrated, audit };
  } finally {
    await records.close();
  }
}

/** Names the store that the rows' objects lie in (`same-store.ts` of the port). */
const STORE_TABLE = "object_store";

/** Names of tables and columns go into statements: those of the schema alone may. Errors: `backup.damaged`. */
async function requireTables(folder: string, { tables }: BackupManifest, address: string): Promise<void> {
  const schema = await openSnapshot(address);
  await schema.close();
  const known = new Map(schema.tables.map(({ name, columns }) => [name, [...columns].sort().join(" ")]));
  for (const { name, columns } of tables)
    if (known.get(name) !== [...columns].sort().join(" "))
      throw damaged(`${folder}/manifest.json`, known.get(name) ?? "a table of the schema", `${name}: ${columns.join(" ")}`);
}

/** Rows on PostgreSQL stay, and with them the mark that they are unfinished. */
async function takeBack({ workspace, records }: RestoreTarget, kept: readonly string[]): Promise<void> {
  for (const name of await readdir(workspace))
    if (!kept.includes(name) && name !== MARKER) await rm(join(workspace, name), { recursive: true, force: true });
  if (!records.startsWith("postgres")) await rm(join(workspace, MARKER), { force: true });
}
