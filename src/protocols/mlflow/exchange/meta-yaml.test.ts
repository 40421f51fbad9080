import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { metaText } from "./meta-text.ts";
import { parseMetaYaml } from "./meta-yaml.ts";

test("what MLflow's writer folds, quotes and escapes is read as it was", () => {
  const read = parseMetaYaml(
    [
      ...["aliases:", "  champion: '1'", "description: 'predicts", "", "  delays'", "empty: {}", "end_time: null", "id: '18'"],
      ...[
        "long: word word",
        "  dir",
        'odd: "a\\tb\\',
        '  \\ c\\x07"',
        "number: 927405695423964548",
        "tags: []",
        "list:",
        "- a",
        "- 'b",
      ],
      ...["", "  c'", "share: 1.5e-3", "'quoted: key': it''s", ""],
    ].join("\n"),
  );
  assert.deepEqual(Object.fromEntries(read), {
    ...{
      aliases: { champion: "1" },
      description: "predicts\ndelays",
      empty: {},
      end_time: null,
      id: "18",
      long: "word word dir",
    },
    ...{
      odd: "a\tb c\u0007",
      number: "927405695423964548",
      tags: [],
      list: ["a", "b\nc"],
      share: 0.0015,
      "quoted: key": "it''s",
    },
  });
});

test("what is written is read as the same", () => {
  const text = fc.string({ unit: "binary" });
  const keys = fc.string({ unit: "grapheme-ascii", minLength: 1 }).filter((key) => key !== "__proto__");
  fc.assert(
    fc.property(text, fc.integer(), fc.dictionary(keys, text, { noNullPrototype: true, maxKeys: 3 }), (one, count, tags) => {
      const read = parseMetaYaml(metaText({ one, count, none: null, is: true, tags }));
      assert.deepEqual(Object.fromEntries(read), { one, count, none: null, is: true, tags });
    }),
    { numRuns: 30 },
  );
});

test("other YAML is refused by its line, and nothing else happens", () => {
  for (const bad of ["a: 'never ends", "a: &anchor b", "a: |\n  block", "no colon", "a: !!python/object x", 'a: "\\q"'])
    assert.throws(() => parseMetaYaml(bad), SyntaxError, bad);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      try {
        parseMetaYaml(text);
      } catch (thrown) {
        assert.ok(thrown instanceof SyntaxError);
      }
    }),
  );
});
