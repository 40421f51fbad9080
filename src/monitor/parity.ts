/**
 * Parity of serving and training: what an endpoint logged as the features of a request is computed again, later, the way training sets are.
 *
 *     predictions of a span of data time --hash of the id--> a sample of requests          (they ask, and feed no window)
 *     data set + events that came since  ------------------> rows that the windows reach    (they feed)
 *                       featureQuery over both  ==  the features that were logged, bit for bit
 *
 * All of it is SQL in the engine: the process that answers requests meanwhile only waits.
 *
 * A request is *late* when a row came too late for its answer: the event lies in one of its windows (same keys, within the span, known before the
 * request's time) but arrived after the request, by the clock of the server. It says nothing about parity and is not compared. So is a request whose
 * features are what they should be without the events that were just being written when it came (see `parity-late.ts`).
 */
import { formatMoment } from "../base/index.ts";
import { quoteIdentifier as name, quoteLiteral as text } from "../express/index.ts";
import type { Lake } from "../lake/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { Registry } from "../registry/index.ts";
import { eventsOf, predictionsOf } from "../serve/index.ts";
import type { Finding } from "./finding.ts";
import { EXAMPLES_MAX, type Mismatch, type Replayed, replayVersion } from "./parity-replay.ts";

export type { Mismatch } from "./parity-replay.ts";

export interface ParitySpan {
  /** Data time in microseconds, from inclusive, to exclusive. */
  readonly from: number;
  readonly to: number;
  /** Requests at most, evenly over the span. */
  readonly sample?: number;
}

export interface ParityReport {
  readonly from: number;
  readonly to: number;
  /** Requests that were computed again. */
  readonly replayed: number;
  /** Of these, those that a row came too late for: not compared. */
  readonly late: number;
  /** Requests with another value than was logged, by feature; only features that have one. */
  readonly mismatches: Readonly<Record<string, number>>;
  /** Five at most, of different features first. */
  readonly examples: readonly Mismatch[];
  /** The data set's columns that each feature with a mismatch reads. */
  readonly reads: Readonly<Record<string, readonly string[]>>;
}

export interface Parity {
  /** Errors: `registry.unknown-version` for a prediction whose model is gone, and the engine's (`tables.*`). */
  replay(endpoint: { readonly name: string }, span: ParitySpan): Promise<ParityReport>;
  /** One for each feature that differs, and one where most requests are late. */
  findingsOf(report: ParityReport): Finding[];
}

export interface ParityResources {
  readonly lake: Lake;
  readonly registry: Registry;
  /** A fresh engine; closed after use. */
  tables(): Tables;
}

const SAMPLE = 2000;

export function createParity({ lake, registry, tables }: ParityResources): Parity {
  return {
    async replay({ name: endpoint }, { from, to, sample = SAMPLE }) {
      // In this order: whatever was fed before a prediction is among the events.
      const predictions = await readJournal(lake, predictionsOf(endpoint), PREDICTION);
      const events = await readJournal(lake, eventsOf(endpoint), EVENT);
      const engine = tables();
      try {
        await engine.run(`CREATE TEMP TABLE asked AS
          SELECT id AS __id, "at" AS __at, "time"::BIGINT AS __time, model AS __model, version::BIGINT AS __version,
            TRY_CAST(request AS JSON) AS __request, TRY_CAST(features AS JSON) AS __features
          FROM (${predictions}) WHERE "time" >= ${from} AND "time" < ${to} ORDER BY md5(id), id LIMIT ${sample}`);
        const versions = await engine.rows(
          "SELECT __model AS model, __version AS version, count(*) AS n FROM asked GROUP BY ALL ORDER BY ALL",
        );
        const parts: (Replayed & { readonly count: number })[] = [];
        for (const { model, version, n } of versions) {
          const found = await registry.version(String(model), Number(version));
          const manifest = await registry.manifest(found);
          parts.push({
            count: Number(n),
            ...(await replayVersion({ endpoint, version: found, manifest, events, lake, engine })),
          });
        }
        return { from, to, ...together(parts) };
      } finally {
        engine.close();
      }
    },
    findingsOf,
  };
}

// What was logged

