import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MillError } from "../base/index.ts";
import { EXIT, type Handlers, type OutputOf, VERBS } from "../contract/index.ts";
import { createAudit, createCall, createLogin, lockWorkspace, openTokens } from "../guard/index.ts";
import { openSqlite } from "../ports/records/index.ts";
import { COMMANDS } from "./commands.ts";
import { type AppFactory, type Effects, type RebuildingLine, type RebuildRequest, runCli } from "./index.ts";

const root = await mkdtemp(join(tmpdir(), "mill-cli-"));
after(() => rm(root, { recursive: true }));

const RUN = "01890000-0000-7000-8000-000000000000";
const TRAIN = "model/late:train";
const finished = (state: "succeeded" | "refused" | "cancelled") =>
  ({ event: "run-finished", run: RUN, state, ran: 1, current: 2, wallMs: 1500, refusals: [] }) as const;

const STORY = [
  { at: "2026-11-21T06:00:00.000Z", what: "run", text: "succeeded in 1.2 s: train" },
  {
    at: "2026-11-21T06:12:30.000Z",
    asOf: "2001-06-13T02:00:00",
    what: "alert",
    text: "opened: origin is null in 61 % of the rows of the last hour, \u001b[31m at most 0.2 % in the reference",
  },
];

const NOBODY = "01890000-0000-7000-8000-00000000000f";
const PAUSE = { what: "pool", name: "train", since: "2026-11-21T06:00:00.000Z", by: "anna" } as const;
const STEP = {
  id: "01890000-0000-7000-8000-000000000001",
  target: "model/late",
  kind: "train",
  revision: 1,
  key: `sha256:${"0".repeat(64)}`,
  state: "succeeded",
  run: RUN,
  createdAt: "2026-11-21T06:00:00.000Z",
  endedAt: null,
  wallMs: null,
  error: null,
} as const;
const RAN = {
  ...{ id: RUN, targets: [], actor: "anna", reason: "asked", state: "succeeded", error: null, definitions: STEP.key },
  ...{ startedAt: "2026-11-21T06:00:00.000Z", endedAt: "2026-11-21T06:00:02.000Z" },
} as const;
const SAID = {
  ...{ version: STEP.key, firstRunBy: "anna", current: true, outdated: [{ kind: "train", before: 1, now: 2 }] },
  ...{ firstRunAt: "2026-11-21T06:00:00.000Z", lastRunAt: "2026-11-21T07:00:00.000Z" },
} as const;
const ATTEMPT = { engine: "local", startedAt: STEP.createdAt, endedAt: null, outcome: null, meters: null };
/** By the attempts of that step. */
const told = [
  { text: "tree 1\nbroken\u001b[31m\n", ended: true },
  { text: "tree 1\ntree 2\n", ended: true },
];

const EXPECTED = { wallMs: 1200, lowMs: 900, highMs: 61_000, memoryBytes: 2 ** 28, attempts: 2 };
const TAKES = { ...EXPECTED, sure: 1 / 3, of: "target" };

const RECIPE: OutputOf<"getRecipe">["recipe"] = {
  ...{ format: 1, model: "late", version: 3, bundle: "", dataset: { name: "flights", version: 1 }, environment: {} },
  steps: [true, false].map((given) => ({
    ...{ target: "dataset/flights", kind: given ? "ingest" : "split", revision: 2, given },
    ...{ input: {}, objects: {}, facts: {}, measurements: [] },
  })),
  objects: [{ digest: `sha256:${"ab".repeat(32)}`, sizeBytes: 5, of: "part-0 of dataset/flights:ingest" }],
};

