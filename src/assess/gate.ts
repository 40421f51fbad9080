/** The gate of a model: its requirements against its measurements, and against the champion on the same rows. */
import { type Digest, MillError } from "../base/index.ts";
import { MEASURES, type Measurement, type Requirement, type Task } from "../contract/index.ts";
import type { Node } from "../express/index.ts";
import { readPart, type TrainingSetInput, trainingSet } from "../features/index.ts";
import { type Evidence, type Frame, type Gain, leadsOver, measure } from "../learn/index.ts";
import { CHAMPION, judge, LEAD } from "../problem/index.ts";
import type { StepContext, StepKind } from "../steps/index.ts";
import { openTrained } from "../train/index.ts";
import { evidenceOf, pickRows } from "./evidence.ts";
import { recentRows } from "./recent.ts";

export interface GateInput {
  readonly model: string;
  readonly problem: { readonly name: string; readonly question: string };
  readonly task: Task;
  readonly gain: Gain | null;
  readonly requirements: readonly Requirement[];
  readonly measurements: readonly Measurement[];
  readonly candidate: Rival;
  /** Null when no requirement asks for one, or there is none yet. */
  readonly champion: (Rival & { readonly version: number }) | null;
  /** The test part of the candidate's training set. */
  readonly test: Digest;
  /** The champion's own features over the same data; null when they are the candidate's. */
  readonly championSet: TrainingSetInput | null;
}

interface Rival {
  readonly trained: Digest;
  readonly threshold: number | null;
  readonly classes: readonly string[];
  /** By feature name; a model reads them by their names alone. */
  readonly fields: Readonly<Record<string, Node>>;
}

/** A refusal is a result: the verdict stands in the facts, with its chain. */
export const gate: StepKind<GateInput> = {
  name: "gate",
  revision: 2,
  async run(input, context) {
    const rivalry = input.champion === null ? [] : await measureChampion(input.champion, input, context);
    const verdict = judge(input.requirements, [...input.measurements, ...rivalry], { problem: input.problem });
    return {
      objects: {},
      facts: { verdict: JSON.parse(JSON.stringify(verdict)), champion: input.champion?.version ?? null },
      measurements: rivalry,
    };
  },
};

/** The champion's measures on test, and the candidate's lead over it there and on the newest of these rows. */
async function measureChampion(champion: Rival, input: GateInput, context: StepContext): Promise<Measurement[]> {
  try {
    return await compare(champion, input, context);
  } catch (error) {
    if (!(error instanceof MillError) || !isOutgrown(error)) throw error;
    const note = `the champion cannot answer these rows: ${error.message}`;
    return Object.keys(MEASURES[input.task]).flatMap((measure) =>
      [CHAMPION, LEAD].map((name) => ({ subject: `${name}@test`, measure, value: null, note })),
    );
  }
}

/** The data set has changed so that the champion's features or classes no longer fit it. */
const isOutgrown = ({ code }: MillError) => code === "features.unseen-class" || code.startsWith("express.");

async function compare(champion: Rival, input: GateInput, context: StepContext): Promise<Measurement[]> {
  const championTest =
    input.championSet === null ? input.test : (await trainingSet.run(input.championSet, context)).objects.test!;
  const theirs = await score(champion, championTest, input, context);
  const ours = await score(input.candidate, input.test, input, context);
  const recent = recentRows(ours.all);
  return [
    ...championMeasures(input.task, theirs.evidence),
    ...leadMeasures("test", input, ours.evidence, theirs.evidence),
    ...(recent === null
      ? []
      : leadMeasures("recent", input, pickRows(ours.evidence, recent.rows), pickRows(theirs.evidence, recent.rows)).map(
          (lead) => ({ ...lead, window: recent.window }),
        )),
  ];
}

/** The rows of both parts are the same, in the same order: features differ, rows and labels do not. */
async function score(
  rival: Rival,
  test: Digest,
  { task, gain }: GateInput,
  context: StepContext,
): Promise<{ readonly evidence: Evidence; readonly all: Frame }> {
  const data = await readPart(test, { features: Object.keys(rival.fields), task, classes: rival.classes }, context);
  await using model = await openTrained(rival.trained, context);
  return { evidence: evidenceOf({ ...rival, gain }, data.y, await model.predict(data.X)), all: data.all };
}

function championMeasures(task: Task, evidence: Evidence): Measurement[] {
  const { measures, notes } = measure(task, evidence);
  return Object.entries(measures).map(([name, value]) => ({
    subject: `${CHAMPION}@test`,
    measure: name,
    value,
    count: evidence.y.length,
    ...(notes[name] ? { note: notes[name] } : {}),
  }));
}

/** By the measures that the champion must be beaten in. */
function leadMeasures(
  rows: "test" | "recent",
  { task, requirements }: GateInput,
  ours: Evidence,
  theirs: Evidence,
): Measurement[] {
  const asked = new Set(requirements.filter(({ test }) => test === "beatsChampion").map(({ measure }) => measure));
  return Object.entries(leadsOver(task, [...asked], ours, theirs)).map(([measure, lead]) => ({
    subject: `${LEAD}@${rows}`,
    measure,
    count: ours.y.length,
    ...(lead === null ? { value: null, note: `the champion's ${measure} has no value on these rows` } : lead),
  }));
}
