/** For tests: what a data set of a workspace that nobody owns holds. */
import { join } from "node:path";
import { type Config, type Row, readConfig } from "../src/contract/index.ts";
import { openKeyring } from "../src/guard/index.ts";
import { createLake } from "../src/lake/index.ts";
import { configuredObjects, openObjects } from "../src/ports/objects/index.ts";
import { openRecords } from "../src/ports/records/index.ts";
import { openDuckDb, type Tables } from "../src/ports/tables/index.ts";

/** The rows of a SELECT over the newest version of a data set, which stands for `rows` in it. `env` holds the settings that the workspace is run with. */
export async function readLake(
  workspace: string,
  dataset: string,
  select: string,
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Row[]> {
  const config: Config = readConfig({
    flags: { workspace },
    env,
    file: {},
    machine: { cores: 2, memoryMb: 2000, cwd: workspace },
  });
  const records = await openRecords(config.records ?? join(workspace, "mill.db"));
  const keyring = await openKeyring(workspace, { configured: config.key });
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  const credentials = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined;
  const objects = openObjects(configuredObjects(config), { keyring, credentials });
  const duck = openTables(workspace);
  try {
    const lake = createLake({
      records,
      objects,
      folder: workspace,
      tables: () => openTables(workspace),
    });
    const { relation } = await lake.read(dataset);
    const found = relation === null ? [] : await duck.rows(`WITH rows AS (SELECT * FROM ${relation}) ${select}`);
    await lake.close();
    return found;
  } finally {
    duck.close();
    await objects.close();
    await records.close();
  }
}

export const openTables = (folder: string): Tables =>
  openDuckDb({ threads: 2, memoryMb: 400, tempFolder: join(folder, "scratch-of-tests") });
