/** For the lake's tests: appends rows until it is killed, and prints the numbers of those that were acknowledged. Seals every so often. */
import { join } from "node:path";
import { createFileObjects } from "../ports/objects/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { createLake } from "./index.ts";

const [folder = "", first = "0"] = process.argv.slice(2);
const lake = createLake({
  records: await openTestRecords(join(folder, "mill.db")),
  objects: createFileObjects(join(folder, "objects")),
  folder,
  tables: () => openDuckDb({ threads: 1, memoryMb: 200, tempFolder: join(folder, "spill") }),
});

const seal = async (): Promise<void> => {
  await lake.seal("log");
  setTimeout(seal, 5);
};
void seal();

let next = Number(first);
const append = async (): Promise<void> => {
  for (;;) {
    const numbers = Array.from({ length: 1 + (next % 3) }, () => next++);
    await lake.append(
      "log",
      numbers.map((n) => ({ n, text: `row ${n} `.repeat(20) })),
    );
    process.stdout.write(`${numbers.join("\n")}\n`);
  }
};
for (let writer = 0; writer < 4; writer++) void append();
