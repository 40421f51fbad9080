import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { MillError } from "../base/index.ts";
import { type OutputOf, ROWS_MAX } from "../contract/index.ts";
import { type Command, type CommandContext, textFlag } from "./command.ts";
import { cell, table } from "./table.ts";

type Reply = OutputOf<"predict">;
type Prediction = Reply["predictions"][number];

export const command: Command = async (context) => {
  const name = context.operands[0]!;
  const rows = await readRows(context);
  const replies = await context.withVerbs(async (call) => {
    const found: Reply[] = [];
    for (let start = 0; start < rows.length; start += ROWS_MAX)
      found.push(await call("predict", { name, rows: rows.slice(start, start + ROWS_MAX) }));
    return found;
  });
  const reply = { ...replies[0]!, predictions: replies.flatMap(({ predictions }) => predictions) };
  context.output.result(reply, () => replyText(reply));
  return undefined;
};

/** Errors: `cli.usage`, `cli.rows`. */
async function readRows({ flags, effects }: CommandContext): Promise<unknown[]> {
  const [row, file] = [textFlag(flags, "row"), textFlag(flags, "file")];
  if ((row === undefined) === (file === undefined)) {
    throw new MillError("cli.usage", "mill predict needs either --row or --file.", {
      expected: "--row JSON, or --file FILE",
      got: row === undefined ? "neither" : "both",
      fix: "See mill predict --help.",
    });
  }
  if (row !== undefined) return [parseRow(row, "--row")];
  const rows = parseRows(file === "-" ? await effects.stdin() : await readText(resolve(effects.cwd, file!)), file!);
  if (rows.length > 0) return rows;
  throw new MillError("cli.rows", `${file} has no rows.`, {
    at: file,
    expected: "at least one row",
    fix: "Give a file with a JSON list, or an object a line.",
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new MillError("cli.rows", `${path} cannot be read: ${(cause as Error).message}`, {
      at: path,
      fix: "Correct the path.",
      cause,
    });
  }
}

/** A JSON list, or an object a line. */
function parseRows(text: string, at: string): unknown[] {
  const content = text.replace(/^\uFEFF/, "");
  if (content.trimStart().startsWith("[")) return parseRow(content, at) as unknown[];
  return content
    .split(/\r?\n/)
    .flatMap((line, index) => (line.trim() === "" ? [] : [parseRow(line, `${at}, line ${index + 1}`)]));
}

function parseRow(text: string, at: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MillError("cli.rows", `${at} is not JSON: ${(cause as Error).message}`, {
      at,
      expected: 'a row, as in {"distance": 954}',
      fix:
        at === "--row"
          ? "Correct the row; in a shell, put it into single quotes."
          : "Give a file with a JSON list of rows, or a row a line; a CSV file must be converted first.",
      cause,
    });
  }
}

function replyText({ model, version, predictions }: Reply): string {
  return `${table(...columnsOf(predictions))}by ${model} version ${version}\n`;
}

function columnsOf(predictions: readonly Prediction[]): [heads: string[], rows: string[][]] {
  const heads = Object.keys(predictions[0] ?? {}).filter((name) => name !== "probabilities");
  const classes = predictions[0] && "probabilities" in predictions[0] ? Object.keys(predictions[0].probabilities) : [];
  const value = (prediction: Prediction, name: string) => cell((prediction as Readonly<Record<string, unknown>>)[name]);
  const share = (prediction: Prediction, name: string) =>
    cell("probabilities" in prediction ? prediction.probabilities[name] : null);
  return [
    [...heads, ...classes],
    predictions.map((prediction) => [
      ...heads.map((name) => value(prediction, name)),
      ...classes.map((name) => share(prediction, name)),
    ]),
  ];
}
