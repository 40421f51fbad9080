/** Texts as +1 or -1 in one of so many columns, by a hash of `column=text`: no list of texts to keep, and texts never seen are as good as others. */
import { defineTransformer, eachColumn } from "./define.ts";
import { notInGraph } from "./graph.ts";
import { addHashed } from "./murmur3.ts";
import type { TextPart } from "./part.ts";
import type { RecordOf } from "./records.ts";

const fields = { name: "text", columns: "number" } as const;

export const hash = defineTransformer({
  name: "hash",
  revision: 1,
  about: "Texts of very many values in a fixed number of columns.",
  params: { columns: { type: "integer", default: 16, min: 1, max: 5000, about: "columns that the texts of a column share" } },
  tags: { takes: "texts", missing: true, supervised: false, weights: true, gives: "numbers", fills: true, onnx: false },
  fields,
  learn: async (data, params, context) => ({
    records: await eachColumn(data, context, (name) => ({ name, columns: params.columns as number })),
  }),
  partsOf: (records) => records.map(hashedPart),
  isSound: ({ columns }) => Number.isInteger(columns) && columns >= 1 && columns <= 5000,
});

const hashedPart = ({ name, columns }: RecordOf<typeof fields>): TextPart => ({
  kind: "text",
  input: name,
  texts: [],
  outputs: Array.from({ length: columns }, (_, at) => `${name}:#${at}`),
  write(text, out) {
    if (text !== null) addHashed(`${name}=${text}`, out);
  },
  addTo: () => {
    throw notInGraph(`the hash of "${name}"`, "Encode it with one-hot or target-encode instead.");
  },
});
