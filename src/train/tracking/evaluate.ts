/** A filter as a function of an item. */
import type { Field, Filter, Test, Value } from "./filter.ts";

/** What an item has in a field: nothing, one value, or several of which one must meet a test. */
export type Held = Value | null | undefined | readonly Value[];

/** `read` is asked once for each field. */
export function compileFilter<T>(filter: Filter, read: (field: Field) => (item: T) => Held): (item: T) => boolean {
  switch (filter.kind) {
    case "all": {
      const of = filter.of.map((one) => compileFilter(one, read));
      return (item) => {
        for (const holds of of) if (!holds(item)) return false;
        return true;
      };
    }
    case "any": {
      const of = filter.of.map((one) => compileFilter(one, read));
      return (item) => {
        for (const holds of of) if (holds(item)) return true;
        return false;
      };
    }
    case "not": {
      const holds = compileFilter(filter.of, read);
      return (item) => !holds(item);
    }
    case "test":
      return compileTest(filter.test, read(filter.field));
  }
}

function compileTest<T>(test: Test, held: (item: T) => Held): (item: T) => boolean {
  if (test.op === "null") return (item) => isAbsent(held(item)) !== test.negated;
  const meets = valueTest(test);
  return (item) => {
    const value = held(item);
    if (value === undefined || value === null) return false;
    return typeof value === "object" ? value.some(meets) : meets(value);
  };
}

const isAbsent = (held: Held) => held === undefined || held === null || (typeof held === "object" && held.length === 0);

function valueTest(test: Exclude<Test, { op: "null" }>): (value: Value) => boolean {
  if (test.op === "like") {
    const { pattern, anyCase, negated } = test;
    const wanted = anyCase ? pattern.toLowerCase() : pattern;
    return (value) => isLike(anyCase ? String(value).toLowerCase() : String(value), wanted) !== negated;
  }
  if (test.op === "in") {
    const tests = test.values.map((value) => valueTest({ op: "=", value }));
    return (value) => tests.some((equals) => equals(value)) !== test.negated;
  }
  const { op, value: wanted } = test;
  if (typeof wanted === "string") return op === "=" ? (value) => value === wanted : (value) => value !== wanted;
  const compare = COMPARE[op];
  return (value) => {
    const number = typeof value === "number" ? value : numberIn(value);
    return number !== null && compare(number, wanted);
  };
}

/** The number that a text is; null: it is none. */
function numberIn(text: string): number | null {
  const number = Number(text);
  return text.trim() === "" || Number.isNaN(number) ? null : number;
}

const COMPARE = {
  "=": (a: number, b: number) => a === b,
  "!=": (a: number, b: number) => a !== b,
  "<": (a: number, b: number) => a < b,
  "<=": (a: number, b: number) => a <= b,
  ">": (a: number, b: number) => a > b,
  ">=": (a: number, b: number) => a >= b,
} satisfies Record<string, (a: number, b: number) => boolean>;

/** Goes back to the last % alone, so that no pattern takes longer than text times pattern. */
export function isLike(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let from = 0;
  while (at < text.length) {
    const sign = pattern[next];
    if (sign === "%") {
      star = next++;
      from = at;
    } else if (sign !== undefined && (sign === "_" || sign === text[at])) {
      next++;
      at++;
    } else if (star !== -1) {
      next = star + 1;
      at = ++from;
    } else return false;
  }
  while (pattern[next] === "%") next++;
  return next === pattern.length;
}
