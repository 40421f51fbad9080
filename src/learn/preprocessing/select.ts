/** The columns that are worth keeping, as they are. */
import { MillError } from "../../base/index.ts";
import type { Params, TrainingData } from "../estimator.ts";
import type { NumberColumn, TextColumn } from "../frame.ts";
import { badColumn } from "../training-data.ts";
import { defineTransformer, eachColumn } from "./define.ts";
import { type Part, sameNumber, sameText } from "./part.ts";
import type { RecordOf } from "./records.ts";
import { momentsOf } from "./scale.ts";
import { correctedInformation, fStatistic } from "./scores.ts";

const fields = { name: "text", isText: "boolean", isKept: "boolean", score: "number" } as const;
type Scored = RecordOf<typeof fields>;

export const selectVariance = defineTransformer({
  name: "select-variance",
  revision: 1,
  about: "Drops numbers that hardly vary.",
  params: { varianceMin: { type: "number", default: 0, min: 0, about: "columns of no larger variance are dropped" } },
  tags: { takes: "numbers", missing: true, supervised: false, weights: true, gives: "same", fills: false, onnx: true },
  fields,
  async learn(data, params, context) {
    const records = await eachColumn(data, context, (name, column): Scored => {
      const { deviation } = momentsOf(name, column as NumberColumn, data.weights);
      const score = Math.min(deviation * deviation, Number.MAX_VALUE);
      return { name, isText: false, isKept: score > (params.varianceMin as number), score };
    });
    if (records.some(({ isKept }) => isKept)) return { records };
    throw badColumn(
      records.map(({ name }) => name).join('", "'),
      `a variance above ${params.varianceMin}`,
      `at most ${Math.max(...records.map(({ score }) => score))}`,
      "Lower select-variance.varianceMin, or choose other columns.",
    );
  },
  partsOf: (records) => records.map(keptPart),
});

export const select = defineTransformer({
  name: "select",
  revision: 1,
  about: "Keeps the columns that say most of the label, each looked at alone.",
  params: {
    score: {
      type: "choice",
      choices: ["mutual-information", "f-test"],
      default: "mutual-information",
      about:
        "what a column says of the label: information shared with it, or the F statistic of numbers with it, which sees straight lines alone",
    },
    columnsMax: { type: "integer", default: 50, min: 1, max: 100_000, about: "columns to keep, at most" },
    share: {
      type: "number",
      default: 1,
      min: 0,
      openMin: true,
      max: 1,
      about: "the best columns are kept until they have this share of the sum of all scores",
    },
  },
  tags: { takes: "both", missing: true, supervised: true, weights: true, gives: "same", fills: false, onnx: true },
  fields,
  async learn(data, params, context) {
    const scored = await eachColumn(data, context, (name, column): Scored => {
      const score = Math.min(scoreOf(name, column, data, params), Number.MAX_VALUE);
      return { name, isText: column.kind === "text", isKept: false, score };
    });
    const kept = bestOf(scored, params);
    return { records: scored.map((record) => ({ ...record, isKept: kept.has(record.name) })) };
  },
  partsOf: (records) => records.map(keptPart),
});

function scoreOf(name: string, column: NumberColumn | TextColumn, data: TrainingData, { score }: Params): number {
  if (score === "mutual-information") return correctedInformation(column, data);
  if (column.kind === "number") return fStatistic(column, data);
  throw new MillError("learn.bad-column", `Column "${name}": expected numbers for the F test, got texts.`, {
    at: name,
    expected: "a number column",
    got: "texts",
    fix: 'Select by "mutual-information", or encode the texts before.',
  });
}

/** The best first, those of equal scores by name; one at least. */
function bestOf(scored: readonly Scored[], params: Params): ReadonlySet<string> {
  const best = scored.toSorted((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
  const largest = best[0]!.score;
  const shareOf = ({ score }: Scored) => (largest > 0 ? score / largest : 0);
  const total = best.reduce((sum, each) => sum + shareOf(each), 0);
  const kept = new Set<string>();
  let sum = 0;
  for (const each of best.slice(0, params.columnsMax as number)) {
    if (kept.size > 0 && (sum >= (params.share as number) * total || each.score === 0)) break;
    kept.add(each.name);
    sum += shareOf(each);
  }
  return kept;
}

/** A column that is dropped is read all the same, so that the columns asked for are those of the training. */
function keptPart({ name, isText, isKept }: Scored): Part {
  if (isKept) return isText ? sameText(name) : sameNumber(name);
  return isText
    ? { kind: "text", input: name, texts: [], outputs: [], write: () => {}, addTo: () => [] }
    : { kind: "numbers", inputs: [name], outputs: [], write: () => {}, addTo: () => [] };
}
