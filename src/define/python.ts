import { type Duration, type Json, MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import type { Params } from "../learn/index.ts";
import type { PythonDefinition, TrainerDefinition } from "./definitions.ts";
import { duration, fieldsOf, type Given, list, optionalText, record, text, wrong } from "./options.ts";
import type { Trainer } from "./typed.ts";

export interface PythonOptions {
  /** A `.py` or `.ipynb` in the project's folder. It asks `millwright.job()` for its data and saves its model there. */
  readonly script: string;
  /** As pip takes them, as in `["scikit-learn==1.9.1"]`; or the file in the project's folder that has one a line, as in "requirements.txt". */
  readonly requirements: string | readonly string[];
  /** JSON: what the script finds as `job.params`. */
  readonly params?: Readonly<Record<string, Json>> | undefined;
  /** More files of the project's folder that lie beside the script when it runs: modules that it imports, tables that it reads. */
  readonly files?: readonly string[] | undefined;
  /** The licence of the model, for its card; as SPDX writes it. */
  readonly license?: string | undefined;
  /** How long it may run, as in "2h"; it is ended then. Default: as long as it takes. */
  readonly timeout?: Duration | undefined;
}

export const PYTHON = "python";

/**
 * A trainer that is a Python script: scikit-learn, PyTorch, or whatever its requirements bring. An edited script, file or requirement trains again.
 * Errors: `define.*`, naming the field.
 */
export function python(options: PythonOptions): Trainer<Task> {
  const { script, requirements, params, files, license, timeout } = fieldsOf(PYTHON, options, OPTIONS);
  const said = {
    ...(license !== undefined && { license: optionalText(`${PYTHON}: license`, license)! }),
    ...(timeout !== undefined && { timeout: duration(`${PYTHON}: timeout`, timeout) }),
  };
  const definition: TrainerDefinition = {
    estimator: PYTHON,
    params: readParams(params ?? {}) as unknown as Params,
    python: Object.freeze({
      script: readScript(script),
      requirements: readRequirements(requirements),
      files: Object.freeze(list(`${PYTHON}: files`, files ?? []).map((path) => readPath(`${PYTHON}: files`, path))),
      ...said,
    }),
  };
  return Object.freeze(definition) as unknown as Trainer<Task>;
}

const OPTIONS = [
  "script",
  "requirements",
  "params",
  "files",
  "license",
  "timeout",
] as const satisfies readonly (keyof PythonOptions)[];

/** What `python(...)` returned, also from a plain object of the same form. Errors: as `python`; `define.bad-value` for what cannot stand around a script. */
export function readPython(at: string, { python: given, params, estimator: _, ...around }: Given): TrainerDefinition {
  const [other] = Object.keys(around).filter((name) => around[name] !== undefined);
  if (other !== undefined)
    throw new MillError("define.bad-value", `${at}: a Python script takes no ${other} around it.`, {
      at,
      expected: "python({ ... }) as it is",
      got: `python({ ... }) with ${other}`,
      fix: "Do in the script what is to be done around the model, as with a pipeline of scikit-learn.",
    });
  return python({ ...(record(`${at}: python`, given) as unknown as PythonOptions), params: params as never });
}

function readScript(given: unknown): string {
  const at = `${PYTHON}: script`;
  const path = readPath(at, given);
  return /\.(py|ipynb)$/.test(path) ? path : wrong(at, "a file that ends with .py or .ipynb", given);
}

/** By names only: where they lie is looked at when the project is loaded. */
function readPath(at: string, given: unknown): string {
  const path = text(at, given);
  const parts = path.split("/");
  const isInside = !/[\\\0]/.test(path) && parts.every((part) => part !== "" && part !== "." && part !== "..");
  return isInside ? path : wrong(at, 'the path of a file in the project\'s folder, as in "train.py", without ..', given);
}

function readRequirements(given: unknown): PythonDefinition["requirements"] {
  const at = `${PYTHON}: requirements`;
  if (typeof given === "string" && !/\.(txt|in)$/.test(given))
    return wrong(at, 'a list, as in ["scikit-learn==1.9.1"], or the name of a file, as in "requirements.txt"', given);
  if (typeof given === "string") return readPath(at, given);
  return Object.freeze(list(at, given).map((one) => readRequirement(at, text(at, one).trim())));
}

/** The requirements of a file, one a line; `#` begins a comment. Errors: `define.bad-value` for options of pip's. */
export function requirementLines(at: string, content: string): readonly string[] {
  const lines = content.split(/\r?\n/).map((line) => line.replace(/(^|\s)#.*$/, "").trim());
  return lines.filter((line) => line !== "").map((line) => readRequirement(at, line));
}

/** Who resolves them reads the rest; an option would make it do something else than resolve. */
function readRequirement(at: string, line: string): string {
  const isOne = /^[A-Za-z0-9]/.test(line) && !/[\n\r\0]/.test(line) && !/\s--/.test(line);
  return isOne
    ? line
    : wrong(at, 'a requirement, as in "scikit-learn==1.9.1"; options of pip belong to its own configuration', line);
}

function readParams(given: unknown): Readonly<Record<string, Json>> {
  const at = `${PYTHON}: params`;
  const params = record(at, given);
  refuseNoJson(at, params);
  return Object.freeze(JSON.parse(JSON.stringify(params)));
}

function refuseNoJson(at: string, value: unknown): void {
  if (value === null || value === undefined || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  const isPlain = typeof value === "object" && [Object.prototype, Array.prototype, null].includes(Object.getPrototypeOf(value));
  if (!isPlain) wrong(at, "JSON: texts, finite numbers, booleans, lists and objects of them", value);
  for (const [name, inner] of Object.entries(value as object)) refuseNoJson(`${at}.${name}`, inner);
}
