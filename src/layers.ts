/**
 * The order of the building blocks: a block imports only from blocks above it in this list, and only through their `index.ts`.
 * `npm run layers` draws who really imports whom; `layers.test.ts` fails on an import against the order.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

export const layers: Readonly<Record<string, string>> = {
  base: "values without I/O: errors, ids, digests, time and units, seeded random",
  contract: "nouns, the verb table, wire schemas, error codes, configuration",
  onnx: "ONNX graphs as data: build, encode, decode, draw (no runtime)",
  express: "typed column expressions and their compilers: SQL, rows, windows",
  learn: "algorithms and metrics on typed arrays; workers, progress and cancel are handed in",
  define: "the words a user writes: problem, dataset, features, model, endpoint",
  ports: "outside resources: objects, records, tables, engines, scoring, notices; each = interface + drivers + one suite",
  guard: "actors, permission, audit trail, keys and secrets; the one `call`",
  steps: "the durable ledger: step kinds, attempts, leases, fencing, results; knows no machine learning",
  problem: "requirements, measurements, `judge`",
  lake: "versioned data: repositories, branches, commits, merges; data sets and journals in them; splits and the locked holdout",
  quality: "row checks and column profiles",
  ingest: "sources to lake: read, cast, quarantine",
  features: "one definition, two answers: training sets and online values",
  train: "training as a step",
  assess: "test and holdout evaluation, slices, gain, threshold",
  registry: "bundles, model versions, aliases, lineage, model cards",
  serve: "endpoints: scoring, online windows, rollout, logs of predictions, feedback and events",
  monitor: "broken feeds, drift, estimated and realised quality, parity replay, alerts: monitor decides",
  orchestrate: "asset graph, plan, run: turns definitions into steps",
  backup: "a workspace copied while it works, and made again from the copy",
  protocols: "foreign wires onto our verbs and repositories: Open Inference, Prometheus, S3, MLflow",
  server: "HTTP: authenticate, parse, call one verb, answer",
  cli: "one file a command, the same verbs",
};

export interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly path: string;
}

/** Every import between two blocks of `src`, found by reading the sources. */
export function blockImports(root: string): Import[] {
  return sources(root).flatMap((file) => {
    const from = blockOf(root, file);
    return [...readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g)]
      .map((match) => resolve(dirname(file), match[1]!))
      .filter((target) => target.startsWith(root + sep))
      .map((target) => ({ file: relative(root, file), from, to: blockOf(root, target), path: relative(root, target) }))
      .filter((found) => found.from !== found.to);
  });
}

/** The sentences that say which imports break the order or miss the door; empty when the house is in order. */
export function violations(imports: readonly Import[]): string[] {
  const order = Object.keys(layers);
  return imports.flatMap(({ file, from, to, path }) => {
    if (from === "" || from === "main") return [];
    if (!order.includes(from)) return [`${file}: the block "${from}" is not in src/layers.ts`];
    if (!order.includes(to)) return [`${file}: imports ${path}, which is outside the blocks`];
    if (order.indexOf(to) > order.indexOf(from)) return [`${file}: "${from}" may not import "${to}", which stands below it`];
    if (!isDoor(path) && !(isForTests(file) && isForTests(path)))
      return [`${file}: imports ${path}; use the door of "${to}" (its index.ts)`];
    return [];
  });
}

/** `ports` has one door for each port; every other block has one. */
const isDoor = (path: string) => /^[a-z]+\/index\.ts$/.test(path) || /^ports\/[a-z]+\/index\.ts$/.test(path);

/** Tests may use the fixtures of a block above. */
const isForTests = (path: string) => path.endsWith(".test.ts") || path.includes("/fixtures/");

function blockOf(root: string, file: string): string {
  const parts = relative(root, file).split(sep);
  return parts.length === 1 ? (parts[0] === "main.ts" ? "main" : "") : parts[0]!;
}

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return name.endsWith(".ts") ? [path] : [];
  });
}

/** The blocks in order, each with what it imports. */
export function draw(root: string): string {
  const imports = blockImports(root).filter(({ file }) => !file.endsWith(".test.ts"));
  return Object.entries(layers)
    .map(([name, purpose]) => {
      const uses = Object.keys(layers).filter((other) => imports.some(({ from, to }) => from === name && to === other));
      return `${name.padEnd(12)} ${purpose}\n${" ".repeat(13)}<- ${uses.join(", ") || "nothing"}`;
    })
    .join("\n");
}

if (import.meta.main) console.log(draw(import.meta.dirname));
