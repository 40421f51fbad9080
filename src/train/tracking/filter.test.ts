import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileFilter, isLike } from "./evaluate.ts";
import { parseFilter, parseOrder, type Vocabulary } from "./filter.ts";

const METRICS = { entity: "metrics", type: "number" } as const;
const PARAMS = { entity: "params", type: "numeric-text" } as const;
const VOCABULARY: Vocabulary = {
  entities: { metrics: METRICS, metric: METRICS, params: PARAMS, datasets: { entity: "datasets", type: "text", keys: ["name"] } },
  attributes: {
    status: { entity: "attributes", key: "status", type: "text" },
    "Run Name": { entity: "attributes", key: "run_name", type: "text" },
    start_time: { entity: "attributes", key: "start_time", type: "number" },
  },
};

type Item = Readonly<Record<string, number | string | readonly string[]>>;

const keeps = (text: string, item: Item): boolean =>
  compileFilter<Item>(
    parseFilter(text, VOCABULARY),
    ({ entity, key }) =>
      (of) =>
        of[`${entity}.${key}`],
  )(item);

const ITEM: Item = {
  "metrics.loss": 0.5,
  "metrics.val loss": Number.NaN,
  "metrics.a.b/c-d": 3,
  "params.lr": "0.01",
  "params.optimizer": "Adam",
  "attributes.status": "RUNNING",
  "attributes.run_name": "brave-owl-1",
  "attributes.start_time": 1000,
  "datasets.name": ["train", "test"],
};

for (const [text, kept] of [
  ["", true],
  ["metrics.loss < 0.6", true],
  ["metric.loss>=5e-1 AND params.optimizer = 'Adam'", true],
  ["metrics.loss < 0.6 and params.optimizer = 'adam'", false],
  ['metrics.loss = 7 or status = "RUNNING"', true],
  ["metrics.loss = 7 or metrics.loss = 8 and status = 'RUNNING'", false],
  ["(metrics.loss = 7 or metrics.loss = .5) and attributes.status != 'FAILED'", true],
  ["not (metrics.loss = 7 or status = 'RUNNING')", false],
  ["metrics.a.b/c-d = 3", true],
  ['metrics."val loss" > 0', false],
  ["metrics.`val loss` IS NOT NULL", true],
  ["metrics.absent IS NULL", true],
  ["metrics.absent != 3", false],
  ["metrics.absent NOT IN (3)", false],
  ["NOT metrics.absent = 3", true],
  ["params.optimizer LIKE 'Ad%'", true],
  ["params.optimizer LIKE 'ad%'", false],
  ["params.optimizer ILIKE '_DAM'", true],
  ["params.optimizer NOT LIKE 'S%'", true],
  ["params.optimizer IN ('SGD', 'Adam')", true],
  ["metrics.loss not in (1, -2.5, 0.5)", false],
  ["params.lr < 0.1", true],
  ["params.lr IN (0.01, 0.1)", true],
  ["params.optimizer < 0.1", false],
  ["datasets.name = 'test'", true],
  ["datasets.name = 'other'", false],
  ["`Run Name` LIKE 'brave%'", true],
  ["attributes.`Run Name` = 'brave-owl-1' AND run.start_time > 999", true],
  ["params.optimizer = 'it''s'", false],
] as const)
  test(`${text || "the empty filter"} ${kept ? "keeps" : "leaves out"} the item`, () => {
    assert.equal(keeps(text, ITEM), kept);
  });

for (const [text, at] of [
  ["metrics.loss <", "character 15"],
  ["metrics.loss = '1'", "character 16"],
  ["metrics.loss LIKE '1%'", "character 14"],
  ["params.a < 'x'", "character 12"],
  ["params.a = x", "character 12"],
  ["status = RUNNING", "character 10"],
  ["status > 3", "character 10"],
  ["metrics.a = 1 AND", "character 18"],
  ["(metrics.a = 1", "character 15"],
  ["metrics.a = 1)", "character 14"],
  ["metrics.a = 1 metrics.b = 2", "character 15"],
  ["unknown = 1", "character 1"],
  ["matrics.a = 1", "character 1"],
  ["attributes.nothing = 1", "character 1"],
  ["datasets.colour = 'red'", "character 1"],
  ["metrics. = 1", "character 10"],
  ["metrics.a IN ()", "character 15"],
  ["metrics.a = 1 ; DROP", "character 15"],
  ["params.a = 'open", "character 12"],
  ["__proto__.a = 1", "character 1"],
  ["constructor = 'x'", "character 1"],
] as const)
  test(`${text} is refused at ${at}`, () => {
    assert.throws(() => parseFilter(text, VOCABULARY), { code: "tracking.filter", at });
  });

