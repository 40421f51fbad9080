/** The penguins, as their user has them, on each of the places where rows and objects can be kept. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { GetObjectCommand, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { clientOf, newBucket, skip as withoutS3 } from "../src/ports/objects/fixtures/s3-server.ts";
import { dropSchemas, testAddress } from "../src/ports/records/fixtures/open-test-records.ts";
import { ask } from "./ask.ts";
import { readLake } from "./read-lake.ts";
import { millIn, newPath, serveIn, stopped } from "./run-mill.ts";

const PROJECT = join(import.meta.dirname, "penguins");
const ENDPOINT = "penguin-species";
const ROW = { island: "Dream", beakLength: 50.2, beakDepth: 18.7, flipperLength: 198, bodyMass: 3775, sex: "FEMALE" };
/** An island of the CSV; Parquet keeps it as it is. */
const MARKER = "Torgersen";

const postgres = process.env.MILL_TEST_POSTGRES ?? "";
const withoutPostgres =
  postgres === "" && "needs a PostgreSQL server: MILL_TEST_POSTGRES=postgres://... (.ci/postgres start DIR)";
if (postgres !== "") after(() => dropSchemas(postgres));

const ownSchema = () => ({ MILL_RECORDS: testAddress(postgres, newPath("schema")) });

type Store = { readonly env: NodeJS.ProcessEnv; readonly bucket?: Awaited<ReturnType<typeof newBucket>> };
async function ownPrefix(): Promise<Store> {
  const bucket = await newBucket();
  const { accessKeyId, secretAccessKey } = bucket.credentials!;
  const env = {
    MILL_OBJECTS: `s3://${bucket.bucket}/penguins`,
    MILL_OBJECTS_ENDPOINT: bucket.endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  return { bucket, env };
}

const ENCRYPTED = { MILL_ENCRYPT: "yes" };
const ENGINES: readonly { readonly name: string; readonly skip: string | false; readonly open: () => Promise<Store> }[] = [
  { name: "SQLite and files", skip: false, open: async () => ({ env: {} }) },
  { name: "SQLite and encrypted files", skip: false, open: async () => ({ env: ENCRYPTED }) },
  { name: "SQLite and S3", skip: withoutS3, open: ownPrefix },
  {
    name: "PostgreSQL and encrypted S3 with few local copies",
    skip: withoutPostgres || withoutS3,
    async open() {
      const { env, bucket } = await ownPrefix();
      return { bucket: bucket!, env: { ...env, ...ownSchema(), ...ENCRYPTED, MILL_OBJECTS_CACHE: "16" } };
    },
  },
];

/** What the first engine made, for the others to make too. */
let expected: Awaited<ReturnType<typeof madeBy>> | null = null;

for (const { name, skip, open } of ENGINES)
  test(`on ${name} the penguins are trained, served, logged and found again after a restart`, { skip }, async (t) => {
    const { env, bucket } = await open();
    const workspace = newPath("engine");
    const at = ["--project", PROJECT, "--workspace", workspace];
    const mill = async (...words: readonly string[]) => {
      const { code, stdout, stderr } = await millIn(env, ...words, ...at);
      assert.equal(code, 0, `mill ${words.join(" ")}: ${stdout}${stderr}`);
      return stdout;
    };

    const first = await serveIn(env, "--run", ...at);
    assert.match(first.text.stderr, /published {2}model penguin-species, version 1 \(champion\)/);
    const told = await predictAndTell(first.url, workspace);
    await t.test("a second run has nothing to do", async () =>
      assert.match(await mill("run"), /nothing to do, 10 steps are current/),
    );
    await t.test("the data set is a repository, with its files by their names", async () => {
      assert.match(await mill("lake", "ls", "penguins@v1"), /part-0\.parquet/);
      assert.match(await mill("lake", "log", "penguins"), /commit/);
    });
    const made = await madeBy(first.url);
    if (env.MILL_RECORDS)
      await t.test("another workspace on the same schema is refused", async () => {
        const other = ["--project", PROJECT, "--workspace", newPath("intruder")];
        const refused = await millIn({ MILL_RECORDS: env.MILL_RECORDS }, "up", "--port", "0", ...other);
        assert.deepEqual([refused.code !== 0, refused.stdout], [true, ""]);
        assert.match(refused.stderr, /records\.locked/);
        assert.ok(!refused.stderr.includes(new URL(env.MILL_RECORDS!).password), "no password in a message");
      });
    assert.equal(await stopped(first.child, "SIGTERM"), 0, first.text.stderr);

    await t.test("a restart answers as before, and what was logged became versions", async () => {
      const again = await serveIn(env, ...at);
      assert.deepEqual(await madeBy(again.url), made);
      const { probabilities } = await predictAndTell(again.url, workspace);
      assert.deepEqual(probabilities, told.probabilities);
      assert.equal(await stopped(again.child, "SIGTERM"), 0, again.text.stderr);
      for (const log of ["predictions", "feedback"]) {
        assert.match(await mill("lake", "ls", `${ENDPOINT}-${log}@v2`), /part-0\.parquet/);
        assert.deepEqual(await readLake(workspace, `${ENDPOINT}-${log}`, "SELECT count(*) AS n FROM rows", env), [{ n: 2 }]);
        assert.match(await mill("lake", "diff", `${ENDPOINT}-${log}@v1`, "v2"), / 1 +0 +0/, "a row was added");
      }
    });

    await t.test("the model is the one that other engines make, bit for bit", () => {
      expected ??= made;
      assert.deepEqual(made, expected);
    });

    await t.test(
      `what is stored ${env.MILL_ENCRYPT ? "shows" : "shows, for comparison,"} ${env.MILL_ENCRYPT ? "no" : "the"} values of the data`,
      async () => {
        const stored = bucket ? await inBucket(bucket) : inFolder(join(workspace, "objects"));
        assert.ok(stored.length > 5);
        assert.equal(
          stored.some((bytes) => bytes.includes(MARKER)),
          !env.MILL_ENCRYPT,
        );
      },
    );

    await t.test("the store is refused where it is not what the settings say", async () => {
      const otherwise = await millIn({ ...env, MILL_ENCRYPT: env.MILL_ENCRYPT ? "no" : "yes" }, "status", ...at);
      assert.match(otherwise.stderr, /object\.other-encryption/);
      const elsewhere = bucket ? { ...env, MILL_OBJECTS: `s3://${bucket.bucket}/elsewhere` } : null;
      if (elsewhere) assert.match((await millIn(elsewhere, "status", ...at)).stderr, /object\.other-store/);
      if (env.MILL_ENCRYPT) {
        const otherKey = { ...env, MILL_KEY: Buffer.alloc(32, 7).toString("base64") };
        rmSync(join(workspace, "keys.json"));
        rmSync(join(workspace, "cache"), { recursive: true, force: true });
        assert.match((await millIn(otherKey, "status", ...at)).stderr, /envelope\.unknown-key/);
      } else await mill("status");
    });
  });

/** Predicts once, and tells what the penguin was. */
async function predictAndTell(url: string, workspace: string) {
  const reply = await ask(url, `/v1/endpoints/${ENDPOINT}/predict`, { body: { rows: [ROW] } });
  assert.equal(reply.status, 200, reply.text);
  const [prediction] = reply.json<{ predictions: { id: string; label: string; probabilities: Record<string, number> }[] }>()
    .predictions;
  const { id, label, probabilities } = prediction!;
  const authorization = `Bearer ${readFileSync(join(workspace, "token"), "utf8").trim()}`;
  const told = await ask(url, `/v1/endpoints/${ENDPOINT}/feedback`, {
    body: { labels: [{ id, label }] },
    headers: { authorization },
  });
  assert.equal(told.json<{ accepted: number }>().accepted, 1, told.text);
  return { label, probabilities };
}

/** Digests of what was trained, and of the data that it was trained on. */
async function madeBy(url: string) {
  const of = async <T>(path: string) => (await ask(url, path)).json<T>();
  const { bundle } = await of<{ bundle: string }>(`/v1/models/${ENDPOINT}/versions/champion`);
  const { items } = await of<{ items: { path: string; entry: { digest: string } }[] }>(
    "/v1/repositories/penguins/refs/v1/objects",
  );
  assert.match(bundle, /^sha256:/);
  return { bundle, parts: items.filter(({ path }) => path.endsWith(".parquet")).map(({ path, entry }) => [path, entry.digest]) };
}

/** All but the copies for reading, which are plain. */
const inFolder = (folder: string): Buffer[] =>
  globSync("**", { cwd: folder })
    .filter((path) => !path.startsWith("out") && statSync(join(folder, path)).isFile())
    .map((path) => readFileSync(join(folder, path)));

async function inBucket(place: Awaited<ReturnType<typeof newBucket>>): Promise<Buffer[]> {
  const client = clientOf(place);
  const found: Buffer[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: place.bucket }))
    for (const { Key } of Contents) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: place.bucket, Key }));
      found.push(Buffer.from(await Body!.transformToByteArray()));
    }
  client.destroy();
  return found;
}

