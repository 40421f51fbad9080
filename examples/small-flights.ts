/** For tests: the example in small, in a folder of its own, with real flights between ten airports. */
import { copyFile, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { openTables } from "./read-lake.ts";
import { newPath } from "./run-mill.ts";

const ROOT = join(import.meta.dirname, "..");
const ALL = join(ROOT, "node_modules", "vega-datasets", "data", "flights-3m.parquet");
const AIRPORTS = ["ATL", "DEN", "DFW", "DTW", "LAS", "LAX", "MSP", "ORD", "PHX", "STL"].map((code) => `'${code}'`).join(", ");

/** Its path: April 15 to June 10 2001, of which June is kept back; some 1,500 flights a day. */
export async function smallFlights(): Promise<string> {
  const project = newPath("flights-small");
  await mkdir(project, { recursive: true });
  for (const file of ["mill.ts", "package.json"])
    await copyFile(join(import.meta.dirname, "fixtures", "flights-small", file), join(project, file));
  await symlink(join(ROOT, "node_modules"), join(project, "node_modules"));
  const duck = openTables(project);
  await duck.run(`COPY (
    SELECT * FROM read_parquet('${ALL}') WHERE origin IN (${AIRPORTS}) AND destination IN (${AIRPORTS})
      AND date >= TIMESTAMP '2001-04-15' AND date < TIMESTAMP '2001-06-11'
  ) TO '${join(project, "flights.parquet")}' (FORMAT parquet)`);
  duck.close();
  return project;
}
