/** What is sent to one endpoint: the rows that its data set leaves out, as they would come live. */
import { didYouMean, digestOf, type Json, MillError } from "../../base/index.ts";
import type { OutputOf, Row, Schema, Value } from "../../contract/index.ts";
import type { DatasetDefinition, EndpointDefinition, Project } from "../../define/index.ts";
import { columnsRead, compileRow, readValue, showValue } from "../../express/index.ts";
import { readHeldBack, resolveDataset } from "../../ingest/index.ts";
import type { Tables } from "../../ports/tables/index.ts";
import type { Delivery } from "./delivery.ts";
import { readInjections } from "./injections.ts";
import { type TrafficOptions, usage } from "./options.ts";
import { createTally, type Tally } from "./tally.ts";
import type { Timed } from "./timeline.ts";

export interface Lane {
  readonly name: string;
  readonly tally: Tally;
  /** Data times in microseconds: of the first row that is asked, and of the newest. */
  readonly oldest: number;
  readonly newest: number;
  trips(): AsyncGenerator<Trip>;
}

/** One row on its way: asked, known, told. */
export interface Trip extends Timed {
  readonly lane: Lane;
  readonly id: string;
  readonly request: Readonly<Record<string, Json>>;
  readonly event: Readonly<Record<string, Json>>;
  /** null: there is nothing to tell. */
  readonly label: boolean | string | number | null;
  readonly labelAt: string;
  /** Of the answer, once it is there. */
  prediction: string | null;
}

type TimedDataset = DatasetDefinition & { readonly time: string };

/** The endpoints that traffic can be sent to. Errors: `endpoint.unknown`, `cli.no-traffic`. */
export function chooseEndpoints({ endpoints, folder }: Project, wanted: string | undefined): EndpointDefinition[] {
  const names = [...endpoints.keys()];
  if (wanted !== undefined && !endpoints.has(wanted))
    throw new MillError("endpoint.unknown", `The project has no endpoint "${wanted}".${didYouMean(wanted, names)}`, {
      at: folder,
      expected: names.join(", ") || "an endpoint in mill.ts",
      got: wanted,
      fix: "Name one with --endpoint, or leave it out for all.",
    });
  const chosen = wanted === undefined ? [...endpoints.values()] : [endpoints.get(wanted)!];
  const timed = chosen.filter(({ serves }) => serves.from.from.time !== undefined);
  if (timed.length > 0) return timed;
  throw noTraffic(folder, {
    why: chosen.length === 0 ? "the project has no endpoint" : "no endpoint's data set says when its rows happened",
    expected: "an endpoint whose data set has `time`",
    fix: 'Name the column that says when a row happened in the data set, as in time: "date".',
  });
}

/** Errors: `cli.no-traffic`, `cli.usage`, and those of the sources. */
export async function openLane(
  { name, serves }: EndpointDefinition,
  { folder, options, delivery, scratch, tables }: LaneSurroundings,
): Promise<Lane> {
  const dataset = serves.from.from as TimedDataset;
  const { columns, time, outcomes } = dataset;
  const moment = (flag: "from" | "to" | "at") => readMoment(options[flag], `--${flag}`, dataset);
  const [from, to, at] = [moment("from"), moment("to"), moment("at")];
  const injections = readInjections(options.injections, columns, time);
  const marked = at === null ? "" : `-${digestOf(JSON.stringify([options.at, options.injections])).slice(7, 15)}`;
  const { request } = (await delivery.send("getEndpoint", { name })).answer;
  const held = await readHeldBack(
    {
      dataset,
      sources: await resolveDataset(dataset, folder, Date.now()),
      after: from === null ? await newestIngested(dataset, delivery) : null,
      from,
      to,
      scratch,
    },
    tables,
  );
  if (held.oldest === null) throw nothingHeldBack(dataset, from, to);

  const label = compileRow(serves.label, columns);
  const read = columnsRead(serves.label);
  const known = Object.entries(outcomes).map(([column, node]) => ({ column, at: compileRow(node, columns) }));
  const eventKnown = latest(known.map((one) => one.at));
  const labelKnown = latest(known.filter(({ column }) => read.has(column)).map((one) => one.at));
  const asked = (id: string, rowTime: number) => rowTime >= (from ?? rowTime) && inShare(id, options.share);

  const lane: Lane = {
    name,
    tally: createTally(),
    oldest: Math.max(held.oldest, from ?? held.oldest),
    newest: held.newest!,
    async *trips() {
      for await (const { id, row } of held.rows()) {
        const rowTime = Number(row[time]);
        const changed = at !== null && rowTime >= at;
        const world = changed ? injections.world(row) : row;
        const sent = changed ? injections.sent(world) : row;
        const knownAt = labelKnown(world, rowTime);
        yield {
          lane,
          id: sent === row ? id : id + marked,
          time: rowTime,
          asked: asked(id, rowTime),
          eventKnown: options.events ? eventKnown(world, rowTime) : null,
          labelKnown: options.feedback ? knownAt : null,
          request: shown(sent, request),
          event: shownAll(sent, columns),
          label: labelOf(label(world)),
          labelAt: String(showValue(columns[time]!, knownAt)),
          prediction: null,
        };
      }
    },
  };
  return lane;
}

