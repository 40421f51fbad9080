/** How long a model takes for one row, as an endpoint asks it: once it is warm, on this machine. */
import { arch, cpus, platform } from "node:os";
import { type Frame, type Predictor, pickFrame } from "../learn/index.ts";

export interface RowTimes {
  readonly medianMicros: number;
  readonly p99Micros: number;
  /** How many were timed. */
  readonly rows: number;
  /** `AMD EPYC 7B13, 2 cores, linux x64`. */
  readonly machine: string;
}

export interface Timed {
  /** null: it answers elsewhere, through `predict`. */
  readonly predictor: Predictor | null;
  predict(X: Frame): unknown;
}

const WARM_UP = 50;
const ROWS_TIMED = 500;
/** What is slow is timed on fewer rows. */
const ENOUGH_MS = 2000;

/** null: there is no row. Errors: those of `predict`. */
export async function rowTimesOf(model: Timed, X: Frame): Promise<RowTimes | null> {
  if (X.rowCount === 0) return null;
  const microsOf = model.predictor === null ? asked(model, X) : scored(model.predictor, X);
  await microsOf(0); // starts what is not there yet
  const times: number[] = [];
  const until = performance.now() + ENOUGH_MS;
  while (times.length < WARM_UP + ROWS_TIMED && (times.length < 2 || performance.now() < until))
    times.push(await microsOf(times.length % X.rowCount));
  const warm = times.slice(Math.min(WARM_UP, times.length >> 1)).sort((a, b) => a - b);
  const at = (share: number) => Number(warm[Math.floor(share * (warm.length - 1))]!.toFixed(2));
  return { medianMicros: at(0.5), p99Micros: at(0.99), rows: warm.length, machine: machineName() };
}

type MicrosOf = (row: number) => number | Promise<number>;

function scored(predictor: Predictor, { columns }: Frame): MicrosOf {
  const score = predictor.rowScorer();
  const rowAt = (row: number) =>
    Object.fromEntries(
      Object.entries(columns).map(([name, column]) => {
        const value = column.kind === "number" ? column.values[row]! : (column.texts[column.codes[row]!] ?? null);
        return [name, Number.isNaN(value) ? null : value];
      }),
    );
  return (index) => {
    const row = rowAt(index);
    const from = performance.now();
    score(row);
    return 1000 * (performance.now() - from);
  };
}

function asked(model: Timed, X: Frame): MicrosOf {
  return async (index) => {
    const row = pickFrame(X, Int32Array.of(index));
    const from = performance.now();
    await model.predict(row);
    return 1000 * (performance.now() - from);
  };
}

const machineName = () => `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${cpus().length} cores, ${platform()} ${arch()}`;
