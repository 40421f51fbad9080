/** One column of the requests, held against what the reference knew of it: nulls, values never seen, one value that does not change. */
import type { Json } from "../base/index.ts";
import type { Finding } from "./finding.ts";
import type { FeedColumn, Reference } from "./reference.ts";
import { createPageTest, type Odds, oddsOf } from "./watch-sequential.ts";
import { momentOf, percent } from "./words.ts";

/** What a reference makes of a column, ready for the stream of its values. */
export interface ColumnCheck {
  readonly name: string;
  /** Share of the model's importance that reads the column. */
  readonly weight: number;
  readonly nulls: Odds;
  /** Whether a value is none that the reference knew; null where any may come. */
  readonly isStray: ((value: unknown) => boolean) | null;
  readonly strays: Odds;
  readonly strayKind: "unseen" | "range";
  /** What strays are held against, in words. */
  readonly known: string;
  /** Rows with one value, one after the other, that cannot be chance. */
  readonly runMin: number;
}

export interface ColumnWatch {
  /** The values of one request, in order. `repeated[i]`: the row is the row before, sent again. */
  see(check: ColumnCheck, values: readonly unknown[], repeated: readonly boolean[], asOf: number): void;
  /** The first that was found of what holds now: a column is broken in one way. */
  finding(): Finding | null;
}

const NULLS_MIN = 1e-4;
const STRAYS_MIN = 0.003;
/** Beyond the 0.1 % and the 99.9 % quantile lies 0.2 %, in some hours more. */
const BEYOND_MIN = 0.006;
/** No stricter than so many rows allow: what was not seen in n rows may still be 3 in n (rule of three). */
const seenIn = (rows: number) => 3 / Math.max(rows, 30);
const SHARE_MAX = 0.9;

const RUN_CHANCE = 1e-9;
const RUN_MIN = 12;
const RUN_SLACK = 1.5;
/** Rows of one request are alike. */
const RUN_ALIKE = 4;
const RUN_SOUND = 50;

export function columnChecks(reference: Reference): ColumnCheck[] {
  return Object.entries(reference.columns).map(([name, column]) => ({
    name,
    weight: weightOf(name, reference),
    nulls: oddsOf(share(Math.max(column.nullsHigh, NULLS_MIN, seenIn(reference.rows)))),
    ...strayCheck(column, reference.rows),
    runMin: runMin(column),
  }));
}

function strayCheck(column: FeedColumn, rows: number): Pick<ColumnCheck, "isStray" | "strays" | "strayKind" | "known"> {
  const often = (least: number) => oddsOf(share(Math.max(least, 3 * column.fresh, seenIn(rows))));
  const listed = column.values ?? column.numbers;
  if (listed !== null) {
    const texts = new Set(listed.map(String));
    const numbers = column.numbers === null ? null : new Set(column.numbers);
    return {
      isStray: (value) => !(numbers !== null && typeof value === "number" ? numbers.has(value) : texts.has(String(value))),
      strays: often(STRAYS_MIN),
      strayKind: "unseen",
      known: `the ${listed.length.toLocaleString("en")} values of the reference`,
    };
  }
  const { range } = column;
  return {
    isStray: range === null ? null : (value) => !(Number(value) >= range.low && Number(value) <= range.high),
    strays: often(BEYOND_MIN),
    strayKind: "range",
    known: range === null ? "" : `${range.low} to ${range.high}, where 99.8 % of the reference lies`,
  };
}

const share = (value: number) => Math.min(value, SHARE_MAX);

function runMin({ top, longestRun }: FeedColumn): number {
  if (top <= 0 || top >= 1) return Number.POSITIVE_INFINITY;
  return Math.ceil(Math.max(RUN_MIN, RUN_SLACK * longestRun, Math.log(RUN_CHANCE) / Math.log(top)));
}

