/** The gate of a model: its requirements against its measurements, and against the champion on the same rows. */
import { type Digest, MillError } from "../base/index.ts";
import { MEASURES, type MeasureInfo, type Measurement, type Requirement, type Task } from "../contract/index.ts";
import type { Node } from "../express/index.ts";
import { readPart, type TrainingSetInput, trainingSet } from "../features/index.ts";
import { type Gain, measure } from "../learn/index.ts";
import { CHAMPION, judge } from "../problem/index.ts";
import type { StepContext, StepKind } from "../steps/index.ts";
import { readTrained } from "../train/index.ts";
import { evidenceOf } from "./evidence.ts";

export interface GateInput {
  readonly model: string;
  readonly problem: { readonly name: string; readonly question: string };
  readonly task: Task;
  readonly gain: Gain | null;
  readonly requirements: readonly Requirement[];
  readonly measurements: readonly Measurement[];
  /** Null when no requirement asks for one, or there is none yet. */
  readonly champion: Champion | null;
  readonly test: { readonly digest: Digest; readonly features: readonly string[]; readonly classes: readonly string[] };
  /** The champion's own features over the same data; null when they are the candidate's. */
  readonly championSet: TrainingSetInput | null;
}

interface Champion {
  readonly version: number;
  readonly trained: Digest;
  readonly threshold: number | null;
  readonly classes: readonly string[];
  readonly fields: Readonly<Record<string, Node>>;
}

/** A refusal is a result: the verdict stands in the facts, with its chain. */
export const gate: StepKind<GateInput> = {
  name: "gate",
  revision: 1,
  async run(input, context) {
    const champion = input.champion === null ? [] : await measureChampion(input.champion, input, context);
    const measures: Readonly<Record<string, MeasureInfo>> = MEASURES[input.task];
    const verdict = judge(input.requirements, [...input.measurements, ...champion], {
      problem: input.problem,
      better: (name) => measures[name]?.better ?? "higher",
    });
    return {
      objects: {},
      facts: { verdict: JSON.parse(JSON.stringify(verdict)), champion: input.champion?.version ?? null },
      measurements: champion,
    };
  },
};

async function measureChampion(champion: Champion, input: GateInput, context: StepContext): Promise<Measurement[]> {
  try {
    return await scoreChampion(champion, input, context);
  } catch (error) {
    if (!(error instanceof MillError) || !isOutgrown(error)) throw error;
    const note = `the champion cannot answer these rows: ${error.message}`;
    return Object.keys(MEASURES[input.task]).map((measure) => ({ subject: `${CHAMPION}@test`, measure, value: null, note }));
  }
}

/** The data set has changed so that the champion's features or classes no longer fit it. */
const isOutgrown = ({ code }: MillError) => code === "features.unseen-class" || code.startsWith("express.");

async function scoreChampion(champion: Champion, input: GateInput, context: StepContext): Promise<Measurement[]> {
  const { task, gain } = input;
  const test = input.championSet === null ? input.test.digest : (await trainingSet.run(input.championSet, context)).objects.test!;
  const data = await readPart(test, { features: Object.keys(champion.fields), task, classes: champion.classes }, context);
  const predictions = (await readTrained(champion.trained, context.objects)).predict(data.X);
  const { measures, notes } = measure(task, evidenceOf({ ...champion, gain }, data.y, predictions));
  return Object.entries(measures).map(([name, value]) => ({
    subject: `${CHAMPION}@test`,
    measure: name,
    value,
    count: data.y.length,
    ...(notes[name] ? { note: notes[name] } : {}),
  }));
}
