import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MillError } from "../base/index.ts";
import type { Column, TypeName } from "../contract/index.ts";
import { builtOf, columnsOf, columnsRead, inWords, type Node } from "./index.ts";

const column = (type: TypeName): Column => ({ type, nullable: false });
// biome-ignore lint/suspicious/noExplicitAny: plain JavaScript, as a user without types writes it
const f = columnsOf("flights", { delay: column("int32"), origin: column("string"), date: column("timestamp") }) as any;
// biome-ignore lint/suspicious/noExplicitAny: plain JavaScript
const other = columnsOf("airports", { code: column("string"), runways: column("int32") }) as any;

function nodeOf(value: unknown): Node {
  const built = builtOf(value);
  assert.equal(built?.built, "expression");
  return (built as { node: Node }).node;
}

describe("an expression", () => {
  test("becomes a tree of operations", () => {
    assert.deepEqual(nodeOf(f.delay.gt(15)), {
      op: "gt",
      args: [
        { op: "column", name: "delay" },
        { op: "literal", value: 15 },
      ],
    });
    assert.deepEqual(nodeOf(f.date.hour()), { op: "hour", args: [{ op: "column", name: "date" }] });
    assert.deepEqual(nodeOf(f.origin.in(["SEA", "LAX"])), {
      op: "in",
      args: [
        { op: "column", name: "origin" },
        { op: "literal", value: ["SEA", "LAX"] },
      ],
    });
  });

  test("becomes a window once it says over which time", () => {
    assert.deepEqual(nodeOf(f.delay.gt(15).share().by(f.origin).by(f.date.hour()).last("3h")), {
      op: "window",
      aggregate: "share",
      value: nodeOf(f.delay.gt(15)),
      by: [nodeOf(f.origin), nodeOf(f.date.hour())],
      spanMicros: 3 * 3600e6,
    });
  });

  test("says in words what it is", () => {
    assert.equal(inWords(nodeOf(f.delay.between(-120, 1440))), "delay between -120 and 1440");
    assert.equal(inWords(nodeOf(f.origin.matches("^[A-Z]{3}$"))), 'origin matches "^[A-Z]{3}$"');
    assert.equal(inWords(nodeOf(f.delay.isNull().not())), "not (delay is missing)");
    assert.equal(
      inWords(nodeOf(f.delay.gt(15).share().by(f.origin).last("36h").orElse(0))),
      "(share of (delay > 15) by origin over the last 36h) or else 0",
    );
    assert.equal(inWords(nodeOf(f.delay.mean().last("14d"))), "mean of delay over the last 2w");
  });

  test("tells which columns it reads, windows and keys included", () => {
    const read = columnsRead(nodeOf(f.delay.mean().by(f.origin).last("3h").plus(f.date.hour())));
    assert.deepEqual([...read].sort(), ["date", "delay", "origin"]);
  });

  test("can be awaited and printed without being mistaken for a promise", async () => {
    assert.equal(await f.delay, f.delay);
    assert.equal(JSON.stringify({ a: f.delay }).includes("delay"), false);
  });
});

describe("plain JavaScript is told", () => {
  const told = (does: string, code: string, run: () => unknown, ...sentences: readonly (string | RegExp)[]) =>
    test(does, () => {
      assert.throws(run, (error: unknown) => {
        assert.ok(error instanceof MillError, String(error));
        assert.equal(error.code, code);
        const all = [error.message, error.expected, error.got, error.fix].join("\n");
        for (const sentence of sentences)
          assert.ok(sentence instanceof RegExp ? sentence.test(all) : all.includes(sentence), all);
        assert.ok(error.fix, "what to do next");
        return true;
      });
    });

  told(
    "the nearest column",
    "express.unknown-column",
    () => f.dealy,
    'Data set "flights" has no column "dealy". Did you mean "delay"?',
  );
  told("the nearest operation", "express.unknown-operation", () => f.delay.gtt(3), 'no operation "gtt". Did you mean "gt"?');
  told("that a window comes before more operations", "express.unknown-operation", () => f.delay.mean().plus(1), '.last("3h")');
  told("that an aggregate has no window yet", "express.unfinished", () => f.delay.plus(f.delay.mean()), '.last("3h")');
  told("that a check is no value", "express.unfinished", () => f.delay.gt(f.delay.gt(1).holdsFor(0.5)), "holdsFor");
  told(
    "that rows of two data sets do not meet",
    "express.other-dataset",
    () => f.origin.eq(other.code),
    '"airports"',
    '"flights"',
  );
  told("the same of a key", "express.other-dataset", () => f.delay.mean().by(other.code), '"airports"');
  told("how to ask for a missing value", "express.operand", () => f.delay.eq(null), ".isNull()");
  told("that NaN is a missing value", "express.operand", () => f.delay.gt(Number.NaN), ".isNull()");
  told("that a Date is not a moment", "express.operand", () => f.date.before(new Date(0)), '"2001-06-01"');
  told("that an operand is missing", "express.operand", () => f.delay.gt(), "gt takes 1 operand, got 0");
  told("that an operand is undefined", "express.operand", () => f.delay.gt(undefined), "gt cannot take undefined");
  told("that a key is an expression", "express.operand", () => f.delay.mean().by("origin"), "f.origin");
  told("that by needs a key", "express.operand", () => f.delay.mean().by(), "1 or more");
  told("that a share is at most 1", "express.share", () => f.delay.gt(1).holdsFor(99), "at most 1", "got 99");
  told("that a share is above 0", "express.share", () => f.delay.gt(1).holdsFor(0), "above 0");
  told("that holdsFor comes last", "express.unknown-operation", () => f.delay.gt(1).holdsFor(0.5).not(), "holdsFor comes last");
  for (const span of ["3 hours", "-3h", "1e9h", "0h", "h"])
    told(`that ${span} is no span`, "value.duration", () => f.delay.mean().last(span), `"${span}" is not a duration`);
});
