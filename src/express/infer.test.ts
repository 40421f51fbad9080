import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MillError } from "../base/index.ts";
import { ERRORS, type Schema } from "../contract/index.ts";
import { featureQuery } from "./feature-query.ts";
import { checkFeature, typeOf } from "./infer.ts";
import type { Node, WindowNode } from "./node.ts";
import { compilePattern } from "./pattern.ts";
import { quoteIdentifier, quoteLiteral } from "./quote.ts";
import { requestColumns, type Shape, usesOutcome } from "./shape.ts";
import { createWindow } from "./windows.ts";

const columns: Schema = {
  date: { type: "timestamp", nullable: false },
  day: { type: "date", nullable: false },
  landed: { type: "instant", nullable: true },
  distance: { type: "int32", nullable: false },
  weight: { type: "float32", nullable: true },
  origin: { type: "string", nullable: false },
  carrier: { type: "category", nullable: true },
  cancelled: { type: "boolean", nullable: true },
  delay: { type: "int32", nullable: true },
};
const column = (name: string): Node => ({ op: "column", name });
const literal = (value: number | string | boolean | readonly string[]): Node => ({ op: "literal", value });
const apply = (op: string, ...args: Node[]) => ({ op, args }) as Node;
const window = (given: Partial<WindowNode> = {}): WindowNode => ({
  op: "window",
  aggregate: "mean",
  value: column("delay"),
  by: [column("origin")],
  spanMicros: 3600e6,
  ...given,
});
const shape: Shape = { columns, time: "date", outcomes: { delay: apply("plusMinutes", column("date"), literal(90)) } };

/** The error that is thrown, after it was seen to be complete and in the table of codes. */
function refusal(attempt: () => unknown): MillError {
  try {
    attempt();
  } catch (error) {
    assert.ok(error instanceof MillError, String(error));
    assert.ok(error.code in ERRORS, error.code);
    assert.ok(error.expected && error.got && error.fix, `${error.code} says what was expected, what came and what to do`);
    return error;
  }
  throw new assert.AssertionError({ message: "nothing was refused" });
}

describe("the type of an expression", () => {
  const types: [Node, string, boolean][] = [
    [column("distance"), "number", false],
    [column("carrier"), "string", true],
    [column("landed"), "instant", true],
    [literal("x"), "string", false],
    [apply("gt", column("distance"), literal(1)), "boolean", false],
    [apply("gt", column("delay"), literal(1)), "boolean", true],
    [apply("plus", column("distance"), literal(1)), "number", false],
    [apply("dividedBy", column("distance"), literal(2)), "number", true],
    [apply("log", column("distance")), "number", true],
    [apply("orElse", column("weight"), literal(0)), "number", false],
    [apply("orElse", column("weight"), column("delay")), "number", true],
    [apply("isNull", column("weight")), "boolean", false],
    [apply("plusMinutes", column("day"), literal(1)), "timestamp", false],
    [apply("plusMinutes", column("landed"), literal(1)), "instant", true],
    [apply("hour", column("landed"), literal("Europe/Berlin")), "number", true],
    [apply("minutesUntil", column("date"), literal("2001-06-01T10:00")), "number", false],
    [apply("lower", column("carrier")), "string", true],
  ];
  for (const [node, type, nullable] of types) {
    it(`of ${JSON.stringify(node)} is ${type}${nullable ? " or null" : ""}`, () => {
      const found = typeOf(node, columns);
      assert.deepEqual([found.type, found.nullable], [type, nullable]);
    });
  }

  it("of a count is never null, of a mean it may be", () => {
    assert.equal(checkFeature(window({ aggregate: "count" }), shape).nullable, false);
    assert.equal(checkFeature(window(), shape).nullable, true);
    assert.equal(checkFeature(apply("orElse", window(), literal(0)), shape).nullable, false);
  });
});

describe("an expression is refused", () => {
  const refused: [string, Node, string, RegExp][] = [
    ["with an unknown column", apply("gt", column("distanec"), literal(1)), "express.unknown-column", /Did you mean "distance"/],
    ["that names a column after something every object has", column("constructor"), "express.unknown-column", /constructor/],
    ["with an unknown operation", apply("greater", column("delay"), literal(1)), "express.unknown-operation", /greater/],
    ["with an operation that every object has", apply("toString", column("delay")), "express.unknown-operation", /toString/],
    [
      "that reckons with a text",
      apply("plus", column("origin"), literal(1)),
      "express.operand",
      /first operand of plus must be a number; it is a text: origin/,
    ],
    ["that compares two types", apply("eq", column("origin"), literal(1)), "express.operand", /must be a text/],
    ["that compares two kinds of moments", apply("before", column("day"), column("date")), "express.operand", /must be a date/],
    [
      "with a time that has an offset where none belongs",
      apply("before", column("date"), literal("2001-06-01T10:00Z")),
      "express.operand",
      /without offset/,
    ],
    ["with a day that does not exist", apply("after", column("day"), literal("2001-02-30")), "express.operand", /date as text/],
    ["with too few operands", apply("gt", column("delay")), "express.operand", /it is nothing/],
    ["with too many operands", apply("not", column("cancelled"), column("cancelled")), "express.operand", /nothing more/],
    ["with an infinite number", literal(Number.POSITIVE_INFINITY), "express.operand", /finite number|cannot stand/],
    ["with half a character", literal("\ud800"), "express.operand", /cannot stand/],
    ["with a list outside of `in`", apply("eq", column("origin"), literal(["SEA"])), "express.operand", /cannot stand/],
    ["with an empty list", apply("in", column("origin"), literal([])), "express.operand", /at least one text/],
    ["that asks a date for its hour", apply("hour", column("day")), "express.operand", /timestamp or instant/],
    ["that asks an instant for its hour without a zone", apply("hour", column("landed")), "express.operand", /name of a zone/],
    ["that asks a timestamp for its hour in a zone", apply("hour", column("date"), literal("UTC")), "express.operand", /no zone/],
    [
      "with an unknown zone",
      apply("hour", column("landed"), literal("Europe/Berlim")),
      "express.zone",
      /Did you mean "Europe\/Berlin"/,
    ],
    ["with an offset for a zone", apply("hour", column("landed"), literal("+02:00")), "express.zone", /\+02:00/],
    ["with a pattern that is no literal", apply("matches", column("origin"), column("carrier")), "express.operand", /as a text/],
    ["with a window", window(), "express.window", /looks at other rows/],
  ];
  for (const [how, node, code, message] of refused) {
    it(how, () => {
      const error = refusal(() => typeOf(node, columns));
      assert.equal(error.code, code);
      assert.match(`${error.message} ${error.fix}`, message);
    });
  }
});

