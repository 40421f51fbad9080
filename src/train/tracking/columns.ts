/**
 * What the runs of one experiment have under one key, by the run's row. Pages of rows are made where a run has the key, so that a key of few runs is
 * small, and one of all runs is an array.
 */
const PAGE_ROWS = 128;
const PAGE_BITS = 7;

export type Column = MetricColumn | TextColumn;

/** Each column has a number of its own in this process. */
let columnsMade = 0;

/** A page: the values of its rows, then their steps, then their timestamps; a step that is NaN: the run has no such metric. */
export class MetricColumn {
  readonly kind = "metrics";
  readonly key: string;
  readonly number = columnsMade++;
  readonly #pages: (Float64Array | undefined)[] = [];

  constructor(key: string) {
    this.key = key;
  }

  value(row: number): number | undefined {
    const page = this.#pages[row >> PAGE_BITS];
    const at = row & (PAGE_ROWS - 1);
    return page === undefined || Number.isNaN(page[PAGE_ROWS + at]!) ? undefined : page[at]!;
  }

  point(row: number): { value: number; step: number; timestamp: number } {
    const page = this.#pages[row >> PAGE_BITS]!;
    const at = row & (PAGE_ROWS - 1);
    return { value: page[at]!, step: page[PAGE_ROWS + at]!, timestamp: page[2 * PAGE_ROWS + at]! };
  }

  /** Keeps the greatest by step, timestamp, value. True: the run had none before. */
  offer(row: number, value: number, step: number, timestamp: number): boolean {
    let page = this.#pages[row >> PAGE_BITS];
    if (page === undefined) {
      page = new Float64Array(3 * PAGE_ROWS).fill(Number.NaN);
      this.#pages[row >> PAGE_BITS] = page;
    }
    const at = row & (PAGE_ROWS - 1);
    const lastStep = page[PAGE_ROWS + at]!;
    const isFirst = Number.isNaN(lastStep);
    if (!isFirst) {
      const lastTimestamp = page[2 * PAGE_ROWS + at]!;
      if (step < lastStep) return false;
      if (step === lastStep && timestamp < lastTimestamp) return false;
      if (step === lastStep && timestamp === lastTimestamp && compareValues(value, page[at]!) < 0) return false;
    }
    page[at] = value;
    page[PAGE_ROWS + at] = step;
    page[2 * PAGE_ROWS + at] = timestamp;
    return isFirst;
  }

  clear(row: number): void {
    const page = this.#pages[row >> PAGE_BITS];
    if (page) page[PAGE_ROWS + (row & (PAGE_ROWS - 1))] = Number.NaN;
  }
}

/** The order of a metric's values: NaN stands before every number. */
export function compareValues(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(!Number.isNaN(a)) - Number(!Number.isNaN(b));
}

export class TextColumn {
  readonly kind: "params" | "tags";
  readonly key: string;
  readonly number = columnsMade++;
  readonly #pages: ((string | undefined)[] | undefined)[] = [];

  constructor(kind: "params" | "tags", key: string) {
    this.kind = kind;
    this.key = key;
  }

  value(row: number): string | undefined {
    return this.#pages[row >> PAGE_BITS]?.[row & (PAGE_ROWS - 1)];
  }

  /** True: the run had none before. */
  set(row: number, text: string): boolean {
    let page = this.#pages[row >> PAGE_BITS];
    if (page === undefined) {
      page = new Array(PAGE_ROWS).fill(undefined);
      this.#pages[row >> PAGE_BITS] = page;
    }
    const at = row & (PAGE_ROWS - 1);
    const isFirst = page[at] === undefined;
    page[at] = text;
    return isFirst;
  }

  clear(row: number): void {
    const page = this.#pages[row >> PAGE_BITS];
    if (page) page[row & (PAGE_ROWS - 1)] = undefined;
  }
}

const SHARED_MAX = 16_384;
const SHARED_LENGTH_MAX = 64;
const shared = new Map<string, string>();

/** The same text again as the same string: runs repeat their parameters and tags. */
export function sharedText(text: string): string {
  if (text.length > SHARED_LENGTH_MAX) return text;
  const known = shared.get(text);
  if (known !== undefined) return known;
  if (shared.size >= SHARED_MAX) shared.clear();
  shared.set(text, text);
  return text;
}
