/** A column for each frequent term of a text column: how often it is in the text, or its TF-IDF. Dense, so their number is bounded. */
import type { GraphBuilder } from "../../onnx/index.ts";
import type { FitContext, Params, TrainingData } from "../estimator.ts";
import type { TextColumn } from "../frame.ts";
import { badColumn } from "../training-data.ts";
import type { TransformerTags } from "../transformer.ts";
import { type Breathe, defineTransformer, eachColumn } from "./define.ts";
import { DOUBLE, notInGraph, scalar, splitColumns } from "./graph.ts";
import { countTexts } from "./levels.ts";
import type { TextPart } from "./part.ts";
import type { RecordOf } from "./records.ts";
import { isTokenRule, type TokenRule, termsOf, tokenParams } from "./tokens.ts";

const fields = {
  name: "text",
  tokens: "text",
  ngrams: "number",
  terms: "texts",
  /** What a term's count is multiplied by. */
  factors: "numbers",
  /** Each row is divided by its Euclidean length. */
  isNormed: "boolean",
} as const;
type Vocabulary = RecordOf<typeof fields>;

const params = {
  ...tokenParams,
  columnsMax: {
    type: "integer",
    default: 300,
    min: 1,
    max: 5000,
    about: "terms with a column, at most: the most frequent; each is 8 bytes a row",
  },
  countMin: { type: "integer", default: 2, min: 1, max: 1_000_000, about: "terms in fewer rows have no column" },
} as const;

const tags: TransformerTags = {
  ...{ takes: "texts", missing: true, supervised: false, weights: true, gives: "numbers", fills: true },
  onnx: true,
};

const isSound = ({ tokens, ngrams, terms, factors }: Vocabulary) =>
  isTokenRule(tokens) &&
  ngrams >= 1 &&
  ngrams <= 4 &&
  terms.length > 0 &&
  factors.length === terms.length &&
  new Set(terms).size === terms.length;

export const countWords = defineTransformer({
  name: "count-words",
  revision: 1,
  about: "How often each frequent word, or row of words, is in a text.",
  params,
  tags,
  fields,
  learn: (data, given, context) => learnWords(data, given, context, () => 1, false),
  partsOf: (records) => records.map(wordsPart),
  isSound,
});

export const tfIdf = defineTransformer({
  name: "tf-idf",
  revision: 1,
  about:
    "How often each frequent word is in a text, less for words that many texts have: count x (1 + ln((1 + rows) / (1 + rows with it))).",
  params: {
    ...params,
    norm: {
      type: "boolean",
      default: true,
      about: "whether each row is divided by its Euclidean length, so that long texts weigh no more",
    },
  },
  tags,
  fields,
  learn: (data, given, context) =>
    learnWords(data, given, context, (rows, all) => Math.log((1 + all) / (1 + rows)) + 1, given.norm as boolean),
  partsOf: (records) => records.map(wordsPart),
  isSound,
});

async function learnWords(
  data: TrainingData,
  given: Params,
  context: FitContext,
  factorOf: (rows: number, all: number) => number,
  isNormed: boolean,
): Promise<{ records: Vocabulary[] }> {
  const tokens = given.tokens as TokenRule;
  const ngrams = given.ngrams as number;
  const records = await eachColumn(data, context, async (name, column, breathe): Promise<Vocabulary> => {
    const counted = await countTerms(column as TextColumn, data.weights, tokens, ngrams, breathe);
    const terms = frequentTerms(counted, given.countMin as number, given.columnsMax as number);
    if (terms.length === 0)
      throw badColumn(
        name,
        `words that are in at least ${given.countMin} rows`,
        `${counted.terms.size} words, each in fewer`,
        `Lower countMin, or encode "${name}" with one-hot.`,
      );
    const factors = terms.map((term) => factorOf(counted.terms.get(term)!.rows, counted.total));
    return { name, tokens, ngrams, terms, factors, isNormed };
  });
  return { records };
}

interface CountedTerms {
  readonly terms: ReadonlyMap<string, { readonly rows: number; readonly times: number }>;
  /** Rows, those without a text among them. */
  readonly total: number;
}

/** Between so many texts other work has its turn. */
const TEXTS_AT_ONCE = 1000;

