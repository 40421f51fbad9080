import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openWorkspace } from "./app.ts";
import { type Config, readConfig } from "./contract/index.ts";
import { OWNER } from "./guard/index.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-app-"));
after(() => rm(folder, { recursive: true }));
const configOf = (project: string): Config =>
  readConfig({
    flags: { project, port: "0", threads: "2", memory: "1024", log: "error" },
    env: {},
    file: {},
    machine: { cores: 2, memoryMb: 4096, cwd: folder },
  });

test("where there is no project no workspace is made", async () => {
  await assert.rejects(openWorkspace(configOf(join(folder, "mistyped"))), { code: "define.project-missing" });
  assert.deepEqual(await readdir(folder), []);
});

test("a workspace whose log cannot be sealed at the end is given up all the same, and the next owner seals it", async () => {
  const project = join(folder, "penguins");
  for (const file of ["mill.ts", "package.json", "penguins.csv"])
    await cp(join(import.meta.dirname, "../examples/penguins", file), join(project, file));
  const { workspace } = configOf(project);
  const app = await openWorkspace(configOf(project));
  for await (const _ of app.call(OWNER, "run", {}));
  const { exampleRow } = await app.call(OWNER, "getEndpoint", { name: "penguin-species" });
  await app.call(OWNER, "predict", { name: "penguin-species", rows: [exampleRow!] });

  await rename(join(workspace, "objects"), join(folder, "objects"));
  await writeFile(join(workspace, "objects"), "in the way");
  await app.close();
  assert.ok(!(await readdir(workspace)).includes("lock"));

  await rm(join(workspace, "objects"));
  await rename(join(folder, "objects"), join(workspace, "objects"));
  await (await openWorkspace(configOf(project))).close();
  const again = await openWorkspace(configOf(project));
  assert.equal((await again.call(OWNER, "getDataset", { name: "penguin-species-predictions" })).rowCount, 1, "nothing is lost");
  await again.close();
});
