/** Clients that are python libraries: each one's program in this folder, in a bucket of one branch and in one that shows a repository's refs. */
import { after, before, test } from "node:test";
import { type ClientDoor, missing, missingPackage, openClientDoor } from "./fixtures/start-clients.ts";

let http: ClientDoor;
let https: ClientDoor;

before(async () => {
  if (!missing("python/bin/python")) [http, https] = await Promise.all([openClientDoor(), openClientDoor({ https: true })]);
});
after(() => Promise.all([http?.close(), https?.close()]));

const skip = missingPackage("boto3");
const boto3 = "names, pages, ranges, metadata, parts, conditions, links of both versions, refusals, a tag, buckets";
test(`boto3 in a bucket of one branch: ${boto3}`, { skip }, async () =>
  http.program("boto3_program.py", await http.place("branch")),
);
test(`boto3 in a bucket that shows refs: ${boto3}`, { skip }, async () =>
  http.program("boto3_program.py", await http.place("refs")),
);
test(`boto3 in a bucket REPOSITORY.BRANCH over https, where checksums come as trailers: ${boto3}`, { skip }, async () =>
  https.program("boto3_program.py", await https.place("dotted")),
);

for (const [name, python, what] of [
  ["pyarrow", "python", "names, pages, streams in parts, ranges, copies, Parquet data sets, folders, refusals, a tag"],
  [
    "minio",
    "python",
    "names, pages by both listings, parts, ranges, copies and compositions, deletes of many, links, refusals, a tag",
  ],
  ["duckdb", "python", "COPY to the door, partitions, globs, ranges, names, refusals, a tag"],
  ["s3fs", "python-s3fs", "names, pages, globs, parts, appends, copies, metadata, creation where nothing is, refusals, a tag"],
] as const)
  for (const kind of ["branch", "refs"] as const)
    test(
      `${name} in a bucket ${kind === "branch" ? "of one branch" : "that shows refs"}: ${what}`,
      {
        skip: missingPackage(name, python),
      },
      async () => http.program(`${name}_program.py`, await http.place(kind)),
    );

test("pyarrow over https", { skip: missingPackage("pyarrow") }, async () =>
  https.program("pyarrow_program.py", await https.place("branch")),
);
