/** What every transformer must refuse, and with which reason. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NumberRange, ParamSpec, TrainingData } from "../estimator.ts";
import { pick, rowOf } from "../fixtures/training-data.ts";
import type { Frame, NumberColumn, TextColumn } from "../frame.ts";
import { quiet } from "../suite.ts";
import type { Transformer } from "../transformer.ts";
import type { TransformerSuiteOptions } from "./suite.ts";
import { dataFor, otherKind } from "./suite-data.ts";

export function checkRefusals(transformer: Transformer, options: TransformerSuiteOptions): void {
  const { tags, name } = transformer;
  const data = dataFor(transformer, options, 200, "binary-classification");
  const refuses = (bad: TrainingData, code: string, at?: string) =>
    assert.rejects(transformer.fit(bad, {}, quiet()), at === undefined ? { code } : { code, at }, `${code} ${at}`);

  test(`${name}: what cannot be learnt from is refused with the reason`, async () => {
    await refuses(pick(data, []), "learn.empty");
    await refuses({ ...data, X: { rowCount: 200, columns: {} } }, "learn.bad-column");
    const withColumn = (column: string, values: NumberColumn | TextColumn): TrainingData => ({
      ...data,
      X: { ...data.X, columns: { ...data.X.columns, [column]: values } },
    });
    for (const [column, given] of Object.entries(data.X.columns)) {
      if (tags.takes !== "both") await refuses(withColumn(column, otherKind(given)), "learn.bad-column", column);
      if (given.kind === "text") {
        await refuses(withColumn(column, { ...given, codes: given.codes.map(() => -1) }), "learn.bad-column", column);
        continue;
      }
      const withValues = (values: Float64Array) => withColumn(column, { kind: "number", values });
      await refuses(withValues(given.values.map(() => NaN)), "learn.bad-column", column);
      await refuses(withValues(given.values.map((value, row) => (row === 7 ? Infinity : value))), "learn.bad-column", column);
      await refuses(withValues(given.values.slice(1)), "learn.bad-column", column);
    }
    await refuses({ ...data, weights: new Float64Array(200).fill(-1) }, "learn.bad-weight");
    await refuses({ ...data, weights: new Float64Array(200) }, "learn.bad-weight");
    await refuses({ ...data, weights: new Float64Array(3).fill(1) }, "learn.bad-weight");
    if (tags.supervised) {
      await refuses({ ...data, y: data.y.map((value, row) => (row === 3 ? NaN : value)) }, "learn.bad-label");
      await refuses({ ...data, task: "clustering", classes: [] }, "learn.task");
    } else {
      const { toJson } = await transformer.fit({ ...data, y: new Float64Array(), task: "clustering" }, {}, quiet());
      assert.deepEqual(toJson(), (await transformer.fit(data, {}, quiet())).toJson());
    }
  });

  test(`${name}: one row, a constant column and 1e308 are learnt from or refused by name`, async () => {
    const one = pick(data, [firstFilled(data.X)]);
    for (const given of [one, pick(data, Array<number>(50).fill(firstFilled(data.X)))])
      if (!tags.supervised || given !== one)
        try {
          await transformer.fit(tags.supervised ? { ...given, y: given.y.map((_, row) => row % 2) } : given, {}, quiet());
        } catch (error) {
          assert.equal((error as { code: string }).code, "learn.bad-column");
        }
    for (const [column, given] of Object.entries(data.X.columns)) {
      if (given.kind === "text") continue;
      const values = given.values.map((_, row) => (row % 2 === 0 ? 1e308 : -1e308));
      const large = { ...data, X: { ...data.X, columns: { ...data.X.columns, [column]: { kind: "number" as const, values } } } };
      try {
        const made = (await transformer.fit(large, {}, quiet())).transform(large.X);
        assert.ok(
          Object.values(made.columns).every((c) => c.kind === "text" || c.values.every((v) => v !== Infinity && v !== -Infinity)),
        );
      } catch (error) {
        assert.deepEqual([(error as { code: string }).code, (error as { at: string }).at], ["learn.bad-column", column]);
      }
    }
  });

  test(`${name}: a parameter that is unknown or out of range is refused`, async () => {
    await assert.rejects(transformer.fit(data, { nonsense: 1 }, quiet()), { code: "learn.bad-parameter" });
    for (const [param, spec] of Object.entries(transformer.params))
      for (const value of wrongValues(spec))
        await assert.rejects(transformer.fit(data, { [param]: value }, quiet()), {
          code: "learn.bad-parameter",
          at: `${name}.${param}`,
        });
  });
}

function firstFilled(X: Frame): number {
  for (let row = 0; row < X.rowCount; row++) if (Object.values(rowOf(X, row)).every((value) => value !== null)) return row;
  throw new Error("no row has every value");
}

function wrongValues(spec: ParamSpec) {
  const range: NumberRange = spec.type === "by-name" ? spec.each : spec.type === "integer" || spec.type === "number" ? spec : {};
  const outside = [
    ...(range.min === undefined ? [] : [range.min - 1]),
    ...(range.openMin === true ? [range.min!] : []),
    ...(range.max === undefined ? [] : [range.max * 2 + 1]),
    ...(range.openMax === true ? [range.max!] : []),
  ];
  return ["much", ...(spec.type === "by-name" ? outside.map((number) => ({ amount: number })) : outside)];
}
