/** For tests: what a data set of a workspace that nobody owns holds. */
import { join } from "node:path";
import type { Row } from "../src/contract/index.ts";
import { createLake } from "../src/lake/index.ts";
import { createFileObjects } from "../src/ports/objects/index.ts";
import { openSqlite } from "../src/ports/records/index.ts";
import { openDuckDb, type Tables } from "../src/ports/tables/index.ts";

/** The rows of a SELECT over the newest version of a data set, which stands for `rows` in it. */
export async function readLake(workspace: string, dataset: string, select: string): Promise<Row[]> {
  const records = await openSqlite(join(workspace, "mill.db"));
  const duck = openTables(workspace);
  try {
    const lake = createLake({
      records,
      objects: createFileObjects(join(workspace, "objects")),
      folder: workspace,
      tables: () => openTables(workspace),
    });
    const { relation } = await lake.read(dataset);
    const found = relation === null ? [] : await duck.rows(`WITH rows AS (SELECT * FROM ${relation}) ${select}`);
    await lake.close();
    return found;
  } finally {
    duck.close();
    await records.close();
  }
}

export const openTables = (folder: string): Tables =>
  openDuckDb({ threads: 2, memoryMb: 400, tempFolder: join(folder, "scratch-of-tests") });
