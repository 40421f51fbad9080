/** The place of each text in the order of the texts, from 0. */
import type { TextColumn } from "../frame.ts";
import { defineTransformer, eachColumn } from "./define.ts";
import { lookUp } from "./graph.ts";
import { countTexts } from "./levels.ts";
import type { TextPart } from "./part.ts";
import type { RecordOf } from "./records.ts";

const fields = { name: "text", texts: "texts", isUnseenOwn: "boolean" } as const;
type Ranked = RecordOf<typeof fields>;

export const ordinal = defineTransformer({
  name: "ordinal",
  revision: 1,
  about: "The place of each text in the order of the texts, from 0; missing stays missing.",
  params: {
    unseen: {
      type: "choice",
      choices: ["missing", "own"],
      default: "missing",
      about: "a text that training did not have: missing, or the place after the last",
    },
  },
  tags: { takes: "texts", missing: true, supervised: false, weights: true, gives: "numbers", fills: false, onnx: true },
  fields,
  learn: async (data, params, context) => ({
    records: await eachColumn(data, context, (name, column): Ranked => {
      const texts = [...countTexts(column as TextColumn, data.weights).byText.keys()];
      return { name, texts, isUnseenOwn: params.unseen === "own" };
    }),
  }),
  partsOf: (records) => records.map(ordinalPart),
});

function ordinalPart({ name, texts, isUnseenOwn }: Ranked): TextPart {
  const places = new Map(texts.map((text, place) => [text, place] as const));
  const unseen = isUnseenOwn ? texts.length : Number.NaN;
  return {
    kind: "text",
    input: name,
    texts,
    outputs: [name],
    write(text, out) {
      out[0] = text === null ? Number.NaN : (places.get(text) ?? unseen);
    },
    addTo: (graph, given) =>
      lookUp(
        graph,
        given,
        [...texts, ""],
        [...texts.keys(), Number.NaN, unseen].map((place) => [place]),
      ),
  };
}
