/**
 * Year, month, day ... in UTC of a moment: milliseconds since 1970 of a number column, or an ISO 8601 text (a date, or a date and time, with a zone or in UTC).
 * What is no such text, or beyond the year 271821 on either side, is missing. Source of the calendar: Hinnant, chrono-compatible low-level date algorithms;
 * the same operations on doubles here and in the graph.
 */
import { MillError, parseMoment } from "../../base/index.ts";
import type { GraphBuilder } from "../../onnx/index.ts";
import type { Params } from "../estimator.ts";
import { defineTransformer, eachColumn } from "./define.ts";
import { notInGraph, scalar } from "./graph.ts";
import type { NumbersPart, TextPart } from "./part.ts";
import type { RecordOf } from "./records.ts";

const PARTS = ["year", "month", "day", "weekday", "dayOfYear", "hour", "minute"] as const;
type DatePart = (typeof PARTS)[number];

const fields = { name: "text", isText: "boolean", parts: "texts" } as const;
type Dated = RecordOf<typeof fields>;

const whether = (what: string, isDefault: boolean) =>
  ({ type: "boolean", default: isDefault, about: `whether to give ${what}` }) as const;

export const dateParts = defineTransformer({
  name: "date-parts",
  revision: 1,
  about: "Year, month, day, weekday, hour ... in UTC, of milliseconds since 1970 or ISO texts.",
  params: {
    year: whether("the year", true),
    month: whether("the month, 1 to 12", true),
    day: whether("the day of the month, from 1", true),
    weekday: whether("the day of the week, 0 = Monday to 6", true),
    dayOfYear: whether("the day of the year, from 1", false),
    hour: whether("the hour, 0 to 23", true),
    minute: whether("the minute, 0 to 59", false),
  },
  tags: { takes: "both", missing: true, supervised: false, weights: true, gives: "numbers", fills: false, onnx: "numbers" },
  fields,
  async learn(data, params, context) {
    const parts = partsWanted(params);
    return { records: await eachColumn(data, context, (name, { kind }): Dated => ({ name, isText: kind === "text", parts })) };
  },
  partsOf: (records) => records.map((dated) => (dated.isText ? textPart(dated) : numberPart(dated))),
  isSound: ({ parts }) => parts.length > 0 && parts.every((part) => PARTS.some((known) => known === part)),
});

function partsWanted(params: Params): DatePart[] {
  const parts = PARTS.filter((part) => params[part]);
  if (parts.length > 0) return parts;
  throw new MillError("learn.bad-parameter", "date-parts has nothing to give: every part is switched off.", {
    at: "date-parts.year",
    expected: `at least one of ${PARTS.join(", ")}`,
    got: "none",
    fix: "Leave one of them on.",
  });
}

const outputsOf = ({ name, parts }: Dated) => parts.map((part) => `${name}:${part}`);

/** Of `Date`. */
const MILLIS_MAX = 8.64e15;
const DAY = 86_400_000;

function numberPart(dated: Dated): NumbersPart {
  return {
    kind: "numbers",
    inputs: [dated.name],
    outputs: outputsOf(dated),
    write: ([millis], out) => writeParts(dated, millis!, out),
    addTo(graph, [given]) {
      const isBeyond = graph.add("Greater", [graph.add("Abs", [given!]), scalar(graph, MILLIS_MAX)]);
      const millis = graph.add("Where", [isBeyond, scalar(graph, Number.NaN), given!]);
      const calendar = calendarOf(graphArithmetic(graph), millis);
      return dated.parts.map((part) => calendar[part as DatePart]());
    },
    jumps: [JUMPS],
  };
}

function writeParts({ parts }: Dated, millis: number, out: Float64Array): void {
  const calendar = calendarOf(numberArithmetic, Math.abs(millis) > MILLIS_MAX ? Number.NaN : millis);
  for (let at = 0; at < parts.length; at++) out[at] = calendar[parts[at] as DatePart]();
}