const PREDICTION = {
  id: "VARCHAR",
  at: "DOUBLE",
  time: "DOUBLE",
  model: "VARCHAR",
  version: "DOUBLE",
  request: "VARCHAR",
  features: "VARCHAR",
};
const EVENT = { id: "VARCHAR", at: "DOUBLE", time: "DOUBLE", row: "VARCHAR" };

/**
 * A query over everything that was logged so far, with `__position`, each row's place from 0 on. A column that no row has is null; without a journal
 * there are no rows.
 */
async function readJournal(lake: Lake, dataset: string, columns: Readonly<Record<string, string>>): Promise<string> {
  const none = Object.entries(columns).map(([column, type]) => `NULL::${type} AS ${name(column)}`);
  const nothing = `SELECT ${none.join(", ")}, 0::BIGINT AS __position WHERE false`;
  if (!(await lake.names()).includes(dataset)) return nothing;
  await lake.seal(dataset);
  const head = await lake.head(dataset);
  if (head === null) return nothing;
  const [{ parts }, { paths }] = [await lake.manifest(head), await lake.read(dataset, head.version)];
  let before = 0;
  const files = paths.map((path, index) => {
    const place = `file_row_number + ${before} AS __position`;
    before += parts[index]!.rowCount!;
    return `SELECT * EXCLUDE (file_row_number), ${place} FROM read_parquet(${text(path)}, file_row_number = true)`;
  });
  const wanted = [...Object.keys(columns).map(name), "__position"].join(", ");
  return `SELECT ${wanted} FROM (${[nothing, ...files].join(" UNION ALL BY NAME ")})`;
}

// What came of it

function together(parts: readonly (Replayed & { readonly count: number })[]): Omit<ParityReport, "from" | "to"> {
  const mismatches = new Map<string, number>();
  for (const part of parts)
    for (const [feature, count] of Object.entries(part.mismatches))
      mismatches.set(feature, (mismatches.get(feature) ?? 0) + count);
  return {
    replayed: parts.reduce((sum, { count }) => sum + count, 0),
    late: parts.reduce((sum, { late }) => sum + late, 0),
    mismatches: Object.fromEntries(mismatches),
    examples: parts.flatMap(({ examples }) => examples).slice(0, EXAMPLES_MAX),
    reads: Object.assign({}, ...parts.map(({ reads }) => reads)),
  };
}

const findingsOf = (report: ParityReport): Finding[] => [...skewed(report), ...mostlyLate(report)];

/** Of fewer requests their lateness tells nothing yet. */
const LATENESS_JUDGED_MIN = 100;

/** A replay can say nothing then, and what is served knows less than what was trained on. */
function mostlyLate({ from, to, replayed, late }: ParityReport): Finding[] {
  if (replayed < LATENESS_JUDGED_MIN || late <= replayed / 2) return [];
  const when = `from ${formatMoment(from)} to ${formatMoment(to)}`;
  return [
    {
      cause: "parity/requests/late", // not a feature's: one may be called `late`
      kind: "parity",
      severity: late / replayed,
      columns: [],
      sentence: `${late} of ${replayed} requests ${when} were answered without rows that a training set holds to be known by then, and cannot be compared: feed rows when they happen, or declare in \`outcomes\` when a column is known.`,
      detail: { requests: late, replayed },
    },
  ];
}

function skewed({ from, to, replayed, late, mismatches, examples, reads }: ParityReport): Finding[] {
  const compared = replayed - late;
  return Object.entries(mismatches).map(([feature, count]) => {
    const example = examples.find((one) => one.feature === feature);
    const shown =
      example &&
      `; ${example.id} was served ${JSON.stringify(example.served)} and should have got ${JSON.stringify(example.meant)}`;
    return {
      cause: `parity/${feature}`,
      kind: "parity",
      severity: count / compared,
      columns: reads[feature] ?? [],
      sentence: `${feature} was not what the lake says in ${count} of ${compared} requests from ${formatMoment(from)} to ${formatMoment(to)}${shown ?? ""}.`,
      detail: { feature, requests: count, compared, ...(example ? { example: { ...example } } : {}) },
    };
  });
}
