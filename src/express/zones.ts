/**
 * Time zones as tables: from which instant on a zone's clocks are how far ahead of UTC. One table, read from the runtime's zone database,
 * serves the SQL and the row compiler, for the engine's own database may be of another year (rules change every year somewhere).
 *
 * Rules are followed from 1900 to 2100; before and after, the first and the last offset hold.
 */
export interface ZoneTable {
  /** Microseconds of UTC at which an offset begins, ascending; the first is -Infinity. */
  readonly starts: readonly number[];
  /** Microseconds that the zone's clocks are ahead of UTC. */
  readonly offsets: readonly number[];
}

const FROM_MS = Date.UTC(1900, 0, 1);
const TO_MS = Date.UTC(2100, 0, 1);
/** Clocks that change twice between two looks are seen only if the offset differs at one of them. */
const LOOK_MS = 5 * 86_400_000;

/** Is it the name of a zone, as in `Europe/Berlin`? An offset such as `+02:00` is none: it does not say when clocks change. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== null;
  } catch {
    return false;
  }
}

/** Names to choose from. */
export const zoneNames = (): readonly string[] => ["UTC", ...Intl.supportedValuesOf("timeZone")];

const tables = new Map<string, ZoneTable>();

/** The table of a zone; read once (some 20 ms), then kept. */
export function zoneTable(zone: string): ZoneTable {
  const kept = tables.get(zone);
  if (kept !== undefined) return kept;
  const table = readZone(zone);
  tables.set(zone, table);
  return table;
}

function readZone(zone: string): ZoneTable {
  const offsetAt = offsetReader(zone);
  const [starts, offsets] = [[Number.NEGATIVE_INFINITY], [offsetAt(FROM_MS)]];
  for (let ms = FROM_MS; ms < TO_MS; ms += LOOK_MS) {
    const next = offsetAt(ms + LOOK_MS);
    if (next === offsets.at(-1)) continue;
    starts.push(changeBetween(ms, ms + LOOK_MS, next, offsetAt) * 1000);
    offsets.push(next);
  }
  return { starts, offsets: offsets.map((ms) => ms * 1000) };
}

/** The first second at which the offset is `after`, by halving. */
function changeBetween(fromMs: number, toMs: number, after: number, offsetAt: (ms: number) => number): number {
  let [low, high] = [fromMs / 1000, toMs / 1000];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * 1000) === after) high = middle;
    else low = middle;
  }
  return high * 1000;
}

function offsetReader(zone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (ms) => {
    const [month, day, year, hour, minute, second] = format.format(ms).match(/\d+/g)!.map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return Date.UTC(year, month - 1, day, hour, minute, second) - ms;
  };
}

/** Microseconds that clocks in the zone are ahead of UTC at an instant. */
export function offsetAt({ starts, offsets }: ZoneTable, micros: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! <= micros) low = middle;
    else high = middle;
  }
  return offsets[low]!;
}

/** The same as SQL over an instant's microseconds: a balanced tree of comparisons. */
export function offsetSql({ starts, offsets }: ZoneTable, micros: string): string {
  const among = (low: number, high: number): string => {
    if (high - low === 1) return String(offsets[low]);
    const middle = (low + high) >>> 1;
    return `CASE WHEN ${micros} < ${starts[middle]} THEN ${among(low, middle)} ELSE ${among(middle, high)} END`;
  };
  return among(0, starts.length);
}
