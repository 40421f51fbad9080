/** Words of a text in a fixed number of columns, by a hash: nothing to learn, and no word is unknown. */
import { defineTransformer, eachColumn } from "./define.ts";
import { notInGraph } from "./graph.ts";
import { addHashed } from "./murmur3.ts";
import type { TextPart } from "./part.ts";
import type { RecordOf } from "./records.ts";
import { isTokenRule, type TokenRule, termsOf, tokenParams } from "./tokens.ts";
import { normalise } from "./words.ts";

const fields = { name: "text", tokens: "text", ngrams: "number", columns: "number", isNormed: "boolean" } as const;
type Hashed = RecordOf<typeof fields>;

export const hashWords = defineTransformer({
  name: "hash-words",
  revision: 1,
  about: "The words of a text in a fixed number of columns, +1 or -1 each.",
  params: {
    ...tokenParams,
    columns: { type: "integer", default: 256, min: 1, max: 5000, about: "columns that all words share; each is 8 bytes a row" },
    norm: { type: "boolean", default: true, about: "whether each row is divided by its Euclidean length" },
  },
  tags: { takes: "texts", missing: true, supervised: false, weights: true, gives: "numbers", fills: true, onnx: false },
  fields,
  learn: async (data, params, context) => ({
    records: await eachColumn(data, context, (name) => ({
      name,
      tokens: params.tokens as string,
      ngrams: params.ngrams as number,
      columns: params.columns as number,
      isNormed: params.norm as boolean,
    })),
  }),
  partsOf: (records) => records.map(hashedPart),
  isSound: ({ tokens, ngrams, columns }) =>
    isTokenRule(tokens) && ngrams >= 1 && ngrams <= 4 && Number.isInteger(columns) && columns >= 1 && columns <= 5000,
});

const hashedPart = ({ name, tokens, ngrams, columns, isNormed }: Hashed): TextPart => ({
  kind: "text",
  input: name,
  texts: [],
  tries: ["one", "one two two", " "],
  outputs: Array.from({ length: columns }, (_, at) => `${name}:#${at}`),
  write(text, out) {
    if (text === null) return;
    for (const term of termsOf(text, tokens as TokenRule, ngrams)) addHashed(term, out);
    if (isNormed) normalise(out);
  },
  addTo: () => {
    throw notInGraph(`the hashed words of "${name}"`, 'Take count-words or tf-idf with tokens "spaces" instead.');
  },
});
