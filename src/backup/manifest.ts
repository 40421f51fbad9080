/** What a backup consists of. It is written last: a backup without its manifest is none. */
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOfJson, MillError } from "../base/index.ts";
import type { Applied } from "../ports/records/index.ts";

/** A file of the backup. */
export interface Part {
  readonly file: string;
  readonly sizeBytes: number;
  /** Of the file as it lies there. */
  readonly digest: Digest;
}

/** The rows of a table: an array a line, gzipped. */
export interface TablePart extends Part {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rowCount: number;
}

/** The list of the objects that the rows name: 64 hexadecimal digits and the size, a line each. */
export interface ObjectsPart extends Part {
  readonly count: number;
  readonly contentBytes: number;
  /** Whether they lie in the backup, in the folder `objects`; else they are where they were. */
  readonly copied: boolean;
  /** Whether they are encrypted there, under the keys of the workspace. */
  readonly encrypted: boolean;
}

export interface BackupManifest {
  readonly format: 1;
  /** Which Millwright made it. */
  readonly millwright: string;
  /** ISO 8601. */
  readonly takenAt: string;
  /** The schema of the rows. */
  readonly migrations: readonly Applied[];
  readonly tables: readonly TablePart[];
  readonly objects: ObjectsPart;
  /** The sealed end of the audit, as it stood before the rows were read. */
  readonly anchor: string | null;
  /** Keys and token, sealed under a passphrase; null: they were not asked for. */
  readonly secrets: Part | null;
}

const NAME = "manifest.json";

export async function writeManifest(folder: string, manifest: BackupManifest): Promise<void> {
  const path = join(folder, NAME);
  const file = await open(`${path}.half`, "wx", 0o600);
  await file
    .writeFile(`${JSON.stringify({ ...manifest, digest: digestOfJson(manifest) }, null, 1)}\n`)
    .then(() => file.sync())
    .finally(() => file.close());
  await rename(`${path}.half`, path);
  const held = await open(folder, "r");
  await held.sync().finally(() => held.close());
}

/** Errors: `backup.missing`, `backup.damaged`, `backup.newer` for a form that is not known here. */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const path = join(folder, NAME);
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new MillError("backup.missing", "There is no finished backup at this place.", {
      at: folder,
      expected: `a folder with ${NAME}, which is written last`,
      got: (cause as NodeJS.ErrnoException).code ?? (cause as Error).message,
      fix: "Name the folder that `mill backup` wrote. A backup that broke off cannot be restored: take another.",
      cause,
    });
  });
  let read: BackupManifest & { readonly digest: Digest };
  try {
    read = JSON.parse(text);
  } catch {
    throw damaged(path, "JSON", `${text.length} characters that are not`);
  }
  const { digest, ...manifest } = read ?? {};
  if (digest !== digestOfJson(manifest)) throw damaged(path, "what its own digest says", "another content");
  if (manifest.format !== 1) throw newer(path, `form ${manifest.format}`, "form 1", manifest.millwright);
  return manifest;
}

export const damaged = (at: string, expected: string, got: string, cause?: unknown): MillError =>
  new MillError("backup.damaged", "The backup is not as it was written: something is missing, cut short or altered.", {
    at,
    expected,
    got,
    fix: "Copy the backup again from where it came, or restore an earlier one; nothing was restored.",
    cause,
  });

export const newer = (at: string, got: string, expected: string, millwright: string): MillError =>
  new MillError("backup.newer", "The backup was made by a newer Millwright than this one.", {
    at,
    expected,
    got,
    fix: `Install Millwright ${millwright} or later, and restore it with that.`,
  });
