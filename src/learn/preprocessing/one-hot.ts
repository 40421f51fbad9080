/** A column of 0 and 1 for each text. Rare texts share one, missing has its own if it occurred in training. */

import type { TextColumn } from "../frame.ts";
import { defineTransformer, eachColumn } from "./define.ts";
import { lookUp } from "./graph.ts";
import { countTexts, type TextCounts } from "./levels.ts";
import type { TextPart } from "./part.ts";
import type { RecordOf } from "./records.ts";

const fields = {
  name: "text",
  /** With a column each. */
  own: "texts",
  /** Share the column of rare texts. */
  rare: "texts",
  hasRare: "boolean",
  /** Unseen texts count as rare. */
  isUnseenRare: "boolean",
  hasMissing: "boolean",
} as const;
type OneHot = RecordOf<typeof fields>;

export const oneHot = defineTransformer({
  name: "one-hot",
  revision: 1,
  about: "A column of 0 and 1 for each text.",
  params: {
    countMin: {
      type: "integer",
      default: 10,
      min: 1,
      max: 1_000_000,
      about: "texts of a column with fewer rows share one column",
    },
    columnsMax: {
      type: "integer",
      default: 200,
      min: 1,
      max: 10_000,
      about: "texts with a column of their own, at most: the most frequent",
    },
    unseen: {
      type: "choice",
      choices: ["zeros", "rare"],
      default: "zeros",
      about: "a text that training did not have: 0 in every column, or 1 in that of rare texts, which is there for certain then",
    },
  },
  tags: { takes: "texts", missing: true, supervised: false, weights: true, gives: "numbers", fills: true, onnx: true },
  fields,
  async learn(data, params, context) {
    const records = await eachColumn(data, context, (name, column): OneHot => {
      const counts = countTexts(column as TextColumn, data.weights);
      const own = ownTexts(counts, params.countMin as number, params.columnsMax as number);
      const rare = [...counts.byText.keys()].filter((text) => !own.has(text));
      const isUnseenRare = params.unseen === "rare";
      return {
        name,
        own: [...own],
        rare,
        hasRare: isUnseenRare || rare.length > 0,
        isUnseenRare,
        hasMissing: counts.missing > 0,
      };
    });
    return { records };
  },
  partsOf: (records) => records.map(oneHotPart),
  isSound: ({ own, rare, hasRare }) =>
    new Set([...own, ...rare]).size === own.length + rare.length && (hasRare || rare.length === 0),
});

/** In the order of the texts; of texts as frequent as each other the earlier ones. */
function ownTexts({ byText }: TextCounts, countMin: number, columnsMax: number): ReadonlySet<string> {
  const common = [...byText].filter(([, count]) => count >= countMin);
  const kept = new Set(
    common
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, columnsMax)
      .map(([text]) => text),
  );
  return new Set(common.map(([text]) => text).filter((text) => kept.has(text)));
}

function oneHotPart({ name, own, rare, hasRare, isUnseenRare, hasMissing }: OneHot): TextPart {
  const outputs = [
    ...own.map((text) => `${name}:${text}`),
    ...(hasRare ? [`${name}:(rare)`] : []),
    ...(hasMissing ? [`${name}:(missing)`] : []),
  ];
  const rareAt = hasRare ? own.length : -1;
  const places = new Map([...own.map((text, at) => [text, at] as const), ...rare.map((text) => [text, rareAt] as const)]);
  const missingAt = hasMissing ? outputs.length - 1 : -1;
  const unseenAt = isUnseenRare ? rareAt : -1;
  const placeOf = (text: string | null) => (text === null ? missingAt : (places.get(text) ?? unseenAt));
  return {
    kind: "text",
    input: name,
    texts: [...own, ...rare],
    outputs,
    write(text, out) {
      const place = placeOf(text);
      if (place >= 0) out[place] = 1;
    },
    addTo(graph, given) {
      const row = (place: number) => outputs.map((_, at) => (at === place ? 1 : 0));
      const keys = [...own, ...rare];
      return lookUp(graph, given, [...keys, ""], [...keys, null].map((text) => row(placeOf(text))).concat([row(unseenAt)]));
    },
  };
}
