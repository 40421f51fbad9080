/** The restore drill: a backup of a server at work, restored and compared; on PostgreSQL with MILL_RECORDS=postgres and MILL_TEST_POSTGRES. */
import assert from "node:assert/strict";
import { appendFile, cp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { dropSchemas, testAddress } from "../src/ports/records/fixtures/open-test-records.ts";
import { ask } from "./ask.ts";
import { millIn, newPath, serveIn, stopped } from "./run-mill.ts";

const server = process.env.MILL_RECORDS === "postgres" ? process.env.MILL_TEST_POSTGRES : undefined;
if (server) after(() => dropSchemas(server));
const ENDPOINT = "penguin-species";
const ROW = { island: "Dream", beakLength: 50.2, beakDepth: 18.7, flipperLength: 198, bodyMass: 3775, sex: "FEMALE" };
const ROWS = Array.from({ length: 20 }, (_, index) => ({ ...ROW, beakLength: 35 + index, bodyMass: 3000 + 100 * index }));
const PASSPHRASE = { MILL_BACKUP_PASSPHRASE: "correct horse battery" };

/** The environment of a workspace: its own folder, and with PostgreSQL its own schema. */
const envOf = (workspace: string) => ({
  MILL_WORKSPACE: workspace,
  ...(server ? { MILL_RECORDS: testAddress(server, workspace) } : { MILL_RECORDS: "" }),
});

async function told<T>(env: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<T> {
  const { stdout, stderr } = await millIn(env, ...words, "--json");
  const answer = JSON.parse(stdout.trimEnd().split("\n").at(-1) || "{}") as { ok?: boolean; data?: T };
  assert.ok(answer.ok, `mill ${words.join(" ")}: ${stdout}${stderr}`);
  return answer.data!;
}

test("a backup of a server under load, restored elsewhere, gives the same answers, commits and audit, and all that was acknowledged before", async () => {
  const project = newPath("project");
  for (const file of ["mill.ts", "package.json", "penguins.csv"])
    await cp(join(import.meta.dirname, "penguins", file), join(project, file));
  const at = ["--project", project];
  const [original, restored, backup] = [newPath("original"), newPath("restored"), newPath("backup")];
  const env = envOf(original);
  const up = await serveIn(env, "--run", ...at);
  const token = (await readFile(join(original, "token"), "utf8")).trim();
  const post = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(new URL(path, up.url), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return text.startsWith("{") && text.trimEnd().indexOf("\n") === -1 ? JSON.parse(text) : { text };
  };
  const predict = (rows: readonly unknown[]) => post(`/v1/endpoints/${ENDPOINT}/predict`, { rows });
  const before = await predict(ROWS);

  let isOver = false;
  let acknowledged = 0;
  const load = async () => {
    while (!isOver) {
      const { predictions } = (await predict([ROW])) as { predictions: { id: string }[] };
      await post(`/v1/endpoints/${ENDPOINT}/feedback`, { labels: [{ id: predictions[0]!.id, label: "Chinstrap" }] });
      acknowledged++;
    }
  };
  const collecting = async () => {
    while (!isOver) {
      const outcome = await millIn(env, "lake", "collect", "--remove", "--grace", "0.1", ...at, "--json");
      assert.ok(outcome.code === 0 || outcome.stdout.includes("lake.collecting"), outcome.stdout);
    }
  };
  const loads = [load(), load(), load(), collecting()];
  await appendFile(join(project, "penguins.csv"), "Adelie,Torgersen,39.2,18.6,182,3760,MALE\n");
  const run = post("/v1/runs", { targets: [] });
  while (acknowledged < 20) await new Promise((resolve) => setTimeout(resolve, 20));
  const sure = acknowledged;
  await told({ ...env, ...PASSPHRASE }, "backup", backup, "--keys", ...at);
  isOver = true;
  await Promise.all(loads);
  await run;
  const commits = await told<{ items: { id: string }[] }>(env, "lake", "log", "penguins", ...at);
  assert.equal(await stopped(up.child, "SIGTERM"), 0);

  const other = { ...envOf(restored), ...PASSPHRASE };
  const done = await told<{ rows: number; audit: { whole: boolean; anchored?: number } }>(other, "restore", backup, ...at);
  assert.ok(done.audit.whole && done.audit.anchored !== undefined, JSON.stringify(done));
  const accessed = (await readdir(join(original, "access"))).map((name) => readFile(join(original, "access", name), "utf8"));
  const lines = (await Promise.all(accessed)).join("");
  assert.ok(lines.includes(`"verb":"feedback"`) && !lines.includes(token) && !lines.includes("Chinstrap"), lines.slice(0, 500));
  await rm(original, { recursive: true }); // nothing leans on it
  const again = await serveIn(other, ...at);
  const after = (await ask(again.url, `/v1/endpoints/${ENDPOINT}/predict`, { body: { rows: ROWS } })).json();
  const values = ({ predictions }: Record<string, unknown>) =>
    (predictions as { id: string }[]).map(({ id: _, ...rest }) => rest);
  assert.deepEqual([after.version, values(after)], [before.version, values(before)]);
  const kept = await told<{ items: { id: string }[] }>(other, "lake", "log", "penguins", ...at);
  assert.deepEqual(
    kept.items.map(({ id }) => id),
    commits.items.map(({ id }) => id).slice(-kept.items.length),
  );
  const [log] = (await ask(again.url, `/v1/datasets/${ENDPOINT}-predictions/versions?limit=1`)).json<{
    items: { rowCount: number }[];
  }>().items;
  assert.ok(log!.rowCount >= ROWS.length + sure, `${log!.rowCount} rows, ${sure} were sure`);
  assert.equal((await told<{ whole: boolean }>(other, "audit", "verify", ...at)).whole, true);
  const { items } = await told<{ items: { actor: string }[] }>(other, "audit", "list", "--verb", "collect", ...at);
  assert.ok(items.length > 0 && items.every(({ actor }) => actor === "owner"));
  const verified = await told<{ faults: number; objects: number }>(other, "lake", "verify", "--content", ...at);
  assert.deepEqual([verified.faults, verified.objects > 10], [0, true]);
  assert.equal(await stopped(again.child, "SIGTERM"), 0);
});
