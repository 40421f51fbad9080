/** The `mill.ts` of a newcomer's file, as text. */
import type { Task } from "../../contract/index.ts";
import type { Counted } from "../../ingest/index.ts";
import {
  CLASS_ROWS_MIN,
  type LeftOut,
  type NamedColumn,
  type ProposedFeature,
  type Question,
  type SplitChoice,
} from "./decide.ts";

export interface Proposal {
  /** Of every definition. */
  readonly name: string;
  /** The file, relative to the project. */
  readonly path: string;
  readonly rowCount: number;
  readonly columns: readonly NamedColumn[];
  readonly label: NamedColumn;
  readonly question: Question;
  readonly time: NamedColumn | null;
  readonly split: SplitChoice;
  readonly features: readonly ProposedFeature[];
  readonly leftOut: readonly LeftOut[];
}

export function projectText(proposal: Proposal): string {
  const { name, path, columns, label, question, time, split, features, leftOut } = proposal;
  const splitWord = split.by === "time" ? "byTime" : "byHash";
  return `import { ${splitWord}, dataset, endpoint, features, files, gradientBoosting, model, problem } from "millwright";

export const question = problem(${quote(name)}, {
  question: ${quote(questionText(label, question))},
  task: ${quote(question.task)},
  owner: "you@example.org", // who answers for it
});

export const rows = dataset(${quote(name)}, {
  from: files(${quote(path)}),
${whereLine(label, question)}  columns: {
${columns.map(columnLine).join("\n")}
  },
${time ? `  time: ${quote(time.name)},\n` : ""}  split: ${splitWord}({ test: ${split.test}, holdout: ${split.holdout} }), // ${split.why}
});

export const inputs = features(${quote(name)}, rows, (f) => ({
${features.map(({ name, expression }) => `  ${name}: ${expression},`).join("\n")}
${leftOut.map(({ column, why }) => `  // left out: ${comment(column.name)} (${comment(why)})\n`).join("")}}));

export const predictor = model(${quote(name)}, {
  solves: question,
  from: inputs,
  label: (f) => ${labelText(label, question)},
  train: gradientBoosting(${trainerText(proposal)}),
  accept: (m) => [${ACCEPT[question.task](proposal).join(", ")}], // better than knowing nothing, and than the model in charge
});

export const served = endpoint(${quote(name)}, { serves: predictor });
`;
}

function questionText({ source }: NamedColumn, { task, positive }: Question): string {
  if (task === "regression") return `How much is ${source}?`;
  if (task === "multiclass-classification") return `Which ${source} is it?`;
  return positive === null ? `Is ${source} true?` : `Is ${source} ${positive}?`;
}

function whereLine({ name }: NamedColumn, { kept, rare }: Question): string {
  if (rare.length === 0) return "";
  const shown = rare.length > 5 ? `${rare.length} of them` : rare.map(counted).join(", ");
  return `  // classes with fewer than ${CLASS_ROWS_MIN} rows are left out: ${comment(shown)}
  where: (c) => c.${name}.in([${kept.map(quote).join(", ")}]),\n`;
}

function columnLine(column: NamedColumn): string {
  const { name, source, type, missing } = column;
  if (type === null) return `    // ${name}: its values cannot be read`;
  const written = quote(`${type}${missing > 0 ? "?" : ""}`);
  const text = name === source ? written : `{ type: ${written}, source: ${quote(source)} }`;
  const notes = notesOn(column);
  return `    ${name}: ${text},${notes.length > 0 ? ` // ${comment(notes.join("; "))}` : ""}`;
}

export function notesOn({ type, values, misfits, missingWords, misfitWords }: NamedColumn): string[] {
  const missing = values > 0 && missingWords.length > 0 ? [`${missingWords.map(counted).join(", ")}: read as missing`] : [];
  const faulty = misfits > 0 ? [`${misfits} rows go to quarantine, no ${type}: ${misfitWords.map(counted).join(", ")}`] : [];
  return [...missing, ...faulty];
}

const counted = ({ value, count }: Counted) => `${quote(value as string)} (${count})`;

const labelText = ({ name, type }: NamedColumn, { task, positive }: Question) =>
  task !== "binary-classification" || type === "boolean" ? `f.${name}` : `f.${name}.eq(${quote(positive!)})`;

/** Small leaves and trees where rows are few. */
function trainerText({ rowCount }: Proposal): string {
  return rowCount < 2000 ? "{ trees: 50, leaves: 8, minRowsPerLeaf: 5 }" : "{ trees: 100 }";
}

/** What no constant answer reaches. */
const ACCEPT: Readonly<Record<Task, (proposal: Proposal) => readonly string[]>> = {
  "binary-classification": () => ["m.auc.atLeast(0.5)", "m.auc.beatsChampion()"],
  "multiclass-classification": ({ label, question }) => [
    `m.macroF1.atLeast(${Math.floor(100 / (question.kept.length || label.distinct)) / 100})`,
    "m.macroF1.beatsChampion()",
  ],
  regression: () => ["m.r2.atLeast(0)", "m.rmse.beatsChampion()"],
};

/** A value of the data as source text. JSON lets two line ends pass that end a comment. */
const quote = (value: string | number): string =>
  JSON.stringify(value).replaceAll(/[\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16)}`);
const comment = (text: string): string => text.replaceAll(/\s+/g, " ");