test("brackets without end are refused, not followed until the stack ends", () => {
  assert.throws(() => parseFilter("(".repeat(100_000), VOCABULARY), { code: "tracking.filter" });
  assert.throws(() => parseFilter(`params.a = '${"''".repeat(1_000_000)}`, VOCABULARY), { code: "tracking.filter" });
});

test("an order names each field once, and a direction", () => {
  assert.deepEqual(parseOrder(["metrics.loss DESC", "`Run Name`", 'params."a b" asc'], VOCABULARY), [
    { field: { entity: "metrics", key: "loss", type: "number" }, descending: true },
    { field: { entity: "attributes", key: "run_name", type: "text" }, descending: false },
    { field: { entity: "params", key: "a b", type: "numeric-text" }, descending: false },
  ]);
  for (const orderBy of [["metrics.a", "metric.a DESC"], ["metrics.a DOWN"], [""], ["nothing"], ["metrics.a, metrics.b"]])
    assert.throws(() => parseOrder(orderBy, VOCABULARY), { code: "tracking.order" });
});

test("any filter keeps what its meaning, worked out plainly, keeps", () => {
  fc.assert(
    fc.property(anyFilter, anyItem, ({ text, meaning }, item) => {
      assert.equal(keeps(text, item), meaning(item), text);
    }),
    { numRuns: 2000, seed: 7 },
  );
});

test("LIKE is the regular expression that it stands for, and long patterns take no longer than text times pattern", () => {
  const signs = fc.constantFrom("a", "b", "%", "_", ".");
  const word = (sign: fc.Arbitrary<string>) => fc.array(sign, { maxLength: 8 }).map((all) => all.join(""));
  fc.assert(
    fc.property(word(fc.constantFrom("a", "b", ".")), word(signs), (text, pattern) => {
      const wanted = new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("%", ".*").replaceAll("_", ".")}$`);
      assert.equal(isLike(text, pattern), wanted.test(text));
    }),
    { numRuns: 2000, seed: 7 },
  );
  assert.equal(isLike("a".repeat(8000), `${"%a".repeat(500)}b`), false);
});

interface Meant {
  readonly text: string;
  readonly meaning: (item: Item) => boolean;
}

const anyItem = fc.record(
  {
    "metrics.a": fc.constantFrom(-1, 0, 0.5, 2, Number.NaN, Number.POSITIVE_INFINITY),
    "metrics.b c": fc.constantFrom(-1, 0, 0.5, 2),
    "params.p": fc.constantFrom("", "x", "X y", "2", "0.5"),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Item>;

const numberTest: fc.Arbitrary<Meant> = fc
  .tuple(fc.constantFrom("a", "b c"), fc.constantFrom("=", "!=", "<", "<=", ">", ">="), fc.constantFrom(-1, 0, 0.5, 2))
  .map(([key, op, wanted]) => ({
    text: `metrics.${key === "a" ? key : `"${key}"`} ${op} ${wanted}`,
    meaning: (item) => {
      const held = item[`metrics.${key}`] as number | undefined;
      if (held === undefined) return false;
      if (op === "=" || op === "!=") return (held === wanted) === (op === "=");
      return op[0] === "<"
        ? held < wanted || (op === "<=" && held === wanted)
        : held > wanted || (op === ">=" && held === wanted);
    },
  }));

const textTest: fc.Arbitrary<Meant> = fc
  .tuple(fc.subarray(["", "x", "X y", "2"], { minLength: 1 }), fc.boolean(), fc.boolean())
  .map(([wanted, negated, quotes]) => ({
    text: `params.p ${negated ? "NOT IN" : "IN"} (${wanted.map((text) => (quotes ? `'${text}'` : `"${text}"`)).join(", ")})`,
    meaning: (item) => {
      const held = item["params.p"] as string | undefined;
      return held !== undefined && wanted.includes(held) !== negated;
    },
  }));

const nullTest: fc.Arbitrary<Meant> = fc
  .boolean()
  .map((negated) => ({ text: `params.p is ${negated ? "not " : ""}null`, meaning: (item) => "params.p" in item === negated }));

const { anyFilter } = fc.letrec<{ anyFilter: Meant }>((again) => {
  const two = fc.tuple(again("anyFilter"), again("anyFilter"));
  return {
    anyFilter: fc.oneof(
      { maxDepth: 4 },
      numberTest,
      textTest,
      nullTest,
      two.map(
        ([a, b]): Meant => ({ text: `(${a.text}) AND (${b.text})`, meaning: (item) => a.meaning(item) && b.meaning(item) }),
      ),
      two.map(([a, b]): Meant => ({ text: `((${a.text}) or ${b.text})`, meaning: (item) => a.meaning(item) || b.meaning(item) })),
      again("anyFilter").map(({ text, meaning }): Meant => ({ text: `NOT (${text})`, meaning: (item) => !meaning(item) })),
    ),
  };
});
