import type { Node, OperationName } from "./node.ts";

/** An expression as a person would say it: `delay between -120 and 1440`, `mean of delay by origin over the last 3h`. */
export function inWords(node: Node): string {
  if (node.op === "column") return node.name;
  if (node.op === "literal") return Array.isArray(node.value) ? node.value.map(quoted).join(", ") : quoted(node.value);
  if (node.op === "window") {
    const what = node.value === null ? "count of rows" : `${node.aggregate} of ${inner(node.value)}`;
    const keys = node.by.length === 0 ? "" : ` by ${node.by.map(inWords).join(" and ")}`;
    return `${what}${keys} over the last ${span(node.spanMicros)}`;
  }
  const [first, ...rest] = node.args.map(inner);
  return PHRASES[node.op](first ?? "", rest);
}

const inner = (node: Node): string => {
  const plain = node.op === "column" || node.op === "literal" || (node.op !== "window" && CALLS.has(node.op));
  return plain ? inWords(node) : `(${inWords(node)})`;
};

const UNITS = [
  [604_800e6, "w"],
  [86_400e6, "d"],
  [3600e6, "h"],
  [60e6, "m"],
] as const;

/** As a user writes it: in the largest unit that divides it. */
function span(micros: number): string {
  const [size, unit] = UNITS.find(([size]) => micros % size === 0) ?? [1e6, "s"];
  return `${micros / size}${unit}`;
}

const quoted = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : String(value));
const infix = (sign: string) => (first: string, rest: readonly string[]) => `${first} ${sign} ${rest[0]}`;
const call = (name: string) => (first: string, rest: readonly string[]) => `${name}(${[first, ...rest].join(", ")})`;

const PHRASES: Readonly<Record<OperationName, (first: string, rest: readonly string[]) => string>> = {
  gt: infix(">"),
  gte: infix(">="),
  lt: infix("<"),
  lte: infix("<="),
  eq: infix("="),
  ne: infix("is not"),
  between: (value, [low, high]) => `${value} between ${low} and ${high}`,
  and: infix("and"),
  or: infix("or"),
  not: (value) => `not ${value}`,
  plus: infix("+"),
  minus: infix("-"),
  times: infix("*"),
  dividedBy: infix("/"),
  log: call("log"),
  abs: call("abs"),
  isNull: (value) => `${value} is missing`,
  orElse: infix("or else"),
  in: (value, [list]) => `${value} in (${list})`,
  matches: infix("matches"),
  lower: call("lower"),
  length: call("length"),
  hour: call("hour"),
  weekday: call("weekday"),
  month: call("month"),
  dayOfYear: call("dayOfYear"),
  plusMinutes: (moment, [minutes]) => `${moment} + ${minutes} min`,
  minutesUntil: (moment, [other]) => `minutes from ${moment} until ${other}`,
  before: infix("before"),
  after: infix("after"),
};
const CALLS: ReadonlySet<string> = new Set(["log", "abs", "lower", "length", "hour", "weekday", "month", "dayOfYear"]);
