import assert from "node:assert/strict";
import { test } from "node:test";
import { MillError } from "../../base/index.ts";
import type { Schema } from "../../contract/index.ts";
import { type InjectionTexts, readInjections } from "./injections.ts";

const columns: Schema = {
  date: { type: "timestamp", nullable: false },
  delay: { type: "int32", nullable: false },
  distance: { type: "int32", nullable: true },
  price: { type: "float64", nullable: false },
  origin: { type: "string", nullable: false },
  full: { type: "boolean", nullable: false },
};
const row = { date: 0, delay: 5, distance: 100, price: 2.5, origin: "ATL", full: false };
const read = (given: InjectionTexts) => readInjections(given, columns, "date");

for (const [given, world, sent] of [
  [{ shift: "delay+60" }, { delay: 65 }, { delay: 65 }],
  [{ shift: "delay-5,price+0.5" }, { delay: 0, price: 3 }, { delay: 0, price: 3 }],
  [{ shift: "delay+60:origin=ATL" }, { delay: 65 }, { delay: 65 }],
  [{ shift: "delay+60:origin=ORD" }, {}, {}],
  [{ shift: "delay+60:full=false" }, { delay: 65 }, { delay: 65 }],
  [{ break: "distance" }, {}, { distance: null }],
  [{ break: "distance=0,origin=" }, {}, { distance: 0, origin: "" }],
  [{ unit: "distance*1.609" }, {}, { distance: 161 }],
  [{ unit: "price*100" }, {}, { price: 250 }],
  [{ shift: "delay+60", unit: "delay*2", break: "origin=X=Y" }, { delay: 65 }, { delay: 130, origin: "X=Y" }],
] as const)
  test(`${JSON.stringify(given)} changes the world and what is sent of it`, () => {
    const injections = read(given);
    assert.deepEqual(injections.world(row), { ...row, ...world });
    assert.deepEqual(injections.sent(injections.world(row)), { ...row, ...sent });
  });

test("a missing value stays missing", () => {
  const { world, sent } = read({ shift: "distance+5", unit: "distance*2" });
  assert.deepEqual(sent(world({ ...row, distance: null })), { ...row, distance: null });
});

for (const [given, expected] of [
  [{ shift: "delay" }, /COLUMN\+NUMBER, as in delay\+60/],
  [{ shift: "dely+60" }, /one of the columns delay, .*Did you mean "delay"/],
  [{ shift: "date+60" }, /a column other than date/],
  [{ shift: "origin+60" }, /a column of numbers; origin is string/],
  [{ shift: "delay+0.5" }, /a whole number, because delay is int32/],
  [{ shift: "delay+60:orgin=ATL" }, /one of the columns .*Did you mean "origin"/],
  [{ shift: "delay+60:distance=far" }, /behind = a whole number/],
  [{ break: "distanc" }, /one of the columns/],
  [{ break: "full=maybe" }, /behind = true or false/],
  [{ break: "price=" }, /behind = a finite number/],
  [{ unit: "distance" }, /COLUMN\*NUMBER, as in distance\*1\.609/],
  [{ unit: "distance*0" }, /COLUMN\*NUMBER/],
  [{ unit: "origin*2" }, /a column of numbers; origin is string/],
] as const)
  test(`${JSON.stringify(given)} is refused with what was expected`, () => {
    assert.throws(
      () => read(given),
      (error: MillError) => {
        assert.ok(error instanceof MillError && error.code === "cli.usage");
        assert.match(error.expected!, expected);
        return true;
      },
    );
  });