function textPart(dated: Dated): TextPart {
  return {
    kind: "text",
    input: dated.name,
    texts: [],
    tries: ["1969-12-31", "2024-02-29T23:59:59.999Z", "2023-02-29", "2000-01-01T00:00:00+01:00", "0000-01-01", "yesterday"],
    outputs: outputsOf(dated),
    write(text, out) {
      const moment = text === null ? null : parseMoment(text);
      writeParts(dated, moment === null ? Number.NaN : moment.micros / 1000, out);
    },
    addTo: () => {
      throw notInGraph(`"${dated.name}" as dates of texts`, "Turn the texts into milliseconds since 1970 before the model.");
    },
  };
}

/** Around turns of days, months and years, of a leap day among them, and at the ends. */
const JUMPS = ["1970-01-01", "1969-12-31", "2000-02-29", "2000-03-01", "1900-03-01", "2023-12-31", "2024-01-01", "0000-03-01"]
  .map((day) => Date.parse(day))
  .flatMap((start) => [start - 1, start, start + 0.5, start + DAY / 2 - 1, start + DAY / 2])
  .concat(-MILLIS_MAX, MILLIS_MAX, MILLIS_MAX + 1, 1e300);

/** The calendar is written once, for numbers and for tensors. */
interface Arithmetic<V> {
  add(a: V, b: V | number): V;
  sub(a: V, b: V | number): V;
  mul(a: V, b: V | number): V;
  /** The quotient, rounded down. */
  div(a: V, b: number): V;
}

const numberArithmetic: Arithmetic<number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => Math.floor(a / b),
};

function graphArithmetic(graph: GraphBuilder): Arithmetic<string> {
  const tensor = (value: string | number) => (typeof value === "number" ? scalar(graph, value) : value);
  return {
    add: (a, b) => graph.add("Add", [a, tensor(b)]),
    sub: (a, b) => graph.add("Sub", [a, tensor(b)]),
    mul: (a, b) => graph.add("Mul", [a, tensor(b)]),
    div: (a, b) => graph.add("Floor", [graph.add("Div", [a, tensor(b)])]),
  };
}

/** Days are counted from 1 March of the year 0, so that the leap day is the last of its year, in eras of 400 years. */
function calendarOf<V>({ add, sub, mul, div }: Arithmetic<V>, moment: V): Record<DatePart, () => V> {
  const millis = div(moment, 1);
  const days = div(millis, DAY);
  const shifted = add(days, 719_468);
  const era = div(shifted, 146_097);
  const dayOfEra = sub(shifted, mul(era, 146_097));
  const leaps = sub(add(sub(dayOfEra, div(dayOfEra, 1460)), div(dayOfEra, 36_524)), div(dayOfEra, 146_096));
  const yearOfEra = div(leaps, 365);
  const sinceMarch = sub(dayOfEra, sub(add(mul(yearOfEra, 365), div(yearOfEra, 4)), div(yearOfEra, 100)));
  const monthFromMarch = div(add(mul(sinceMarch, 5), 2), 153);
  const isNextYear = div(monthFromMarch, 10);
  const year = () => add(add(yearOfEra, mul(era, 400)), isNextYear);
  const hour = () => div(sub(millis, mul(days, DAY)), 3_600_000);
  return {
    year,
    month: () => sub(add(monthFromMarch, 3), mul(isNextYear, 12)),
    day: () => add(sub(sinceMarch, div(add(mul(monthFromMarch, 153), 2), 5)), 1),
    weekday: () => sub(add(days, 3), mul(div(add(days, 3), 7), 7)),
    dayOfYear: () => {
      const before = sub(year(), 1);
      const eraBefore = div(before, 400);
      const yearBefore = sub(before, mul(eraBefore, 400));
      const daysBefore = sub(add(mul(yearBefore, 365), div(yearBefore, 4)), div(yearBefore, 100));
      return sub(shifted, add(add(mul(eraBefore, 146_097), daysBefore), 305));
    },
    hour,
    minute: () => sub(div(sub(millis, mul(days, DAY)), 60_000), mul(hour(), 60)),
  };
}