const handlers = {
  plan: async ({ on }) => ({
    steps: [
      {
        ...(on && { on }),
        id: TRAIN,
        target: "model/late",
        kind: "train",
        key: null,
        state: "run",
        why: "changed:\u001b[31m params",
        forecast: TAKES,
      },
    ],
    forecast: { ...EXPECTED, steps: 3, unknown: 1 },
    hindsight: { steps: 6, runs: 2, ratio: 1.26, within: 0.5 },
  }),
  listRuns: async () => ({ items: [RAN], next: "c" }),
  listDefinitions: async () => ({ items: [SAID], next: null }),
  getDefinitions: async () => ({ ...SAID, millwright: "0.1", definitions: { form: 1 } }),
  async *run({ targets = [] }, { signal }) {
    yield { event: "run-started", run: RUN, targets, steps: 1 };
    yield { event: "forecast", forecast: { ...EXPECTED, steps: 1, unknown: 0 } };
    if (targets.includes("model/nobody"))
      throw new MillError("object.missing", "There is no model/nobody.", { fix: "Look again." });
    yield { event: "step-started", id: TRAIN, why: "has not run yet" };
    if (targets.includes("model/slow") && !signal.aborted)
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    yield { event: "step-progress", id: TRAIN, done: 50, total: 200 };
    if (targets.includes("model/broken")) {
      const error = { code: "tables.memory", message: "no memory", fix: "more" };
      yield { event: "step-failed", id: TRAIN, error };
      yield { ...finished("succeeded"), state: "failed", error };
      return;
    }
    yield { event: "step-finished", id: TRAIN, state: "succeeded", wallMs: 1234, sentence: "" };
    yield { event: "published", id: TRAIN, sentence: "late version 1" };
    if (signal.aborted) yield finished("cancelled");
    else if (targets.includes("model/poor"))
      yield { ...finished("refused"), refusals: [{ id: "model/poor:gate", sentence: "auc 0.5 is not at least 0.65" }] };
    else yield finished("succeeded");
  },
  status: async ({ target }) => ({
    targets: [
      { target: "model/late", state: "current", version: 1, detail: "champion", changedAt: null },
      ...(target ? [] : [{ target: "dataset/flights", state: "current", version: 1, detail: "", changedAt: null } as const]),
    ],
    running: [],
    steps: [
      { ...STEP, state: "running", on: "slurm", job: "17_0" },
      { ...STEP, id: RUN, state: "queued" },
    ],
    pools: [{ name: "train", places: 1 }],
    pauses: [PAUSE],
  }),
  cancelRun: async ({ id }) => {
    if (id === STEP.id || id === NOBODY) throw new MillError("run.unknown", "There is no run with this id.", { got: id });
    return { id, cancelled: true };
  },
  cancelStep: async ({ id }) => {
    if (id === NOBODY) throw new MillError("step.unknown", "There is no step with this id.", { got: id });
    return { id, cancelled: false };
  },
  getPauses: async () => ({ items: [PAUSE] }),
  pauseWork: async (held) => ({ ...held, changed: held.what === "run" }),
  resumeWork: async (held) => ({ ...held, changed: held.what === "run" }),
  getStep: async () => ({
    ...STEP,
    input: {},
    manifest: null,
    attempts: told.map((_, index) => ({ ...ATTEMPT, fence: index + 1 })),
  }),
  async stepLog({ attempt = 1, offset = 0 }) {
    const { text, ended } = told[attempt - 1]!;
    const part = Buffer.from(text)
      .subarray(offset, offset + 6)
      .toString();
    return { attempt, text: part, next: offset + part.length, ended: ended && part === "" };
  },
  async log({ of, limit }) {
    if (of === STEP.id) throw new MillError("run.unknown", "There is no run with this id.", { got: of });
    return { entries: of === "late" ? STORY : limit === 1 ? [] : [{ at: "2026-01-01T00:00:00.000Z", what: "train", text: of }] };
  },
  diff: async ({ a, b }) => ({
    a,
    b,
    same: a === b,
    differences: a === b ? [] : [{ area: "parameters", field: "trees", a: 100, b: 200 }],
  }),
  async *reproduce({ id }) {
    const step = { id: RUN, target: "model/late", wallMs: 1200 };
    const same = id === RUN;
    const train = { ...step, kind: "train", same, differs: same ? [] : ["model", "rows"] };
    const ingest = { ...step, kind: "ingest", same, differs: [], changed: "flights.csv has\u001b[31m changed" };
    yield { event: "step-started", id: TRAIN, why: "1 of 2" };
    yield { event: "step-progress", id: TRAIN, done: 50, total: 200 };
    yield {
      event: "step-finished",
      id: TRAIN,
      same,
      wallMs: 1200,
      sentence: same ? "" : "model, rows\u001b[31m came out otherwise",
    };
    yield { event: "reproduced", run: id, same, steps: [train, ingest] };
  },
  getRecipe: async ({ name }) => ({ digest: `sha256:${"ab".repeat(32)}`, sizeBytes: 5, recipe: { ...RECIPE, model: name } }),
  exportRecipe: async ({ version }) => ({
    sizeBytes: version === "9" ? 6 : 5,
    content: async function* () {
      yield Buffer.from("parts");
    },
  }),
  getNotices: async () => ({ waiting: 2, givenUp: 1, error: "notice.failed: It was not reached." }),
  rollback: async ({ name }) => ({ name, model: "late", version: 2, previous: 3, ready: true, changedAt: null }),
  async *retrain({ name, reason }) {
    yield { event: "run-started", run: RUN, targets: ["model/late"], steps: 1 };
    yield { event: "published", id: "model/late:gate", sentence: `${name} again: ${reason}` };
    yield {
      ...finished("refused"),
      refusals: [{ id: "model/late:gate", sentence: "auc 0.7 does not beat the champion's 0.71" }],
    };
  },
  check: async ({ name }) => ({
    name,
    version: 1,
    rowCount: 2,
    quarantined: 1,
    leftOut: 0,
    verdict: { passed: name !== "bad", chain: [] },
    checks: [{ text: "delay between -120 and 1440", share: 0.5, atLeast: 0.999, failed: 1, passed: name !== "bad" }],
    quarantine: [
      { reason: "not an int32", column: "delay", count: 1, example: { __value: "soon", __source: "flights.csv", __line: 12 } },
    ],
  }),
  predict: async ({ rows }) => ({
    id: RUN,
    model: "late",
    version: 3,
    predictions: rows.map((_, index) => ({ id: String(index), probability: 0.123456789, decision: true })),
  }),
} as Partial<Handlers> as Handlers;

