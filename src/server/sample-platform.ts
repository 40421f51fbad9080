/** A platform for tests: every verb answers with something of its declared form. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MillError } from "../base/index.ts";
import type { Handlers, OutputOf } from "../contract/index.ts";
import { createAudit, createCall, openTokens } from "../guard/index.ts";
import { openSqlite } from "../ports/records/index.ts";
import { createMetrics } from "../protocols/index.ts";
import { createLog } from "./log.ts";
import { type ServerOptions, startServer } from "./server.ts";

export const INSTANT = "2026-01-31T08:00:00.000Z";
export const ID = "01890000-0000-7000-8000-000000000000";
const KEY = `sha256:${"ab".repeat(32)}`;

const notFound = (name: string) => new MillError("object.missing", `There is no "${name}".`, { got: name });

const step = (id: string, kind: string, state: "current" | "run" | "waiting" | "refused", wallMs: number | null = null) => ({
  id,
  target: id.split(":")[0]!,
  kind,
  state,
  detail: state === "current" ? "nothing changed" : "has not run yet",
  wallMs,
});
const kinds = ["training-set", "train", "bundle", "prove", "assess", "gate"] as const;
const FLIGHTS = "dataset/flights";
const LATE = "model/late-arrival";
const OTHER = "model/late-by-hand";

export const graph: OutputOf<"graph"> = {
  nodes: [
    ...["ingest", "check", "split"].map((kind) => step(`${FLIGHTS}:${kind}`, kind, "current", 1234)),
    ...[LATE, OTHER].flatMap((target) =>
      kinds.map((kind) =>
        step(
          `${target}:${kind}`,
          kind,
          target === LATE ? "current" : kind === "gate" ? "refused" : "run",
          target === LATE ? 12_345 : null,
        ),
      ),
    ),
    step("endpoint/late-arrival", "endpoint", "current"),
  ],
  edges: [
    { from: `${FLIGHTS}:ingest`, to: `${FLIGHTS}:check` },
    { from: `${FLIGHTS}:check`, to: `${FLIGHTS}:split` },
    ...[LATE, OTHER].flatMap((target) => [
      { from: `${FLIGHTS}:split`, to: `${target}:training-set` },
      { from: `${FLIGHTS}:ingest`, to: `${target}:training-set` },
      { from: `${target}:training-set`, to: `${target}:train` },
      { from: `${target}:train`, to: `${target}:bundle` },
      { from: `${target}:bundle`, to: `${target}:prove` },
      { from: `${target}:bundle`, to: `${target}:assess` },
      { from: `${target}:prove`, to: `${target}:gate` },
      { from: `${target}:assess`, to: `${target}:gate` },
    ]),
    { from: `${LATE}:gate`, to: "endpoint/late-arrival" },
  ],
};

const curve = (power: number) =>
  Array.from({ length: 40 }, (_, index) => ({ falsePositiveRate: index / 39, truePositiveRate: (index / 39) ** power }));
const part = (auc: number): OutputOf<"getModelVersion">["report"]["holdout"] => ({
  rows: 331_204,
  measures: {
    auc,
    logLoss: 0.4512,
    brier: null,
    accuracy: 0.81,
    precision: 0.62,
    recall: 0.31,
    f1: 0.4133,
    calibrationError: 0.0093,
    gain: 1234.5,
  },
  notes: { brier: "not defined here" },
  constant: {
    auc: 0.5,
    logLoss: 0.51,
    brier: null,
    accuracy: 0.79,
    precision: null,
    recall: 0,
    f1: null,
    calibrationError: 0.02,
    gain: 0,
  },
  confusion: [
    [200_000, 20_000],
    [50_000, 61_204],
  ],
  calibration: Array.from({ length: 15 }, (_, index) => ({
    stated: (index + 0.5) / 15,
    observed: ((index + 0.5) / 15) ** 1.1,
    count: 22_080,
  })),
  roc: curve(0.4),
  slices: {
    origin: Array.from({ length: 14 }, (_, index) => ({
      value: index === 0 ? "<script>alert(1)</script>" : `AP${index}`,
      rows: 9000 - index,
      measures: { auc: 0.7 - index / 100 },
    })),
  },
});

export const modelVersion: OutputOf<"getModelVersion"> = {
  name: "late-arrival",
  version: 3,
  passed: true,
  aliases: ["champion"],
  createdAt: INSTANT,
  bundle: KEY,
  task: "binary-classification",
  problem: { name: "late-arrival", question: "A flight leaves the gate: will it arrive more than 15 minutes late?" },
  estimator: "gradient-boosting",
  params: { trees: 200 },
  seed: 1,
  classes: ["false", "true"],
  threshold: 0.2727,
  thresholdFrom: "greatest gain on 331204 test rows",
  features: ["hour", "origin", "recentDelay"],
  importance: { hour: 0.41, recentDelay: 0.5, origin: 0.09 },
  verdict: {
    passed: true,
    problem: { name: "late-arrival", question: "A flight leaves the gate: will it arrive more than 15 minutes late?" },
    chain: [
      {
        requirement: {
          id: "principle/0",
          measure: "calibrationError",
          test: "atMost",
          value: 0.03,
          because: "A stated probability is kept",
        },
        measurement: { subject: "model/late-arrival@holdout", measure: "calibrationError", value: 0.0093, count: 331_204 },
        passed: true,
        sentence: "calibrationError 0.0093 is at most 0.03",
      },
      {
        requirement: { id: "accept/auc", measure: "auc", test: "atLeast", value: 0.65 },
        measurement: null,
        passed: false,
        sentence: "auc was not measured",
      },
    ],
  },
  report: { test: part(0.701), holdout: part(0.6951) },
  proof: { proven: true, rows: 20_000, largest: 2.1e-7, flips: 0 },
  holdoutReadings: 1,
  lineage: {
    dataset: { name: "flights", version: 2 },
    steps: kinds.map((kind, index) => ({ kind, key: KEY, step: ID, wallMs: 1000 * index + 20, endedAt: INSTANT })),
    environment: { node: 24, millwright: "0.1" },
  },
};

export const endpoint: OutputOf<"getEndpoint"> = {
  name: "late-arrival",
  model: "late-arrival",
  version: 3,
  previous: 2,
  ready: true,
  changedAt: INSTANT,
  task: "binary-classification",
  classes: ["false", "true"],
  threshold: 0.2727,
  request: [
    { name: "date", type: "timestamp", nullable: false },
    { name: "distance", type: "int32", nullable: true, unit: "mi" },
    { name: "origin", type: "string", nullable: false, about: "where it leaves" },
  ],
  exampleRow: { date: "2001-06-01T10:00:00", distance: 954, origin: "SEA" },
  windowsWarmedTo: "2001-05-31T23:59:00",
  predictions: 12_345,
  history: [],
};

const run = {
  id: ID,
  targets: [LATE],
  actor: "owner",
  reason: "",
  state: "succeeded",
  startedAt: INSTANT,
  endedAt: INSTANT,
  error: null,
} as const;
const stepRecord = {
  id: ID,
  target: LATE,
  kind: "train",
  revision: 1,
  key: KEY,
  state: "succeeded",
  run: ID,
  createdAt: INSTANT,
  endedAt: INSTANT,
  wallMs: 5,
  error: null,
} as const;
const dataset = { name: "flights", about: null, version: 2, rowCount: 10, changedAt: INSTANT };
const datasetVersion = { name: "flights", version: 2, parent: 1, rowCount: 10, createdAt: INSTANT, madeBy: "ingest" };
const model: OutputOf<"listModels">["items"][number] = {
  name: "late-arrival",
  problem: "late-arrival",
  task: "binary-classification",
  features: "departures",
  estimator: "gradient-boosting",
  versions: 3,
  champion: 3,
};
const problem = { name: "late-arrival", question: "Late?", task: "binary-classification", owner: "ops@example.org" } as const;
const pageOf = <T>(...items: T[]) => ({ items, next: null });

export const handlers: Handlers = {
  plan: async () => ({
    steps: [{ id: `${LATE}:train`, target: LATE, kind: "train", key: KEY, state: "run", why: "changed: params" }],
  }),
  async *run({ targets = [] }) {
    yield { event: "run-started", run: ID, targets, steps: 1 };
    yield { event: "step-started", id: `${LATE}:train`, why: "changed: params" };
    yield { event: "step-finished", id: `${LATE}:train`, state: "succeeded", wallMs: 5, sentence: "changed: params" };
    yield { event: "run-finished", run: ID, state: "succeeded", ran: 1, current: 0, wallMs: 5, refusals: [] };
  },
  status: async () => ({
    targets: [{ target: LATE, state: "current", version: 3, detail: "champion is version 3", changedAt: INSTANT }],
    running: [],
  }),
  log: async ({ of }) => ({ entries: [{ at: INSTANT, what: "train", text: `${of} succeeded` }] }),
  diff: async ({ a, b }) => ({ a, b, same: false, differences: [{ area: "parameters", field: "trees", a: 100, b: 200 }] }),
  check: async ({ name }) => ({
    name,
    version: 2,
    rowCount: 10,
    quarantined: 1,
    leftOut: 0,
    verdict: modelVersion.verdict,
    checks: [{ text: "delay between -120 and 1440", share: 0.9995, atLeast: 0.999, failed: 5, passed: true }],
    quarantine: [{ reason: "not an int32", column: "delay", count: 1, example: { delay: "x" } }],
  }),
  graph: async () => graph,
  listProblems: async () => pageOf(problem),
  getProblem: async () => ({ ...problem, principles: [], risks: [], models: ["late-arrival"] }),
  listDatasets: async () => pageOf(dataset),
  getDataset: async () => ({
    ...dataset,
    columns: [{ name: "date", type: "timestamp", nullable: false }],
    time: "date",
    license: null,
    split: null,
  }),
  listDatasetVersions: async () => pageOf(datasetVersion),
  getDatasetVersion: async () => ({
    ...datasetVersion,
    parts: [{ digest: KEY, rowCount: 10 }],
    quarantined: 1,
    leftOut: 0,
    from: null,
    to: null,
    profile: {},
  }),
  listFeatures: async () => pageOf({ name: "departures", dataset: "flights", fields: ["hour"] }),
  getFeatures: async ({ name }) => ({
    name,
    dataset: "flights",
    fields: [{ name: "hour", type: "int8", expression: {} }],
    models: ["late-arrival"],
  }),
  listModels: async () => pageOf(model, { ...model, name: "late-by-hand", versions: 0, champion: null }),
  getModel: async ({ name }) => {
    if (name !== "late-arrival") throw notFound(name);
    return { ...model, params: {}, seed: 1, aliases: { champion: 3 }, history: [] };
  },
  listModelVersions: async () =>
    pageOf({
      name: "late-arrival",
      version: 3,
      passed: true,
      aliases: [],
      createdAt: INSTANT,
      bundle: KEY,
      holdout: { auc: 0.7 },
    }),
  getModelVersion: async () => modelVersion,
  card: async ({ name }) => ({ name, version: 3, markdown: "# card" }),
  listEndpoints: async () =>
    pageOf({ name: "late-arrival", model: "late-arrival", version: 3, previous: 2, ready: true, changedAt: INSTANT }),
  getEndpoint: async ({ name }) => {
    if (name === "late-arrival") return endpoint;
    throw new MillError("object.missing", `There is no endpoint "${name}".`);
  },
  predict: async ({ rows }) => {
    if (rows[0]?.origin === "fault") throw new TypeError("secret inner words");
    if (rows[0]?.origin === "nan")
      return { id: ID, model: "late-arrival", version: 3, predictions: [{ id: "0", probability: Number.NaN, decision: false }] };
    return {
      id: ID,
      model: "late-arrival",
      version: 3,
      predictions: rows.map((_, index) => ({ id: String(index), probability: 0.25, decision: index % 2 === 1 })),
    };
  },
  events: async ({ rows }) => ({ accepted: rows.length, refused: [] }),
  rollback: async ({ name }) => ({ name, model: "late-arrival", version: 2, previous: 3, ready: true, changedAt: INSTANT }),
  listRuns: async () => pageOf(run),
  getRun: async () => ({ run, steps: [stepRecord] }),
  listSteps: async () => pageOf(stepRecord),
  getStep: async () => ({ ...stepRecord, input: {}, manifest: null, attempts: [] }),
  newToken: async () => ({ token: "mill_new", path: "/w/token" }),
};

/** A server on a free port with real records, tokens and audit; `logs` are its lines. */
export async function startSample(changes: Partial<Handlers> = {}, options: Partial<ServerOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "mill-server-"));
  const records = await openSqlite(join(folder, "mill.db"));
  const tokens = await openTokens({ records, workspace: folder });
  const logs: string[] = [];
  const metrics = createMetrics();
  const server = await startServer({
    call: createCall({ handlers: { ...handlers, ...changes }, audit: createAudit({ records }) }),
    tokens,
    host: "127.0.0.1",
    port: 0,
    version: "0.1.0",
    metrics,
    log: createLog("debug", (text) => logs.push(text)),
    ready: () => ({ ready: true }),
    ...options,
  });
  const close = async () => {
    await server.stop();
    metrics.close();
    await records.close();
    await rm(folder, { recursive: true });
  };
  return { ...server, port: Number(new URL(server.url).port), token: tokens.current(), logs, close };
}
