/** `mill init`: looks at a file, decides, writes a project, and says what it decided. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { type Look, lookAt } from "../../ingest/index.ts";
import { openDuckDb } from "../../ports/tables/index.ts";
import { type Command, type CommandContext, textFlag } from "../command.ts";
import {
  askQuestion,
  CLASSES_MAX,
  chooseFeatures,
  chooseLabel,
  chooseSplit,
  chooseTime,
  labelType,
  type NamedColumn,
  splitShare,
} from "./decide.ts";
import { columnNames, projectName } from "./names.ts";
import { type Proposal, projectText } from "./project-text.ts";
import { sampleParcels } from "./sample.ts";
import { nextCommands, readmeText, summary, summaryText } from "./summary.ts";
import { placeData, refuseExisting, writeProject } from "./write-project.ts";
import { writeTemplate } from "./write-template.ts";

const LOOK_MEMORY_MB = 512;

export const command: Command = async (context) => {
  const { operands, flags, effects, output, factory } = context;
  const folder = resolve(effects.cwd, operands[0] ?? ".");
  await refuseExisting(folder);
  const template = textFlag(flags, "template");
  if (template !== undefined) return writeTemplate(template, folder, context);
  const scratch = await mkdtemp(join(tmpdir(), "mill-init-"));
  const tables = openDuckDb({ threads: availableParallelism(), memoryMb: LOOK_MEMORY_MB, tempFolder: join(scratch, "spill") });
  try {
    const file = await fileOf(context, scratch);
    const look = await lookAt({ path: file, scratch }, tables);
    const { path, copy } = await placeData(file, folder);
    const proposal = await propose(look, projectName(basename(file)), path, textFlag(flags, "label"));
    const next = nextCommands(proposal, look.example, shortest(effects.cwd, folder));
    const written = await writeProject({
      folder,
      name: proposal.name,
      version: factory.version,
      definitions: projectText(proposal),
      readme: readmeText(proposal, nextCommands(proposal, look.example, "")),
      copies: copy ? [{ from: file, path }] : [],
    });
    output.result(summary(proposal, folder, written, next), () => summaryText(proposal, look, folder, written, next));
  } finally {
    tables.close();
    await rm(scratch, { recursive: true, force: true });
  }
  return undefined;
};

async function fileOf({ flags, effects }: CommandContext, scratch: string): Promise<string> {
  const from = textFlag(flags, "from");
  if (from !== undefined) return resolve(effects.cwd, from);
  const { fileName, text } = sampleParcels();
  const path = join(scratch, fileName);
  await writeFile(path, text);
  return path;
}

async function propose(look: Look, name: string, path: string, asked: string | undefined): Promise<Proposal> {
  const { rowCount } = look;
  const names = columnNames(look.columns.map(({ source }) => source));
  const found = look.columns.map(
    (column, at): NamedColumn => ({ ...column, name: names[at]!, missing: rowCount - column.values - column.misfits }),
  );
  const chosen = chooseLabel(found, asked);
  const question = askQuestion(chosen, await look.values(chosen.source, labelType(chosen), CLASSES_MAX * 2));
  const label = { ...chosen, type: labelType(chosen) };
  const columns = found.map((column) => (column === chosen ? label : column));
  const time = chooseTime(columns, label);
  const share = splitShare(rowCount);
  const classesOverTime =
    time === null || question.task === "regression"
      ? null
      : await look.distinctOverTime(label.source, time.source, [1 - 2 * share, 1 - share]);
  const split = chooseSplit(rowCount, label, time, classesOverTime);
  return {
    name,
    path,
    rowCount,
    columns,
    label,
    question,
    time,
    split,
    ...chooseFeatures(columns, label, rowCount, look.example),
  };
}

/** Below the current folder a relative path says it, elsewhere an absolute one. */
function shortest(from: string, folder: string): string {
  const path = relative(from, folder);
  return path.startsWith("..") ? folder : path;
}