async function countTerms(
  column: TextColumn,
  weights: Float64Array | undefined,
  tokens: TokenRule,
  ngrams: number,
  breathe: Breathe,
): Promise<CountedTerms> {
  const { byText, missing } = countTexts(column, weights);
  const terms = new Map<string, { rows: number; times: number }>();
  let [total, done] = [missing, 0];
  for (const [text, weight] of byText) {
    total += weight;
    const seen = new Set<string>();
    for (const term of termsOf(text, tokens, ngrams)) {
      let count = terms.get(term);
      if (count === undefined) terms.set(term, (count = { rows: 0, times: 0 }));
      count.times += weight;
      if (!seen.has(term)) count.rows += weight;
      seen.add(term);
    }
    if (++done % TEXTS_AT_ONCE === 0 && done < byText.size) await breathe(done, byText.size);
  }
  return { terms, total };
}

/** In the order of the terms; of terms as frequent as each other the earlier ones. */
function frequentTerms({ terms }: CountedTerms, countMin: number, columnsMax: number): string[] {
  const order = (a: string, b: string) => (a < b ? -1 : 1);
  return [...terms]
    .filter(([, { rows }]) => rows >= countMin)
    .sort((a, b) => b[1].times - a[1].times || order(a[0], b[0]))
    .slice(0, columnsMax)
    .map(([term]) => term)
    .sort(order);
}

function wordsPart(vocabulary: Vocabulary): TextPart {
  const { name, tokens, ngrams, terms, factors, isNormed } = vocabulary;
  const places = new Map(terms.map((term, place) => [term, place] as const));
  return {
    kind: "text",
    input: name,
    texts: [],
    tries: [" ", ...terms, ...terms.map((term, at) => `${term}  ${terms[(at * 7 + 1) % terms.length]} ${term} `)].slice(0, 2000),
    outputs: terms.map((term) => `${name}:${term}`),
    write(text, out) {
      if (text === null) return;
      for (const term of termsOf(text, tokens as TokenRule, ngrams)) {
        const place = places.get(term);
        if (place !== undefined) out[place]! += 1;
      }
      for (let at = 0; at < out.length; at++) out[at]! *= factors[at]!;
      if (isNormed) normalise(out);
    },
    addTo(graph, given) {
      if (tokens === "spaces") return splitColumns(graph, addWords(graph, given, vocabulary), terms.length);
      throw notInGraph(`the words of "${name}"`, 'Cut the texts at spaces: tokens "spaces".');
    },
  };
}

/** To the Euclidean length 1; what has none stays. */
export function normalise(out: Float64Array): void {
  let squares = 0;
  for (let at = 0; at < out.length; at++) squares += out[at]! * out[at]!;
  const length = Math.sqrt(squares);
  if (length > 0) for (let at = 0; at < out.length; at++) out[at]! /= length;
}

/** [N, terms] in double; the counts are whole, so that the float32 of the operator is exact. */
function addWords(graph: GraphBuilder, texts: string, { ngrams, terms, factors, isNormed }: Vocabulary): string {
  const byLength = Array.from({ length: ngrams }, (_, at) => terms.filter((term) => term.split(" ").length === at + 1));
  const places = new Map(terms.map((term, place) => [term, place] as const));
  const [words] = graph.addMany("StringSplit", [texts], 2) as [string, string];
  const counts = graph.add("TfIdfVectorizer", [graph.add("Squeeze", [words, graph.constant("int64", [1])])], {
    mode: { string: "TF" },
    min_gram_length: { int: 1 },
    max_gram_length: { int: ngrams },
    max_skip_count: { int: 0 },
    ngram_counts: { ints: byLength.map((_, at) => byLength.slice(0, at).reduce((sum, of) => sum + of.length, 0)) },
    ngram_indexes: { ints: byLength.flat().map((term) => places.get(term)!) },
    pool_strings: { strings: byLength.flat().flatMap((term) => term.split(" ")) },
  });
  const weighed = graph.add("Mul", [graph.add("Cast", [counts], DOUBLE), graph.constant("float64", factors, [1, terms.length])]);
  if (!isNormed) return weighed;
  const axes = graph.constant("int64", [1]);
  const length = graph.add("Sqrt", [
    graph.add("ReduceSum", [graph.add("Mul", [weighed, weighed]), axes], { keepdims: { int: 1 } }),
  ]);
  const isZero = graph.add("Equal", [length, scalar(graph, 0)]);
  return graph.add("Div", [weighed, graph.add("Where", [isZero, scalar(graph, 1), length])]);
}
