/** Coming from MLflow and going back, by the command line: folders and databases that the real client wrote, and servers that speak as MLflow's do. */
import assert from "node:assert/strict";
import { appendFile, glob, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { openWorkspace } from "./app.ts";
import { runCli } from "./cli/index.ts";
import { EXIT, readConfig } from "./contract/index.ts";
import { type BoundCall, OWNER } from "./guard/index.ts";
import { importMlflow, openSource, type Report } from "./protocols/index.ts";
import { rebuildRecipe } from "./rebuild.ts";

const FIXTURES = join(import.meta.dirname, "protocols/mlflow/exchange/fixtures");
const STORE = JSON.parse(await readFile(join(FIXTURES, "file-store.json"), "utf8")) as Record<
  string,
  string | { base64: string }
>;
const root = await mkdtemp(join(tmpdir(), "mill-exchange-"));
after(() => rm(root, { recursive: true, force: true }));

const RUN = Object.keys(STORE)
  .find((path) => path.endsWith("/metrics/loss"))!
  .split("/")[1]!;
const MODEL = Object.keys(STORE).flatMap((path) => /m-[0-9a-f]{32}/.exec(path) ?? [])[0]!;
const FLIGHTS = Object.keys(STORE)
  .find((path) => path.endsWith("/metrics/loss"))!
  .split("/")[0]!;

let made = 0;
async function project(): Promise<string> {
  const folder = join(root, `project-${made++}`);
  await mkdir(folder);
  await writeFile(join(folder, "mill.ts"), "export {};\n");
  await writeFile(join(folder, "package.json"), '{"type": "module"}');
  return folder;
}

/** What MLflow's client wrote, in a folder of its own. */
async function store(): Promise<string> {
  const folder = join(root, `mlruns-${made++}`);
  for (const [path, content] of Object.entries(STORE)) {
    await mkdir(path.endsWith("/") ? join(folder, path) : dirname(join(folder, path)), { recursive: true });
    const bytes =
      typeof content === "string" ? content.replaceAll("/data/mlruns", folder) : Buffer.from(content.base64, "base64");
    if (!path.endsWith("/")) await writeFile(join(folder, path), bytes);
  }
  return folder;
}

async function mill(
  cwd: string,
  argv: readonly string[],
  stop?: AbortSignal,
  onOut?: (text: string) => void,
  env: Record<string, string> = {},
) {
  const said = { out: "", err: "" };
  const code = await runCli(
    argv,
    {
      stdout: (text) => {
        said.out += text;
        onOut?.(text);
      },
      stderr: (text) => {
        said.err += text;
      },
      ...{ isTTY: false, columns: 100, env, cwd, stdin: async () => "", secret: async () => "" },
      onStop: (listener) => {
        stop?.addEventListener("abort", listener);
        return () => stop?.removeEventListener("abort", listener);
      },
    },
    { version: "0.1.0", open: openWorkspace, rebuild: async (...asked) => rebuildRecipe(...asked) },
  );
  return { code, ...said };
}

interface Told extends Report {
  readonly source: string;
}

async function exchange(cwd: string, ...argv: string[]): Promise<Told> {
  const { out, err } = await mill(cwd, [...argv, "--json"]);
  const { ok, data } = JSON.parse(out.trim().split("\n").at(-1)!);
  assert.ok(ok, out + err);
  return data;
}

const take = (cwd: string, source: string, ...flags: string[]) => exchange(cwd, "import", "mlflow", source, ...flags);

/** Everything is as it was: nothing new, nothing changed. */
function assertSame({ counts, points }: Report): void {
  for (const [kind, { new: added, changed }] of Object.entries(counts)) assert.deepEqual([kind, added, changed], [kind, 0, 0]);
  assert.equal(points, 0);
}

async function withVerbs<T>(folder: string, use: (call: BoundCall) => Promise<T>): Promise<T> {
  const machine = { cores: 2, memoryMb: 4096, cwd: folder };
  const app = await openWorkspace(readConfig({ flags: { project: folder, port: "0" }, env: {}, file: {}, machine }));
  try {
    return await use(((verb, input, options) => app.call(OWNER, verb, input, options)) as BoundCall);
  } finally {
    await app.close();
  }
}

async function text(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("a folder comes over with its ids, histories, states, files, models and versions; again nothing changes", async () => {
  const [folder, source] = [await project(), await store()];
  const dry = await take(folder, source, "--dry-run");
  const report = await take(folder, source);
  assert.deepEqual([dry.counts.runs, dry.counts.files, dry.points], [report.counts.runs, report.counts.files, report.points]);
  assert.deepEqual(report.counts.runs, { new: 6, changed: 0, same: 0 });
  assert.equal(report.broken, 0);
  assert.deepEqual(
    report.left.map(({ why, count }) => [why, count]),
    [["they lie at s3://bucket, which is not followed", 1]],
  );
  await withVerbs(folder, async (call) => {
    const experiment = await call("getExperiment", { experiment: FLIGHTS });
    assert.deepEqual(experiment.tags, { team: "delays", "mlflow.note.content": "line one\nline: two # three" });
    const run = await call("getTrackedRun", { run: RUN });
    assert.deepEqual(
      [run.name, run.status, run.startedAt, run.endedAt],
      ["parent", "FINISHED", 1_700_000_000_000, 1_700_000_009_000],
    );
    assert.equal(run.params.multi, `a\nb: 'c' "d" ünï`);
    assert.deepEqual(run.modelOutputs, [{ modelId: MODEL, step: 2 }]);
    assert.deepEqual(run.datasets, [
      {
        ...{
          name: "d1",
          digest: "abc123",
          sourceType: "local",
          source: '{"uri": "x"}',
          schema: '{"a": 1}',
          profile: '{"rows": 2}',
        },
        tags: { "mlflow.data.context": "training" },
      },
    ]);
    const odd = await call("metricHistory", { run: RUN, key: "odd" });
    assert.deepEqual(
      odd.items.map(({ value }) => value),
      ["NaN", "Infinity"],
    );
    assert.equal((await call("metricHistory", { run: RUN, key: "loss" })).items.length, 5);
    const all = await call("searchTrackedRuns", { experiments: [FLIGHTS], view: "all" });
    assert.deepEqual(
      all.items.map(({ name, deletedAt, tags }) => [name, deletedAt !== null, tags["mlflow.parentRunId"]]).sort(),
      [
        ["child", false, RUN],
        ["gone", true, undefined],
        ["parent", false, undefined],
      ],
    );
    const { items: experiments } = await call("searchExperiments", { view: "deleted" });
    assert.deepEqual(
      experiments.map(({ name }) => name),
      ["deleted one"],
    );
    assert.equal(await text((await call("getArtifact", { path: `${FLIGHTS}/${RUN}/artifacts/notes.txt` })).content()), "hello");
    const model = await call("getLoggedModel", { model: MODEL });
    assert.deepEqual([model.status, model.params, model.sourceRunId, model.metrics.length], ["READY", { lr: "0.1" }, RUN, 1]);
    const registered = await call("getRegisteredModel", { model: "delay" });
    assert.deepEqual(
      [registered.aliases, registered.tags, registered.description],
      [{ champion: 1 }, { owner: "b" }, "predicts\ndelays"],
    );
    const { items: versions } = await call("searchRegisteredVersions", {
      filter: "name = 'delay'",
      orderBy: ["version_number ASC"],
    });
    assert.deepEqual(
      versions.map(({ version, stage, location, tags }) => [version, stage, location, tags]),
      [
        [1, "None", `mlflow-artifacts:/${FLIGHTS}/models/${MODEL}/artifacts`, { q: "1" }],
        [3, "Staging", `mlflow-artifacts:/${FLIGHTS}/${RUN}/artifacts/sub dir`, {}],
      ],
    );
    const next = await call("registerVersion", { model: "delay", source: `models:/${MODEL}` });
    assert.equal(next.version, 4);
    assert.equal((await call("createExperiment", { name: "counted on" })).id, "1");
    const audit = await call("listAudit", { verb: "beginImport" });
    assert.ok(audit.items.length > 0);
  });
  assertSame(await take(folder, source));
});

test("what changed at the source comes; what changed here stays, and is told each time", async () => {
  const [folder, source] = [await project(), await store()];
  await take(folder, source);
  const run = join(source, FLIGHTS, RUN);
  await withVerbs(folder, async (call) => {
    await call("logToRun", {
      run: RUN,
      tags: [
        { key: "team", value: "here" },
        { key: "own", value: "mine" },
      ],
    });
    await call("setModelAlias", { model: "delay", alias: "champion", version: 3 });
    await call("putArtifact", { path: `${FLIGHTS}/${RUN}/artifacts/notes.txt` }, { bytes: bytesOf("changed here") });
  });
  await writeFile(join(run, "tags/team"), "there");
  await writeFile(join(run, "tags/a"), "2");
  await writeFile(join(run, "tags/fresh"), "new");
  await appendFile(join(run, "metrics/loss"), "1700000005000 0.01 99\n");
  await writeFile(join(run, "artifacts/notes.txt"), "changed there");
  await writeFile(join(run, "artifacts/more.txt"), "more");
  await writeFile(join(source, "models/delay/aliases/champion"), "1");
  await writeFile(join(source, "models/delay/aliases/best"), "3");
  const report = await take(folder, source);
  assert.deepEqual(
    [report.counts.runs, report.counts.files, report.points],
    [{ new: 0, changed: 1, same: 5 }, { new: 1, changed: 0, same: 5 }, 6],
  );
  const left = (told: Report) => told.left.filter(({ why }) => !why.includes("s3:")).flatMap(({ examples }) => examples);
  assert.deepEqual(left(report), [`tag team of run ${RUN}`, `${FLIGHTS}/${RUN}/artifacts/notes.txt`]);
  const again = await take(folder, source);
  assertSame(again);
  assert.deepEqual(left(again), left(report));
  await withVerbs(folder, async (call) => {
    const { tags, metrics } = await call("getTrackedRun", { run: RUN });
    assert.deepEqual([tags.team, tags.own, tags.a, tags.fresh], ["here", "mine", "2", "new"]);
    assert.equal(metrics.find(({ key }) => key === "loss")?.value, 0.01);
    assert.deepEqual((await call("getRegisteredModel", { model: "delay" })).aliases, { best: 3, champion: 3 });
  });
});

test("an id that is another experiment's here is given anew, and a name that is taken is joined", async () => {
  const [first, source] = [await project(), await store()];
  await withVerbs(first, (call) => call("createExperiment", { name: "flights", tags: { team: "ours" } }));
  const joined = await take(first, source);
  assert.deepEqual(joined.counts.experiments, { new: 2, changed: 1, same: 1 });
  await withVerbs(first, async (call) => {
    assert.equal((await call("getTrackedRun", { run: RUN })).experimentId, "1");
    assert.equal((await call("findExperiment", { name: "flights" })).tags.team, "ours");
  });
  const [second, database] = [await project(), join(root, "ids.db")];
  openFixture(database, root);
  await withVerbs(second, (call) => call("createExperiment", { name: "ours" }));
  await take(second, database);
  await withVerbs(second, async (call) => {
    const flights = await call("findExperiment", { name: "flights" });
    assert.notEqual(flights.id, "1");
    assert.equal(flights.tags["mill.source_experiment_id"], "1");
  });
  assertSame(await take(second, database));
});

test("a database comes over read only, its files from the folder that is named", async () => {
  const folder = await project();
  const place = join(root, "database");
  await mkdir(place);
  openFixture(join(place, "mlflow.db"), place);
  const run = await withDatabase(join(place, "mlflow.db"), "SELECT run_uuid FROM runs WHERE name = 'parent'");
  await mkdir(join(place, "mlruns/1", run, "artifacts"), { recursive: true });
  await writeFile(join(place, "mlruns/1", run, "artifacts/a.txt"), "a");
  const report = await take(folder, `sqlite:///${join(place, "mlflow.db")}`);
  assert.deepEqual(
    [report.counts.runs.new, report.counts.loggedModels.new, report.counts.versions.new, report.counts.files.new],
    [6, 1, 2, 1],
  );
  await withVerbs(folder, async (call) => {
    const { items } = await call("metricHistory", { run, key: "odd" });
    assert.deepEqual(
      items.map(({ value }) => value),
      ["NaN", Number.MAX_VALUE],
    );
    assert.equal(
      (await call("getLoggedModel", { model: (await call("getTrackedRun", { run })).modelOutputs[0]!.modelId })).metrics[0]!
        .dataset!.name,
      "d1",
    );
  });
  assertSame(await take(folder, join(place, "mlflow.db")));
  assert.equal((await mill(folder, ["import", "mlflow", join(FIXTURES, "file-store.json")])).code, EXIT.usage);
});

test("an import that ends at any of its calls is taken up again, and leaves what one that never ended leaves", async () => {
  const [folder, source] = [await project(), await store()];
  const whole = await project();
  await take(whole, source);
  await withVerbs(folder, async (call) => {
    const options = { dryRun: false, signal: new AbortController().signal, step: () => undefined };
    const open: Parameters<typeof importMlflow>[0] = (tell) =>
      openSource(source, { artifacts: null, tell, signal: options.signal });
    for (let calls = 0, ended = false; !ended; calls++) {
      let rest = calls;
      // every second failure comes after the call was carried out, as when its answer is lost
      const failing = (async (verb: never, input: never, more: never) => {
        const isLast = rest-- === 0;
        if (isLast && calls % 2 === 0) throw new Error("ended");
        const answer = await call(verb, input, more);
        if (isLast) throw new Error("ended");
        return answer;
      }) as unknown as BoundCall;
      ended = await importMlflow(open, failing, options).then(
        () => true,
        (error) => {
          assert.equal(error.message, "ended");
          return false;
        },
      );
    }
    assertSame(await importMlflow(open, call, options));
  });
  const [one, other] = [join(root, "one"), join(root, "other")];
  await exchange(folder, "export", "mlflow", one);
  await exchange(whole, "export", "mlflow", other);
  assert.deepEqual(await filesOf(one), await filesOf(other));
});

test("what is broken or against the rules is told, and the rest comes", async () => {
  const [folder, source] = [await project(), await store()];
  const run = join(source, FLIGHTS, RUN);
  await appendFile(join(run, "metrics/loss"), "half a li\n1700000005000 zero 5\n");
  await writeFile(join(run, "params/bad*key"), "x");
  await symlink("/etc/hostname", join(run, "artifacts/link"));
  await writeFile(join(run, "artifacts/back\\slash"), "x");
  const child = Object.keys(STORE)
    .find((path) => STORE[path] === RUN && path.endsWith("mlflow.parentRunId"))!
    .split("/")[1]!;
  await writeFile(join(source, FLIGHTS, child, "meta.yaml"), "run_id: 'never ends\n");
  await mkdir(join(source, FLIGHTS, "f".repeat(32), "metrics"), { recursive: true });
  const { code, out } = await mill(folder, ["import", "mlflow", source]);
  assert.equal(code, EXIT.data);
  for (const words of [
    "2 of its 7 lines are no points",
    "param bad*key",
    "is a link or no plain file",
    "back\\slash",
    `${child}/meta.yaml`,
    "it is missing",
  ])
    assert.ok(out.includes(words), `${words} in ${out}`);
  await withVerbs(folder, async (call) => {
    assert.equal((await call("metricHistory", { run: RUN, key: "loss" })).items.length, 5);
    await assert.rejects(call("getTrackedRun", { run: child }), { code: "tracking.unknown-run" });
  });
  await writeFile(
    join(source, FLIGHTS, child, "meta.yaml"),
    (STORE[`${FLIGHTS}/${child}/meta.yaml`] as string).replaceAll("/data/mlruns", source),
  );
  assert.equal((await take(folder, source)).counts.runs.new, 1);
});

test("a folder that is exported is imported as what it was, and is written again only where something changed", async () => {
  const [folder, target] = [await project(), join(root, "exported")];
  await take(folder, await store());
  assert.equal((await exchange(folder, "export", "mlflow", target)).counts.runs.new, 6);
  assertSame({ ...(await exchange(folder, "export", "mlflow", target)), points: 0 });
  const back = await take(folder, target);
  assert.deepEqual([back.counts.runs.new, back.counts.versions.new, back.counts.files.new], [0, 0, 0]);
  const other = await project();
  await take(other, target);
  const again = join(root, "exported-again");
  await exchange(other, "export", "mlflow", again);
  assert.deepEqual(await filesOf(again), await filesOf(target));
  await withVerbs(folder, async (call) => {
    await call("deleteRunTag", { run: RUN, key: "team" });
    await call("deleteExperiment", { experiment: FLIGHTS });
  });
  const changed = await exchange(folder, "export", "mlflow", target);
  assert.deepEqual(changed.counts.runs, { new: 0, changed: 3, same: 3 });
  const found = await filesOf(target);
  assert.ok(found.has(`.trash/${FLIGHTS}/${RUN}/meta.yaml`) && !found.has(`.trash/${FLIGHTS}/${RUN}/tags/team`));
  assert.ok(![...found.keys()].some((path) => path.startsWith(`${FLIGHTS}/`)));
});

test("a server comes over by its API, as do one that knows no logged models, and one that stops half-way once it is back", async (t) => {
  const [there, source] = [await project(), await store()];
  await take(there, source);
  const stop = new AbortController();
  const ready = Promise.withResolvers<string>();
  const serving = mill(there, ["up", "--port", "0", "--json"], stop.signal, ready.resolve);
  const { url } = (JSON.parse(await ready.promise) as { data: { url: string } }).data;
  const between = await startBetween(url);
  t.after(async () => {
    between.server.close();
    between.server.closeAllConnections();
    stop.abort();
    await serving;
  });

  const old = await project();
  between.refuse = /logged-models|get-history-bulk/;
  const older = await take(old, between.url, "--as", "lab");
  assert.equal(older.source, between.url);
  assert.deepEqual([older.counts.runs.new, older.counts.loggedModels.new, older.points], [6, 0, 10]);
  between.refuse = null;
  const newer = await take(old, between.url, "--as", "lab");
  assert.deepEqual([newer.counts.runs, newer.counts.loggedModels.new], [{ new: 0, changed: 0, same: 6 }, 1]);
  assertSame(await take(old, between.url, "--as", "lab"));

  const broken = await project();
  between.answers = 9;
  const half = await mill(broken, ["import", "mlflow", `http://name:sesame@${new URL(between.url).host}`]);
  assert.equal(half.code, EXIT.away);
  assert.ok(!(half.out + half.err).includes("sesame"));
  between.answers = Number.POSITIVE_INFINITY;
  await take(broken, between.url);
  assertSame(await take(broken, between.url));
  await withVerbs(broken, async (call) => {
    assert.equal((await call("metricHistory", { run: RUN, key: "loss" })).items.length, 5);
    assert.equal(
      await text((await call("getArtifact", { path: `${FLIGHTS}/models/${MODEL}/artifacts/notes.txt` })).content()),
      "hello",
    );
  });
});

test("while a server runs the workspace, files go to it as they are read, and come back", async () => {
  const [folder, source] = [await project(), await store()];
  const stop = new AbortController();
  const ready = Promise.withResolvers<string>();
  const serving = mill(folder, ["up", "--port", "0", "--json"], stop.signal, ready.resolve);
  await ready.promise;
  assert.equal((await take(folder, source)).counts.files.new, 6);
  assertSame(await take(folder, source));
  const target = join(root, "from-a-server");
  assert.equal((await exchange(folder, "export", "mlflow", target)).counts.files.new, 6);
  const found = await filesOf(target);
  assert.equal(found.get(`${FLIGHTS}/${RUN}/artifacts/notes.txt`), "hello");
  assertSame({ ...(await exchange(folder, "export", "mlflow", target)), points: 0 });
  stop.abort();
  await serving;
});

async function* bytesOf(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

function openFixture(file: string, place: string): void {
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  database.exec(DATABASE.replaceAll("/data/", `${place}/`));
  database.close();
}
const DATABASE = await readFile(join(FIXTURES, "database.sql"), "utf8");

async function withDatabase(file: string, sql: string): Promise<string> {
  const database = new DatabaseSync(file, { readOnly: true });
  const [row] = database.prepare(sql).all();
  database.close();
  return String(Object.values(row!)[0]);
}

/** Contents by path, without where they lie and when aliases were set; of the experiment that is always there nothing. */
async function filesOf(folder: string): Promise<Map<string, string>> {
  const found: [string, string][] = [];
  for await (const entry of glob(["**", ".trash/**"], { cwd: folder, withFileTypes: true }))
    if (entry.isFile()) {
      const file = join(entry.parentPath, entry.name);
      found.push([
        file.slice(folder.length + 1),
        (await readFile(file, "latin1")).replaceAll(folder, "").replace(/last_updated_timestamp: .*/, ""),
      ]);
    }
  return new Map(found.filter(([path]) => path !== "0/meta.yaml").sort(([one], [other]) => (one < other ? -1 : 1)));
}

interface Between {
  readonly url: string;
  readonly server: Server;
  /** Paths that are answered with 404, as by an older release. */
  refuse: RegExp | null;
  /** After so many answers connections are cut. */
  answers: number;
}

/** Stands before a server, which it can be taken for an older one by, or one that dies. */
async function startBetween(url: string): Promise<Between> {
  const server = createServer((asked, reply) => {
    if (between.refuse?.test(asked.url!))
      return void reply.writeHead(404, { "content-type": "text/html" }).end("<h1>Not Found</h1>");
    if (between.answers-- <= 0) return void asked.socket.destroy();
    const headers = { ...asked.headers, host: new URL(url).host };
    delete headers.authorization; // nobody needs one who only looks
    const sent = request(new URL(asked.url!, url), { method: asked.method!, headers }, (answer) => {
      reply.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(reply);
    });
    sent.on("error", () => reply.destroy());
    asked.pipe(sent);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const between: Between = {
    ...{ server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, refuse: null },
    answers: Number.POSITIVE_INFINITY,
  };
  return between;
}
