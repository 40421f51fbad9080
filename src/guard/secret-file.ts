/** Files that hold secrets: for their owner alone (0600), and whole or not there at all, also after a crash. */
import { link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { newId } from "../base/index.ts";

/** Replaces what the file held. */
export async function writeSecret(path: string, text: string): Promise<void> {
  const beside = await writeBeside(path, text);
  await rename(beside, path);
  await syncFolder(path);
}

/** Writes a file that is not there yet; false: it is, and stays as it was. */
export async function placeSecret(path: string, text: string): Promise<boolean> {
  const beside = await writeBeside(path, text);
  try {
    await link(beside, path);
    await syncFolder(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  } finally {
    await rm(beside, { force: true });
  }
}

async function writeBeside(path: string, text: string): Promise<string> {
  const beside = `${path}.${newId()}`;
  const file = await open(beside, "wx", 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return beside;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), "r");
  await folder.sync().finally(() => folder.close());
}