export interface LaneSurroundings {
  /** Of the project. */
  readonly folder: string;
  readonly options: TrafficOptions;
  readonly delivery: Delivery;
  readonly scratch: string;
  readonly tables: Tables;
}

/** The moment from which all of these are known; at once where there are none, null where one is never. */
const latest = (moments: readonly ((row: Row) => Value)[]) => (row: Row, time: number) => {
  const known = moments.map((moment) => moment(row));
  return known.includes(null) ? null : Math.max(time, ...known.map(Number));
};

/** By the digest of the id: the same rows each time, and more of them with a greater share. */
const inShare = (id: string, share: number) =>
  share === 1 || Number.parseInt(digestOf(id).slice("sha256:".length, "sha256:".length + 8), 16) / 2 ** 32 < share;

const labelOf = (value: Value) => (typeof value === "bigint" ? Number(value) : value);

const shown = (row: Row, request: OutputOf<"getEndpoint">["request"]): Record<string, Json> =>
  Object.fromEntries(request.map((column) => [column.name, showValue(column, row[column.name] ?? null)]));

const shownAll = (row: Row, columns: Schema): Record<string, Json> =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, showValue(column, row[name] ?? null)]));

/** Of the rows that have been ingested: traffic comes behind them. */
async function newestIngested({ name, columns, time }: TimedDataset, { send }: Delivery): Promise<number | null> {
  const { version } = (await send("getDataset", { name })).answer;
  if (version === null) return null;
  const { to } = (await send("getDatasetVersion", { name, version })).answer;
  return to === null ? null : readMoment(to, "its newest row", { name, columns, time });
}

function readMoment(
  text: string | undefined,
  at: string,
  { name, columns, time }: Pick<TimedDataset, "name" | "columns" | "time">,
): number | null {
  if (text === undefined) return null;
  const read = readValue(columns[time]!, text);
  if (read.ok) return Number(read.value);
  throw usage(`${at} is no moment of the data set "${name}".`, { at, expected: read.expected, got: text });
}

function nothingHeldBack({ name, where, columns, time }: TimedDataset, from: number | null, to: number | null): MillError {
  const between = from === null && to === null ? "" : " between --from and --to";
  return noTraffic(`dataset "${name}"`, {
    why: where === undefined ? "the data set takes all rows in" : `its files have no rows behind those taken in${between}`,
    expected: "rows that `where` leaves out, later than all that it keeps",
    fix:
      where === undefined
        ? `Keep the newest rows for the traffic, as in where: (c) => c.${time}.before(${columns[time]!.type === "date" ? '"2001-06-01"' : '"2001-06-01T00:00:00"'}), and run again.`
        : "Correct where, --from or --to.",
  });
}

const noTraffic = (at: string, { why, expected, fix }: { why: string; expected: string; fix: string }) =>
  new MillError("cli.no-traffic", `There is no traffic to send: ${why}.`, { at, expected, fix });
