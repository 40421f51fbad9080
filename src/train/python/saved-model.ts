/** The files that a script has left in its output folder, as objects. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { MillError } from "../../base/index.ts";
import type { StepContext } from "../../steps/index.ts";
import type { FittedFile } from "./fitted.ts";

export interface SavedModel {
  readonly framework: string;
  readonly files: readonly FittedFile[];
}

const FRAMEWORKS = ["scikit-learn", "xgboost", "lightgbm", "pytorch", "keras", "onnx", "object"];
const FILES_MAX = 1000;
const SIZE_BYTES_MAX = 32 * 2 ** 30;
/** `job.save` writes it; `program/frameworks.py` says what is in it. */
const DESCRIPTION = "millwright.json";
const DESCRIPTION_BYTES_MAX = 1 << 20;

/** `work`: where the script ran. Errors: `train.no-model`, `train.bad-saved`. */
export async function storeSaved(output: string, work: string, context: StepContext): Promise<SavedModel> {
  const paths = await filesIn(output);
  if (paths.length === 0) throw await nothingSaved(work);
  const framework = await frameworkOf(output, paths);
  if (paths.length > FILES_MAX) throw badSaved(`It has ${paths.length} files.`, `at most ${FILES_MAX} files`);
  const sizes = await Promise.all(paths.map(async (path) => (await stat(join(output, path))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total > SIZE_BYTES_MAX) throw badSaved(`It has ${total} bytes.`, `at most ${SIZE_BYTES_MAX} bytes`);
  const files: FittedFile[] = [];
  for (const [index, path] of paths.entries())
    files.push({ path, digest: await context.objects.putFile(join(output, path)), sizeBytes: sizes[index]! });
  return { framework, files };
}

/** Paths below the folder, sorted by bytes. A link may lead anywhere. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => ({ entry, path: join(entry.parentPath, entry.name).slice(folder.length + 1) }));
  const strange = paths.find(({ entry }) => !entry.isFile() && !entry.isDirectory());
  if (strange) throw badSaved(`${strange.path} is a link or something else that is no file.`, "files, in the folder itself");
  return paths.flatMap(({ entry, path }) => (entry.isFile() ? [path] : [])).sort();
}

async function frameworkOf(output: string, paths: readonly string[]): Promise<string> {
  if (!paths.includes(DESCRIPTION)) {
    if (paths.includes("model.onnx")) return "onnx";
    throw badSaved(`It has ${paths.slice(0, 5).join(", ")}.`, "what job.save(model) writes, or model.onnx");
  }
  const path = join(output, DESCRIPTION);
  const text = (await stat(path)).size > DESCRIPTION_BYTES_MAX ? "" : await readFile(path, "utf8");
  const { framework, file } = parse(text);
  if (!FRAMEWORKS.includes(String(framework)))
    throw badSaved(`${DESCRIPTION} names the framework ${JSON.stringify(framework)}.`, FRAMEWORKS.join(", "));
  if (!paths.includes(String(file)))
    throw badSaved(`${DESCRIPTION} names the file ${JSON.stringify(file)}.`, "a file of the folder");
  return String(framework);
}

function parse(text: string): { readonly framework?: unknown; readonly file?: unknown } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

async function nothingSaved(work: string): Promise<MillError> {
  const beside = (await filesIn(work).catch(() => [])).filter((path) => /\.(onnx|pkl|pickle|joblib|pt2?|keras|h5)$/.test(path));
  return new MillError("train.no-model", "The Python script ended well, and saved no model.", {
    at: "job.output",
    expected: "job.save(model), or model.onnx in job.output",
    got: beside.length === 0 ? "nothing" : `${beside.slice(0, 3).join(", ")} beside the script`,
    fix:
      beside.length === 0 ? "Call job.save(model) at the end of the script." : "Write it to job.output, or call job.save(model).",
  });
}

const badSaved = (got: string, expected: string) =>
  new MillError("train.bad-saved", "What the Python script saved is no model that can be taken.", {
    at: "job.output",
    expected,
    got,
    fix: "Leave the writing to job.save(model), and keep other files out of job.output.",
  });