describe("a feature is refused", () => {
  const { time: _, ...timeless } = shape;
  const refused: [string, Node, Shape, string][] = [
    ["that is an outcome of the row itself", column("delay"), shape, "express.leak"],
    [
      "that rests on an outcome of the row itself",
      apply("orElse", apply("gt", column("delay"), literal(1)), literal(false)),
      shape,
      "express.leak",
    ],
    ["with a window whose key is an outcome", window({ by: [column("delay")] }), shape, "express.leak"],
    ["with a window inside a window", window({ value: window() }), shape, "express.window"],
    ["with a window in a key", window({ by: [window()] }), shape, "express.window"],
    ["with a window over rows without time", window(), timeless, "express.no-time"],
    ["with a span of nothing", window({ spanMicros: 0 }), shape, "express.span"],
    ["with a span into the future", window({ spanMicros: -1 }), shape, "express.span"],
    ["with a span of part of a microsecond", window({ spanMicros: 0.5 }), shape, "express.span"],
    ["with a mean of texts", window({ value: column("origin") }), shape, "express.operand"],
    ["with a share of numbers", window({ aggregate: "share" }), shape, "express.operand"],
    ["with a mean of nothing", window({ value: null }), shape, "express.operand"],
    ["with an unknown aggregate", window({ aggregate: "median" as "mean" }), shape, "express.unknown-operation"],
    ["that is a moment", column("date"), shape, "express.feature"],
  ];
  for (const [how, node, over, code] of refused) it(how, () => assert.equal(refusal(() => checkFeature(node, over)).code, code));

  it("with the way out of a leak in the message", () => {
    assert.match(refusal(() => checkFeature(column("delay"), shape)).fix!, /earlier rows, as in f\.delay.*label/);
  });

  it("by query and online when its outcome is known at a moment of another kind than the rows' time", () => {
    const mixed: Shape = { ...shape, outcomes: { delay: column("landed") } };
    assert.equal(refusal(() => featureQuery({ shape: mixed, relation: "t", fields: { a: window() } })).code, "express.known-at");
    assert.equal(refusal(() => createWindow(window(), mixed)).code, "express.known-at");
  });
});

describe("what a request must carry", () => {
  it("is what fields read of the row and the keys of windows, in the order of the data set", () => {
    const fields = {
      a: window(),
      b: apply("gt", column("weight"), column("distance")),
      c: window({ by: [apply("lower", column("carrier"))] }),
    };
    assert.deepEqual(requestColumns(fields, shape), ["distance", "weight", "origin", "carrier"]);
  });
  it("is the time only where a field reads it", () => {
    assert.deepEqual(requestColumns({ a: window({ by: [] }) }, shape), []);
    assert.deepEqual(requestColumns({ a: apply("hour", column("date")) }, shape), ["date"]);
  });
  it("says whether an outcome of the row itself is used", () => {
    assert.equal(usesOutcome(window(), shape), false);
    assert.equal(usesOutcome(apply("gt", column("delay"), literal(1)), shape), true);
  });
});

describe("a pattern is refused", () => {
  for (const pattern of [
    "(?=a)",
    "(?<!a)",
    "(a)\\1",
    "(?<n>a)",
    "(?i)a",
    "\\p{L}",
    "[[:alpha:]]",
    "[]",
    "[^]",
    "a{1001}",
    "(a{40}){40}",
    "a**",
    "*a",
  ])
    it(`that says ${pattern}`, () => assert.equal(refusal(() => compilePattern(pattern)).code, "express.pattern"));
  for (const pattern of [
    "(a",
    "a)",
    "[a",
    "a]",
    "{",
    "a{",
    "a{2,1}",
    "[z-a]",
    "[\\d-z]",
    "\\x41",
    "\\u0041",
    "\\",
    "[\\S]",
    "^*",
    "\ud800",
  ])
    it(`that says ${JSON.stringify(pattern)}`, () =>
      assert.equal(refusal(() => compilePattern(pattern)).code, "express.pattern"));
});

it("names that SQL cannot hold are refused, all others are quoted", () => {
  for (const name of ["", "a\0b", "\udfff"]) assert.equal(refusal(() => quoteIdentifier(name)).code, "express.name");
  assert.equal(quoteIdentifier('a"; DROP TABLE t; --'), '"a""; DROP TABLE t; --"');
  assert.equal(quoteLiteral("it's"), "'it''s'");
});