async function project() {
  const folder = await mkdtemp(join(root, "p-"));
  await writeFile(join(folder, "mill.ts"), "");
  await writeFile(join(folder, "late.csv"), "distance\n954\n");
  await writeFile(join(folder, "other.txt"), "other");
  return folder;
}

/** The recipe of the version 2 has a step that differs. */
async function* rebuilding({ content, keep: folder, tolerance }: RebuildRequest): AsyncGenerator<RebuildingLine> {
  let text = "";
  for await (const chunk of await content()) text += Buffer.from(chunk).toString();
  const differs = text === "other";
  const train = {
    target: "model/late",
    kind: "train",
    standing: differs ? "differs" : "same",
    sentence: "",
    wallMs: 1200,
  } as const;
  const fit = { ...train, kind: "fit", standing: "within", sentence: "auc\u001b[31m is 0.91, was 0.9" } as const;
  const given = { ...train, kind: "ingest", standing: "given", sentence: "taken as recorded" } as const;
  yield { event: "step-started", id: TRAIN, why: "1 of 1" };
  yield { event: "step-finished", id: TRAIN, ...train };
  const bundle = { manifest: `sha256:${"cd".repeat(32)}` } as const;
  const digest = `sha256:${"ab".repeat(32)}` as const;
  yield {
    event: "rebuilt",
    ...{ model: "late", version: 3, same: !differs, tolerance, digest, folder, bundle },
    steps: [given, fit, train],
  };
}

let opened = 0;
let broken = false;
const factory: AppFactory = {
  version: "0.1.0",
  rebuild: async (request) => rebuilding(request),
  async open({ workspace, token }) {
    const lock = await lockWorkspace(workspace);
    const records = await openSqlite(join(workspace, "mill.db"));
    const tokens = await openTokens({ records, workspace, configured: token });
    opened++;
    return {
      call: createCall({
        handlers: { ...handlers, newToken: async () => ({ token: await tokens.renew(), path: tokens.path }) },
        audit: createAudit({ records }),
      }),
      tokens,
      login: createLogin({ records, audit: createAudit({ records }) }),
      oidc: null,
      lock,
      ready: () => (broken ? { ready: false, why: "late could not be loaded" } : { ready: true }),
      loaded: async () => undefined,
      keep: async () => undefined,
      openS3: async () => ({ url: "http://127.0.0.1:4748", renew: () => undefined, stop: async () => undefined }),
      close: async () => {
        await records.close();
        await lock.release();
      },
    };
  },
};

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
type Options = Partial<Pick<Effects, "isTTY" | "env" | "columns" | "width">> & {
  readonly stdin?: string;
  readonly onOut?: (text: string) => void;
  readonly onErr?: (text: string) => void;
  readonly stop?: AbortSignal;
};

async function mill(cwd: string, argv: readonly string[], options: Options = {}): Promise<Ran> {
  const [out, err]: string[][] = [[], []];
  const code = await runCli(
    argv,
    {
      stdout: (text) => {
        out!.push(text);
        options.onOut?.(text);
      },
      stderr: (text) => {
        err!.push(text);
        options.onErr?.(text);
      },
      isTTY: options.isTTY ?? false,
      columns: options.columns ?? 100,
      width: options.width,
      env: options.env ?? {},
      cwd,
      stdin: async () => options.stdin ?? "",
      secret: async () => options.stdin ?? "",
      onStop: (listener) => {
        options.stop?.addEventListener("abort", listener);
        return () => options.stop?.removeEventListener("abort", listener);
      },
    },
    factory,
  );
  return { code, out: out!.join(""), err: err!.join("") };
}

