/** The words of `mill.ts` for each estimator and transformer, and the page of `docs/` about all of them, from the tables in `src/learn`. */
import { type Estimator, estimators, type ParamSpec, type Transformer, transformers } from "../src/learn/index.ts";
import { expectation } from "../src/learn/params.ts";

const TASKS = ["binary-classification", "multiclass-classification", "regression"];

/** The baseline is trained beside every model anyway, and a model of a `mill.ts` has a task that has a label. */
const offered = estimators.filter(({ name, tags }) => name !== "constant" && tags.tasks.some((task) => TASKS.includes(task)));

export const trainerWords = (): string => `/** Written by scripts/docs.ts from the tables of learn: change it there. */
import type { Columns } from "../learn/index.ts";
import type { Trainer, Transform } from "./typed.ts";
import { trainer, transform } from "./trainers.ts";

${[...offered.map(trainerWord), ...transformers.map(transformWord)].join("\n\n")}
`;

function trainerWord({ name, about, params, tags }: Estimator): string {
  const tasks = tags.tasks.filter((task) => TASKS.includes(task)).map((task) => JSON.stringify(task));
  return `${paramsType(name, params)}

/** ${about} */
export const ${camel(name)} = (params: ${pascal(name)}Params = {}): Trainer<${tasks.join(" | ")}> => trainer(${JSON.stringify(name)}, params);`;
}

const transformWord = ({ name, about, params }: Transformer): string => `${paramsType(name, params)}

/** ${about} Columns: a name or names, or all of a kind. */
export const ${camel(name)} = (columns: Columns | string, params: ${pascal(name)}Params = {}): Transform => transform(${JSON.stringify(name)}, columns, params);`;

function paramsType(name: string, params: Estimator["params"]): string {
  const fields = Object.entries(params).map(
    ([key, spec]) => `  /** ${sentence(spec.about)} ${takes(spec)} */\n  readonly ${key}?: ${typeOf(spec)} | undefined;`,
  );
  return fields.length === 0
    ? `export type ${pascal(name)}Params = Readonly<Record<never, never>>;`
    : `export interface ${pascal(name)}Params {\n${fields.join("\n")}\n}`;
}

const typeOf = (spec: ParamSpec) =>
  ({
    integer: () => "number",
    number: () => "number",
    boolean: () => "boolean",
    choice: () => (spec as { choices: readonly string[] }).choices.map((choice) => JSON.stringify(choice)).join(" | "),
    "by-name": () => "Readonly<Record<string, number>>",
  })[spec.type]();

const takes = (spec: ParamSpec) => {
  const range = spec.type === "boolean" || spec.type === "choice" ? "" : `${sentence(expectation(spec))} `;
  return `${range}Default ${JSON.stringify(spec.default)}.`;
};

const sentence = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
const pascal = (name: string) => name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
const camel = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

export const estimatorsPage = (
  table: (heads: readonly string[], rows: readonly (readonly string[])[]) => string,
): string => `# Estimators

What can be trained, with every parameter. Those that learn from a label are words of \`mill.ts\` (\`import { gradientBoosting } from "millwright"\`); all of them are in \`millwright/learn\`.

${table(
  ["estimator", "learns", "takes", "about"],
  estimators.map(({ name, tags, about }) => [`[\`${name}\`](#${name})`, tags.tasks.join(", "), takenBy({ tags }), about]),
)}

${estimators.map((estimator) => chapter(estimator, table)).join("\n\n")}

# Transformers

What may stand before an estimator in a \`pipeline\`: each takes columns, one by name, several, or all of a kind, and puts others in their place.

${table(
  ["transformer", "takes", "about"],
  transformers.map(({ name, tags, about }) => [
    `[\`${name}\`](#${name})`,
    `${tags.takes === "both" ? "numbers, texts" : tags.takes}${tags.missing ? ", missing values" : ""}`,
    about,
  ]),
)}

${transformers.map((transformer) => chapter(transformer, table)).join("\n\n")}
`;

const takenBy = ({ tags }: Pick<Estimator, "tags">) =>
  [
    ...(tags.numbers ? [tags.negative ? "numbers" : "numbers of at least 0"] : []),
    ...(tags.text ? ["texts"] : []),
    ...(tags.missing ? ["missing values"] : []),
    ...(tags.weights ? ["weights"] : []),
  ].join(", ");

function chapter(
  { name, about, params }: Pick<Estimator, "name" | "about" | "params">,
  table: Parameters<typeof estimatorsPage>[0],
): string {
  const rows = Object.entries(params).map(([key, spec]) => [
    `\`${key}\``,
    expectation(spec),
    `\`${JSON.stringify(spec.default)}\``,
    sentence(spec.about),
  ]);
  const head = `## ${name}\n\n${about}`;
  return rows.length === 0 ? head : `${head}\n\n${table(["parameter", "takes", "default", "about"], rows)}`;
}
