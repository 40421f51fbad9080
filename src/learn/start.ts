/** The model that a training goes on from, and whether it fits. */
import { MillError } from "../base/index.ts";
import type { Predictor, TrainingData } from "./estimator.ts";

/** Error: `learn.bad-start` where it is of another estimator or task, of other classes, or of other columns or another order of them. */
export function checkStart(start: Predictor, estimator: string, { X, task, classes }: TrainingData): void {
  const columns = Object.entries(X.columns);
  const isSameColumn = (name: string, texts: readonly string[] | null, index: number) =>
    columns[index]?.[0] === name && columns[index][1].kind === (texts === null ? "number" : "text");
  if (start.estimator !== estimator || start.task !== task)
    throw badStart(`a ${estimator} for ${task}`, `a ${start.estimator} for ${start.task}`);
  if (start.classes.length !== classes.length || start.classes.some((name, index) => name !== classes[index]))
    throw badStart(`the classes ${classes.join(", ")}`, start.classes.join(", "));
  if (start.inputs.length !== columns.length || !start.inputs.every(({ name, texts }, at) => isSameColumn(name, texts, at)))
    throw badStart(
      `the columns ${columns.map(([name, { kind }]) => `${name} (${kind})`).join(", ")}`,
      start.inputs.map(({ name, texts }) => `${name} (${texts === null ? "number" : "text"})`).join(", "),
    );
}

export const badStart = (expected: string, got: string) =>
  new MillError("learn.bad-start", `The model to go on from does not fit: expected ${expected}, got ${got}.`, {
    expected,
    got,
    fix: "Go on from a model of the same estimator, task and columns, or train anew.",
  });