test("while PostgreSQL is away the platform says so, and it goes on by itself", { skip: withoutPostgres }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mill-postgres-"));
  chmodSync(folder, 0o711);
  const server = join(folder, "server");
  t.after(() => ci("stop", server).then(() => rmSync(folder, { recursive: true, force: true })));
  const [, MILL_RECORDS] = /^MILL_TEST_POSTGRES=(\S+)$/m.exec(await ci("start", server))!;
  const workspace = newPath("away");
  const { url, child, text } = await serveIn({ MILL_RECORDS }, "--run", "--project", PROJECT, "--workspace", workspace);

  await ci("kill", server);
  const away = await ask(url, "/v1/runs");
  assert.equal(away.status, 503, away.text);
  assert.equal(away.json<{ code: string }>().code, "records.away");
  assert.equal((await ask(url, "/healthz")).status, 200);
  await ci("again", server);

  assert.equal((await ask(url, "/v1/runs")).status, 200);
  await predictAndTell(url, workspace);
  assert.equal(await stopped(child, "SIGTERM"), 0, text.stderr);
});

/** What `.ci/postgres ACTION DIR` prints. */
async function ci(action: "start" | "kill" | "again" | "stop", folder: string): Promise<string> {
  const child = spawn(join(import.meta.dirname, "../.ci/postgres"), [action, folder], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) printed += chunk;
  return printed;
}