const here = await project();

type Case = readonly [argv: readonly string[], code: number, out: RegExp, err: RegExp];
const NONE = /^$/;
const cases: readonly Case[] = [
  [["--help"], EXIT.done, /Usage: mill COMMAND.*plan +Say what a run would do.*--port N.*Exit codes.*130/s, NONE],
  [["--version"], EXIT.done, /^0\.1\.0\n$/, NONE],
  [[], EXIT.usage, NONE, /Usage: mill COMMAND/],
  [["plna"], EXIT.usage, NONE, /no command "plna"\. Did you mean "plan"\?.*cli\.unknown-command/],
  [["constructor"], EXIT.usage, NONE, /no command "constructor"/],
  [["run", "--raeson", "x"], EXIT.usage, NONE, /no flag --raeson\. Did you mean "--reason"\?/],
  [["run", "--reason"], EXIT.usage, NONE, /--reason needs a value/],
  [["run", "--json=yes"], EXIT.usage, /"code":"cli.usage"|^$/, /--json takes no value|^$/],
  [["up", "model/late"], EXIT.usage, NONE, /mill up takes nothing behind it/],
  [["diff", "a@1"], EXIT.usage, NONE, /mill diff takes NAME@VERSION NAME@VERSION/],
  [["status", "--port", "no"], EXIT.usage, NONE, /"port" must be an integer from 0 to 65535.*at: +--port/s],
  [
    ["plan"],
    EXIT.done,
    /^state {2}step +expected +why\nrun {4}model\/late:train {2}1.2 s \(900 ms to 1 min 1 s, 33 % sure\), 256 MB; of 2 attempts {2}changed:\\u001b\[31m params\n1 to run\nexpected: at least 1.2 s and 256 MB for 3 steps, .*; of 1 nothing is known yet\nforecasts of the last 2 runs: 6 steps took 1.26 times .* 50 % inside the interval\n$/,
    NONE,
  ],
  [["plan", "--on", "slurm"], EXIT.done, /\n1 to run on slurm\n/, NONE],
  [["plan", "late"], EXIT.usage, NONE, /"plan" at \/targets\/0: expected a text like/],
  [
    ["run", "model/late"],
    EXIT.done,
    /^succeeded: 1 ran, 2 were current, 1\.5 s\n$/,
    /^expected: 1.2 s .*\nstarted {4}model\/late:train \(has not run yet\)\ndone {7}model\/late:train in 1\.2 s\npublished {2}late version 1\n$/,
  ],
  [["run", "model/poor"], EXIT.refused, /refused {2}model\/poor:gate: auc 0\.5 is not at least 0\.65\nrefused: /, /started/],
  [
    ["run", "model/broken"],
    EXIT.away,
    /failed: /,
    /FAILED {5}model\/late:train: no memory\n.*error: no memory \[tables\.memory\]\n {2}fix: +more/s,
  ],
  [
    ["run", "model/nobody"],
    EXIT.notFound,
    NONE,
    /error: There is no model\/nobody\. \[object\.missing\]\n {2}fix: {6}Look again\.\n/,
  ],
  [
    ["status"],
    EXIT.done,
    /model\/late +current {2}1 +champion.*\nruns: {3}\S+1 train of model\/late on slurm \(job 17_0\)\nwaits: {3}\S+0 train .*\npool train: 1 at a time\npaused: pool train by anna since 2026-11-21 06:00:00\n$/s,
    NONE,
  ],
  [
    ["runs", "--limit", "1"],
    EXIT.done,
    /took +definitions +for\n\S+ {2}2026-11-21 06:00:00 +succeeded +2.0 s +0{12} +everything \(anna: asked\)\nmore: --cursor c\n$/,
    NONE,
  ],
  [
    ["definitions", "list"],
    EXIT.done,
    /\n0{12} +2026-11-21 06:00:00 +anna +2026-11-21 07:00:00 +what mill.ts says now; cannot be carried out: train is at revision 2, was 1\n$/,
    NONE,
  ],
  [["definitions", "show", RUN], EXIT.done, /^definitions sha256:0{64}: first run .* by anna.*\n\{\n {2}"form": 1\n\}\n$/, NONE],
  [["cancel", RUN], EXIT.done, /^run \S+ is cancelled; what is done is kept\n$/, NONE],
  [["cancel", STEP.id], EXIT.done, /^step \S+ had ended already: succeeded\n$/, NONE],
  [["cancel", NOBODY], EXIT.notFound, NONE, /There is no step/],
  [["cancel", "late"], EXIT.usage, NONE, /expected/],
  [["cancel"], EXIT.usage, NONE, /mill cancel takes RUN\|STEP/],
  [["pause"], EXIT.done, /^paused: pool train by anna since 2026-11-21 06:00:00\n$/, NONE],
  [["pause", RUN], EXIT.done, /^run \S+ is paused; what runs goes on\n$/, NONE],
  [["pause", "train"], EXIT.done, /^pool train was paused already\n$/, NONE],
  [["resume", RUN], EXIT.done, /^run \S+ goes on\n$/, NONE],
  [["resume", "train"], EXIT.done, /^pool train was not paused\n$/, NONE],
  [["resume"], EXIT.usage, NONE, /mill resume takes POOL\|RUN/],
  [["log", STEP.id], EXIT.done, /^tree 1\nbroken\\u001b\[31m\n$/, NONE],
  [["log", STEP.id, "--follow"], EXIT.done, /^tree 1\nbroken\\u001b\[31m\ntree 1\ntree 2\n$/, /^step \S+: succeeded\n$/],
  [["log", "late", "--follow"], EXIT.usage, NONE, /expected/],
  [["log", "model/late"], EXIT.done, /train {2}model\/late/, NONE],
  [["log", "model/late", "--limit=1"], EXIT.done, /nothing has happened/, NONE],
  [["log", "model/late", "--limit", "ten"], EXIT.usage, NONE, /--limit needs a number/],
  [["diff", "late@1", "late@2"], EXIT.done, /area +field +late@1 +late@2\nparameters +trees +100 +200\n/, NONE],
  [["diff", "late@1", "late@1"], EXIT.done, /are the same/, NONE],
  [
    ["reproduce", RUN],
    EXIT.done,
    /all 2 steps left the same again\n$/,
    /^started {4}model\/late:train \(1 of 2\)\nsame {7}model\/late:train in 1\.2 s\n$/,
  ],
  [
    ["reproduce", "late@2"],
    EXIT.refused,
    /OTHER +model\/late:train +1\.2 s +model, rows\nOTHER +model\/late:ingest.*has.* changed\nlate@2: 2 of 2 steps did not leave the same\n$/,
    /^started .*\nOTHER {6}model\/late:train: model, rows.* came out otherwise\n$/,
  ],
  [["reproduce"], EXIT.usage, NONE, /mill reproduce takes RUN\|NAME@VERSION/],
  [
    ["recipe", "late@3"],
    EXIT.done,
    /^size +what it brings.*\n5 B +part-0 of dataset\/flights:ingest +sha256:abab.*late@3: 2 steps, of which 1 run again; taken as recorded: dataset\/flights:ingest\nrecipe sha256:abab/s,
    NONE,
  ],
  [["recipe", "late"], EXIT.usage, NONE, /"late" names no version/],
  [["recipe", "late@9", "--out", "nine.tar"], EXIT.data, NONE, /broke off.*expected: +6 bytes/s],
  [["recipe", "late@3", "--out", "late.csv"], EXIT.conflict, NONE, /recipe\.not-empty/],
  [["recipe", "late@3", "--from", "ftp://x"], EXIT.usage, NONE, /--from needs the address/],
  [["rebuild"], EXIT.usage, NONE, /mill rebuild takes FILE\|NAME@VERSION/],
  [["rebuild", "nothing.tar"], EXIT.notFound, NONE, /recipe\.missing/],
  [["rebuild", "late@3", "--tolerance", "x"], EXIT.usage, NONE, /--tolerance needs a number/],
  [["rebuild", "late@3", "--digest", "abab"], EXIT.usage, NONE, /--digest needs a digest/],
  [
    ["rebuild", "late@3", "--tolerance", "0.02"],
    EXIT.done,
    /^result +step.*given +model\/late:ingest +taken as recorded\nwithin +model\/late:fit +1\.2 s +auc.u001b.*\nlate@3: 1 of 2 steps left the same again, 1 within the tolerance\ntolerance 0\.02: .*recipe sha256:abab.*bundle sha256:cdcd/s,
    /^started {4}model\/late:train \(1 of 1\)\nsame {7}model\/late:train in 1\.2 s\n$/,
  ],
  [
    ["rebuild", "other.txt"],
    EXIT.refused,
    /DIFFERS +model\/late:train.*late@3: 1 of 2 steps did not leave the same\n/s,
    /DIFFERS/,
  ],
  [["rollback", "late"], EXIT.done, /^late answers with late version 2\n$/, NONE],
  [
    ["retrain", "late", "--reason", "by hand"],
    EXIT.refused,
    /refused {2}model\/late:gate: auc 0\.7 does not beat/,
    /published {2}late again: by hand/,
  ],
  [
    ["check"],
    EXIT.done,
    /dataset\/flights version 1: passed; 2 rows, 1 in quarantine.*50 %.*>= 99\.9 %.*1 +delay +soon +flights\.csv:12 +not an int32/s,
    NONE,
  ],
  [["check", "bad"], EXIT.refused, /FAILED +delay between/, NONE],
  [
    ["predict", "late", "--row", '{"a":1}'],
    EXIT.done,
    /^id {2}probability {2}decision\n0 {3}0\.123457 {5}true\nby late version 3\n$/,
    NONE,
  ],
  [["predict", "late"], EXIT.usage, NONE, /needs either --row or --file/],
  [["predict", "late", "--row", "{a:1}"], EXIT.data, NONE, /--row is not JSON.*single quotes/s],
  [["predict", "late", "--file", "late.csv"], EXIT.data, NONE, /late\.csv, line 1 is not JSON.*a CSV file must be converted/s],
  [["predict", "late", "--file", "nowhere.json"], EXIT.data, NONE, /nowhere\.json cannot be read/],
  [["predict", "late", "--row", "[1]"], EXIT.usage, NONE, /at \/rows\/0: expected an object/],
];
for (const [argv, code, out, err] of cases) {
  test(`mill ${argv.join(" ")} ends with ${code} and says what it should`, async () => {
    const ran = await mill(here, argv);
    assert.deepEqual(
      [ran.code, ran.out.match(out) !== null, ran.err.match(err) !== null],
      [code, true, true],
      JSON.stringify(ran),
    );
    assert.ok(!`${ran.out}${ran.err}`.includes("\u001b"), "no control codes");
  });
}

test("every command has help with its usage and an example", async () => {
  for (const [name, { about, example }] of Object.entries(COMMANDS)) {
    const { code, out } = await mill(here, [name, "--help"]);
    assert.equal(code, 0);
    for (const words of [about, `Example: ${example}`, `Usage: mill ${name}`])
      assert.ok(out.includes(words), `${name}: ${words}`);
  }
});

test("commands of two words stand in the general help by their first, which has a help of its own", async () => {
  const { out: general } = await mill(here, ["--help"]);
  for (const group of new Set(Object.keys(COMMANDS).flatMap((name) => (name.includes(" ") ? [name.split(" ")[0]!] : [])))) {
    assert.match(general, new RegExp(`^ {2}${group} \\.\\.\\. +\\w`, "m"));
    const { out } = await mill(here, [group, "--help"]);
    assert.match(out, group in COMMANDS ? /Usage: mill/ : /^\w/, group);
  }
});

test("a verb that tells to use a command names one that exists", () => {
  for (const { example } of Object.values(VERBS)) {
    const [, used, second] = /^mill ([\w-]+) ?([\w-]*)/.exec(example) ?? [];
    assert.ok(used === undefined || used in COMMANDS || `${used} ${second}` in COMMANDS, example);
  }
});

test("with --json there is one document, for success and for failure", async () => {
  const plan = await mill(here, ["plan", "--json"]);
  assert.equal(JSON.parse(plan.out).data.steps[0].id, TRAIN);
  const wrong = await mill(here, ["--json", "plna"]);
  const { ok, error } = JSON.parse(wrong.out);
  assert.deepEqual([wrong.code, wrong.err, ok, error.code], [EXIT.usage, "", false, "cli.unknown-command"]);
});

test("with --json a reproduction is an object a line, the last one its result", async () => {
  const lines = (await mill(here, ["reproduce", RUN, "--json"])).out.trimEnd().split("\n");
  const told = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    told.map(({ event, data }) => event ?? data.event),
    ["step-started", "step-progress", "step-finished", "reproduced"],
  );
  assert.deepEqual([told.at(-1).ok, told.at(-1).data.steps.length], [true, 2]);
});

test("with --json help and version are documents too, and a run that failed is an error behind its last line", async () => {
  const data = async (...argv: string[]) => JSON.parse((await mill(here, argv)).out).data;
  assert.match((await data("--help", "--json")).help, /Usage: mill COMMAND/);
  assert.match((await data("plan", "--help", "--json")).help, /Usage: mill plan/);
  assert.ok((await data("--version", "--json")).version);
  const failed = await mill(here, ["run", "model/broken", "--json"]);
  const lines = failed.out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual([failed.code, lines.at(-2).state], [EXIT.away, "failed"]);
  assert.deepEqual([lines.at(-1).ok, lines.at(-1).error.code], [false, "tables.memory"]);
});

test("with --json a run is an object a line, the last one its result", async () => {
  const { out } = await mill(here, ["run", "--json"]);
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map((line) => line.event ?? line.data.event),
    ["run-started", "forecast", "step-started", "step-progress", "step-finished", "published", "run-finished"],
  );
  assert.equal(lines.at(-1).ok, true);
});

test("on a terminal a running step has a bar, which its end takes away", async () => {
  const { err } = await mill(here, ["run"], { isTTY: true, columns: 60 });
  assert.ok(err.includes("\u001b[1A\u001b[J"));
  assert.ok(err.endsWith("published  late version 1\n"), JSON.stringify(err));
  for (const line of err.split("\n")) assert.ok((line.split("\u001b[J").at(-1)?.length ?? 0) < 60, line);
});

test("a story tells data time, wall time and words, which go on below themselves within the terminal", async () => {
  const wide = await mill(here, ["log", "late"]);
  assert.equal(
    wide.out,
    [
      "data time         wall time (UTC)      what",
      "-                 2026-11-21 06:00:00  run    succeeded in 1.2 s: train",
      "2001-06-13 02:00  2026-11-21 06:12:30  alert  opened: origin is null in 61 % of the rows of the last hour, \\u001b[31m at most 0.2 % in the reference",
      "",
    ].join("\n"),
  );
  const narrower = await mill(here, ["log", "late"], { width: 100 });
  assert.ok(narrower.out.split("\n").every((line) => line.length <= 100));
  assert.match(narrower.out, /alert {2}opened: origin is null in 61 % of the rows of the last\n {46}hour, /);
  const narrow = await mill(here, ["log", "late"], { width: 60 });
  assert.ok(narrow.out.split("\n").every((line) => line.length <= 60));
  assert.match(narrow.out, /06:12:30 {2}alert\n {2}opened: origin is null in 61 % of the rows of the last\n {2}hour, /);
  assert.deepEqual(JSON.parse((await mill(here, ["log", "late", "--json"], { width: 60 })).out).data.entries, STORY);
});

test("an interrupted run is saved and ends with 130", async () => {
  const stop = new AbortController();
  const { code, out } = await mill(here, ["run", "model/slow"], {
    stop: stop.signal,
    onErr: (text) => text.startsWith("started") && stop.abort(),
  });
  assert.deepEqual([code, /cancelled/.test(out)], [EXIT.interrupted, true]);
});

test("rows come from a list, from lines and from standard input, and are sent in parts that the endpoint takes", async () => {
  const folder = await project();
  await writeFile(join(folder, "list.json"), "\uFEFF[{}, {}]");
  await writeFile(join(folder, "lines.ndjson"), "{}\r\n\n{}\n{}\n");
  await writeFile(join(folder, "bad.ndjson"), "{}\n{");
  await writeFile(join(folder, "empty.ndjson"), "\n");
  const count = async (file: string, stdin = "") =>
    JSON.parse((await mill(folder, ["predict", "late", "--json", "--file", file], { stdin })).out).data.predictions.length;
  assert.equal(await count("list.json"), 2);
  assert.equal(await count("lines.ndjson"), 3);
  assert.equal(await count("-", "{}\n".repeat(10_001)), 10_001);
  assert.match((await mill(folder, ["predict", "late", "--file", "bad.ndjson"])).err, /bad\.ndjson, line 2 is not JSON/);
  assert.match((await mill(folder, ["predict", "late", "--file", "empty.ndjson"])).err, /has no rows/);
});

test("settings come from flags, variables and the project's file, and folders are found from where one stands", async () => {
  const folder = await project();
  await writeFile(join(folder, "mill.config.json"), '{"workspace": "elsewhere"}');
  await mill(root, ["token", "--project", folder]);
  assert.match(await readFile(join(folder, "elsewhere", "token"), "utf8"), /^mill_/);
  await mill(root, ["token", "--project", folder, "--workspace", "from-flag"]);
  assert.match(await readFile(join(root, "from-flag", "token"), "utf8"), /^mill_/);
  await writeFile(join(folder, "mill.config.json"), "{");
  const broken = await mill(folder, ["status"]);
  assert.deepEqual([broken.code, /mill\.config\.json is not JSON/.test(broken.err)], [EXIT.usage, true]);
});

test("the token is printed, and replaced when asked", async () => {
  const folder = await project();
  const first = (await mill(folder, ["token"])).out.trim();
  assert.equal((await mill(folder, ["token"])).out.trim(), first);
  const second = (await mill(folder, ["token", "--new"])).out.trim();
  assert.notEqual(second, first);
  assert.equal((await mill(folder, ["token"])).out.trim(), second);
});

test("while a server runs the verbs go to it, a second server is refused, and a signal ends it", async (t) => {
  const folder = await project();
  const stop = new AbortController();
  t.after(() => stop.abort());
  const ready = Promise.withResolvers<string>();
  const serving = mill(folder, ["up", "--run", "--port", "0"], { stop: stop.signal, onOut: (text) => ready.resolve(text) });
  const line = await ready.promise;
  const url = /^serving on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line)?.[1];
  assert.ok(url, line);
  const before = opened;
  assert.match((await mill(folder, ["status"])).out, /model\/late/);
  assert.match((await mill(folder, ["log", "model/late", "--limit=5"])).out, /train/);
  assert.match((await mill(folder, ["run", "model/late"])).err, /done {7}model\/late:train/);
  assert.equal((await mill(folder, ["run", "model/nobody"])).code, EXIT.notFound);
  assert.equal((await mill(folder, ["plan", "late"])).code, EXIT.usage);
  assert.match((await mill(folder, ["token", "--new"])).out, /^mill_/);
  assert.equal((await mill(folder, ["run", "model/late"])).code, EXIT.done, "the new token is in force");
  const { code, out } = await mill(folder, ["doctor"]);
  assert.deepEqual([code, /warning +notices +2 wait, 1 given up: notice\.failed.*webhook/.test(out)], [EXIT.done, true], out);
  assert.equal(opened, before, "nothing opened the workspace beside the server");

  const second = await mill(folder, ["up", "--port", "0"]);
  assert.deepEqual([second.code, /owns this workspace/.test(second.err), second.err.includes(url!)], [EXIT.conflict, true, true]);

  const leave = new AbortController();
  const left = await mill(folder, ["run", "model/slow"], {
    stop: leave.signal,
    onErr: (text) => text.startsWith("started") && leave.abort(),
  });
  assert.equal(left.code, EXIT.interrupted);

  stop.abort();
  const served = await serving;
  assert.equal(served.code, EXIT.done);
  assert.match(served.err, /published {2}late version 1/);
  assert.ok(!served.err.includes("mill_"), "no token in a log");
  assert.equal((await mill(folder, ["status"])).code, EXIT.done);
  assert.equal(opened, before + 1, "without a server the workspace is opened here");
});

