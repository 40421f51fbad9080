import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the package says of itself. */
export interface PackageFacts {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

export const readPackage = (folder: string): PackageFacts => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
