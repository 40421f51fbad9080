import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDatabase } from "./database-source.ts";
import { openFolder } from "./folder-source.ts";
import { noSource } from "./problems.ts";
import type { RestClientOptions } from "./rest-client.ts";
import { openServer } from "./server-source.ts";
import type { Source, Tell } from "./source.ts";

export interface SourceOptions extends Omit<RestClientOptions, "address"> {
  /** Of a database: the folder in which its server keeps artifacts; null: beside the file. */
  readonly artifacts: string | null;
  readonly tell: Tell;
}

/** `http(s)://HOST`, a folder, `sqlite:///FILE` or a file; nothing else is followed. Errors: `import.source`. */
export function openSource(given: string, { artifacts, tell, ...options }: SourceOptions): Source {
  if (isAddress(given)) return openServer({ address: given, ...options }, tell);
  const path = pathOf(given);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile()) return openDatabase(path, artifacts, tell);
  if (!found?.isDirectory()) throw noSource(withoutSecrets(given), "there is nothing");
  const isStore = readdirSync(path).some(
    (name) => name === "models" || name === ".trash" || existsSync(join(path, name, "meta.yaml")),
  );
  if (!isStore) throw noSource(given, "no folder in it has a meta.yaml");
  return openFolder(path, tell);
}

export const isAddress = (given: string): boolean => /^https?:\/\//i.test(given);

/** The folder that is to be written. Errors: `import.source`. */
export function folderOf(given: string): string {
  const path = pathOf(given);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) throw noSource(given, "it is a file, and a folder or a server is written");
  return path;
}

function pathOf(given: string): string {
  if (/^file:/i.test(given)) return fileURLToPath(given.replace(/^file:(?!\/\/)/i, "file://"));
  if (/^sqlite:\/\/\//i.test(given)) return given.replace(/^sqlite:\/\/\//i, "") || "/";
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(given))
    throw noSource(withoutSecrets(given), "it is read by its server alone: name that one's address");
  return given;
}

const withoutSecrets = (given: string): string => given.replace(/:\/\/[^@/]*@/, "://");
