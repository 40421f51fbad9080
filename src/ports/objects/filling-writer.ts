/** Stores one large object and prints the code of the error it gets: run under `ulimit -f` by the disk-full test. */
import { asMillError } from "../../base/index.ts";
import { createFileObjects } from "./files.ts";

const objects = createFileObjects(process.argv[2]!);
await objects.put(new Uint8Array(10));
const stored = objects.put(new Uint8Array(5_000_000));
console.log(
  await stored.then(
    () => "stored",
    (error) => asMillError(error).code,
  ),
);