test("a taken port is told before anything is run", async (t) => {
  const holder = createServer().listen({ host: "127.0.0.1", port: 0 });
  t.after(() => holder.close());
  await once(holder, "listening");
  const { port } = holder.address() as AddressInfo;
  const { code, err } = await mill(await project(), ["up", "--run", "--port", String(port)]);
  assert.deepEqual([code, /is taken by process/.test(err), /started/.test(err)], [EXIT.conflict, true, false]);
});

test("a server whose endpoint could not be loaded serves the rest, and says so", async () => {
  const folder = await project();
  const stop = new AbortController();
  broken = true;
  const { code, err } = await mill(folder, ["up", "--port", "0"], { stop: stop.signal, onOut: () => stop.abort() });
  broken = false;
  assert.deepEqual([code, /not ready: late could not be loaded/.test(err)], [EXIT.done, true]);
});

test("a server that does not answer is told apart from a wrong request", async () => {
  const folder = await project();
  const lock = await lockWorkspace(join(folder, ".mill"));
  await lock.announce("http://127.0.0.1:9", null);
  const { code, err } = await mill(folder, ["status"]);
  assert.deepEqual([code, /cli\.server-away/.test(err)], [EXIT.away, true]);
  assert.match((await mill(folder, ["doctor"])).out, /warning +server +The server of this workspace does not answer.*stop it/);
  await lock.release();
});

test("the doctor finds what is missing or open to others, and says what mends it", async () => {
  const healthy = await mill(here, ["doctor"]);
  assert.equal(healthy.code, EXIT.done, healthy.out);
  assert.ok(!healthy.out.includes("notices"), "nobody is asked where no server runs");
  for (const what of ["Node", "@duckdb/node-api", "onnxruntime-node", "project", "workspace", "lock", "disk", "clock"])
    assert.ok(healthy.out.includes(what), what);
  const folder = await mkdtemp(join(root, "ill-"));
  await mkdir(join(folder, ".mill"), { mode: 0o755 });
  await chmod(join(folder, ".mill"), 0o755);
  const ill = await mill(folder, ["doctor"]);
  assert.equal(ill.code, EXIT.away);
  assert.match(ill.out, /fault +project +no mill\.ts in .*mill init/);
  assert.match(ill.out, /fault +workspace +others may read .*chmod go-rwx/);
});