function weightOf(column: string, { reads, importance }: Reference): number {
  const features = Object.keys(reads).filter((feature) => reads[feature]!.includes(column));
  return Math.min(
    1,
    Math.max(
      0.05,
      features.reduce((sum, feature) => sum + (importance[feature] ?? 0), 0),
    ),
  );
}

export function createColumnWatch(): ColumnWatch {
  const nulls = createPageTest();
  const strays = createPageTest();
  const run = createRun();
  let check: ColumnCheck;
  let example: Json = null;
  let shown: Part | null = null;

  const parts: Record<Part, () => Pick<Finding, "sentence" | "detail" | "severity"> | null> = {
    nulls: () =>
      nulls.found && {
        severity: nulls.found.bad / nulls.found.trials,
        sentence: `${check.name} was null in ${nulls.found.bad} of ${nulls.found.trials} rows; the reference's worst hour leads to expect ${percent(check.nulls.expected)}`,
        detail: { ...nulls.found, since: momentOf(nulls.found.since), expected: check.nulls.expected },
      },
    strays: () =>
      strays.found && {
        severity: strays.found.bad / strays.found.trials,
        sentence: `${strays.found.bad} of ${strays.found.trials} values of ${check.name} were not among ${check.known}; at most ${percent(check.strays.expected)} are expected`,
        detail: { ...strays.found, since: momentOf(strays.found.since), expected: check.strays.expected, example },
      },
    constant: () => {
      const found = run.found();
      return (
        found && {
          severity: 1,
          sentence: `${check.name} had one and the same value in ${found.rows} rows, one after the other; ${check.runMin} cannot be chance`,
          detail: { since: momentOf(found.since), trials: found.rows, expected: check.runMin, example: found.value },
        }
      );
    },
  };
  const causes = (part: Part) => (part === "strays" ? check.strayKind : part);

  return {
    see(given, values, repeated, asOf) {
      check = given;
      let missing = 0;
      let strange = 0;
      for (let index = 0; index < values.length; index++) {
        const value = values[index];
        if (value === null || value === undefined) missing++;
        else {
          if (check.isStray?.(value)) {
            strange++;
            example = short(value);
          }
          if (!repeated[index]) run.see(value, Math.min(values.length, RUN_ALIKE) / values.length, check.runMin, asOf);
        }
      }
      nulls.add(check.nulls, values.length, missing, asOf);
      if (check.isStray !== null && missing < values.length) strays.add(check.strays, values.length - missing, strange, asOf);
    },
    finding() {
      if (check === undefined) return null;
      if (shown !== null && parts[shown]() === null) shown = null;
      shown ??= PARTS.find((part) => parts[part]() !== null) ?? null;
      const found = shown && parts[shown]();
      if (!found) return null;
      return {
        ...found,
        severity: found.severity * check.weight,
        cause: `feed/${causes(shown!)}/${check.name}`,
        kind: "feed",
        columns: [check.name],
      };
    },
  };
}

const PARTS = ["nulls", "strays", "constant"] as const;
type Part = (typeof PARTS)[number];

/** One value that does not change. A row weighs 1, or less where rows of one request are alike. */
function createRun() {
  let value: unknown;
  let run = { weight: 0, rows: 0, since: 0 };
  let held: { since: number; rows: number; value: Json } | null = null;
  let soundRows = 0;
  return {
    found: () => held,
    see(next: unknown, weight: number, runMin: number, asOf: number) {
      if (next !== value) {
        value = next;
        run = { weight: 0, rows: 0, since: asOf };
      }
      run.weight += weight;
      run.rows++;
      if (run.weight >= runMin) {
        held = { since: held?.since ?? run.since, rows: run.rows, value: short(next) };
        soundRows = 0;
      } else if (held && ++soundRows >= RUN_SOUND) held = null;
    },
  };
}

const short = (value: unknown): Json =>
  typeof value === "number" || typeof value === "boolean" ? value : String(value).slice(0, 40);
