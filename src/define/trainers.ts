import { MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { checkParams, estimatorNamed, type Params } from "../learn/index.ts";
import type { TrainerDefinition } from "./definitions.ts";
import { fieldsOf, record, text } from "./options.ts";
import type { Trainer } from "./typed.ts";

/** The parameters complete: defaults are filled in here, so that the key of a training step names every one of them. */
export function trainer<T extends Task>(estimator: string, given: unknown): Trainer<T> {
  const stated = Object.entries(record(estimator, given)).filter(([, value]) => value !== undefined);
  const checked = checkParams(estimatorNamed(estimator), Object.fromEntries(stated) as Params);
  if (!checked.ok) throw checked.error;
  return Object.freeze({ estimator, params: checked.params }) as unknown as Trainer<T>;
}

/** The trainer of a model, checked against the task it is to learn. */
export function readTrainer(at: string, given: unknown, task: Task): TrainerDefinition {
  const fields = fieldsOf(at, given, ["estimator", "params"]);
  const { name, tags } = estimatorNamed(text(`${at}: estimator`, fields.estimator));
  if (tags.tasks.includes(task)) return trainer(name, fields.params);
  throw new MillError("define.wrong-trainer", `${at}: ${name} cannot learn a ${task}.`, {
    at,
    expected: `a trainer for ${task}`,
    got: `${name}, for ${tags.tasks.join(" and ")}`,
    fix: "Use gradientBoosting(), or another trainer that learns the problem's task.",
  });
}
