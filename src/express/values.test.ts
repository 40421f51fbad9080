import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { TypeName, Value } from "../contract/index.ts";
import { readValue, showValue } from "./values.ts";

const read = (type: TypeName, json: unknown, nullable = false) => {
  const found = readValue({ type, nullable }, json);
  return found.ok ? found.value : `expected ${found.expected}`;
};

describe("a JSON value is read as a value of its column", () => {
  const taken: [TypeName, unknown, Value][] = [
    ["int8", -128, -128],
    ["uint32", 4294967295, 4294967295],
    ["int64", 9007199254740991, 9007199254740991],
    ["int64", "9007199254740993", 9007199254740993n],
    ["int64", "-9223372036854775808", -(2n ** 63n)],
    ["int64", "42", 42],
    ["int64", 7n, 7],
    ["float32", 0.1, Math.fround(0.1)],
    ["float64", -0.1, -0.1],
    ["boolean", false, false],
    ["category", "", ""],
    ["date", "1970-01-02", 86_400e6],
    ["date", "0050-01-01", -60_589_296_000e6],
    ["timestamp", "1970-01-01T00:00:01.5", 1_500_000],
    ["timestamp", "1970-01-01 00:01", 60e6],
    ["timestamp", "1970-01-02", 86_400e6],
    ["instant", "1970-01-01T02:00:00+02:00", 0],
    ["instant", "1970-01-01T00:00:00.000001Z", 1],
  ];
  for (const [type, json, value] of taken) it(`${type} ${String(json)}`, () => assert.equal(read(type, json), value));

  const refused: [TypeName, unknown, RegExp][] = [
    ["int8", 128, /-128 to 127/],
    ["int32", 1.5, /whole number/],
    ["uint8", -1, /0 to 255/],
    ["int32", "1", /whole number/],
    ["int64", 2 ** 53, /decimal text/],
    ["int64", "9223372036854775808", /64 bits/],
    ["int64", "1e3", /64 bits/],
    ["float32", 1e39, /float32/],
    ["float64", "1", /finite number/],
    ["float64", Number.NaN, /finite number/],
    ["boolean", 1, /true or false/],
    ["string", 1, /text/],
    ["string", "\ud800", /whole characters/],
    ["date", "2001-06-01T00:00:00", /2001-06-01"/],
    ["date", "2001-02-29", /date/],
    ["timestamp", "2001-06-01T10:00:00Z", /without offset/],
    ["timestamp", "9999-01-01T00:00:00.000001", /time/],
    ["timestamp", 991389600, /as text/],
    ["instant", "2001-06-01T10:00:00", /with offset/],
    ["string", undefined, /text/],
    ["string", {}, /text/],
  ];
  for (const [type, json, expected] of refused)
    it(`${type} ${JSON.stringify(json)} is refused with what was expected`, () =>
      assert.match(String(read(type, json)), expected));

  it("null only where it may be missing", () => {
    assert.equal(read("int32", null, true), null);
    assert.match(String(read("int32", null)), /^expected a whole number/);
    assert.match(String(read("int32", "x", true)), /, or null$/);
  });
});

describe("a value is shown as JSON and read back the same", () => {
  const values: [TypeName, fc.Arbitrary<Value>][] = [
    [
      "int64",
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n)),
    ],
    ["float64", fc.double({ noNaN: true, noDefaultInfinity: true })],
    ["string", fc.string({ unit: "binary" })],
    ["boolean", fc.boolean()],
    ["date", fc.integer({ min: -50_000, max: 50_000 }).map((days) => days * 86_400e6)],
    ["timestamp", fc.integer({ min: -5e15, max: 9e15 })],
    ["instant", fc.integer({ min: -5e15, max: 9e15 })],
  ];
  for (const [type, arbitrary] of values) {
    it(type, () => {
      const column = { type, nullable: true };
      const property = fc.property(fc.option(arbitrary), (value) => {
        const json = JSON.parse(JSON.stringify(showValue(column, value)));
        const back = readValue(column, json);
        return back.ok && (back.value === value || back.value === (value as number) + 0);
      });
      fc.assert(property, { seed: 42, numRuns: 200 });
    });
  }
});
