import { EXIT } from "../contract/index.ts";
import { COMMON_FLAGS } from "./arguments.ts";
import type { CommandInfo, Flag } from "./command.ts";
import { alignRows } from "./table.ts";

export function generalHelp(commands: Readonly<Record<string, CommandInfo>>, version: string): string {
  const shown = Object.entries(commands).filter(([, { hidden }]) => !hidden);
  return [
    `mill ${version}: from a question to a gated, served model.`,
    "",
    "Usage: mill COMMAND [KIND/NAME ...] [--flags]",
    "",
    ...indented([
      ...shown.flatMap(([name, { about }]) => (name.includes(" ") ? [] : [[name, about]])),
      ...Object.entries(GROUPS).map(([name, about]) => [`${name} ...`, about]),
    ]),
    "",
    "Flags of every command",
    ...flagLines(COMMON_FLAGS),
    "",
    "Exit codes",
    ...indented(Object.entries(EXIT).map(([name, code]) => [String(code), EXIT_WORDS[name as keyof typeof EXIT]])),
    "",
    "mill COMMAND --help says more, with an example.",
    "",
  ].join("\n");
}

/** Commands of two words, by their first. */
const GROUPS: Readonly<Record<string, string>> = {
  definitions: "What mill.ts said when something was run.",
  audit: "What was done, by whom, and whether the record of it is whole.",
  lake: "Repositories of the lake: branches, commits, merges, objects; mill lake lists the commands.",
  backfill: "Partitions that are taken in because somebody asks.",
  schedule: "What is run by itself, when next, and how it went.",
  token: "Tokens of users; mill token alone prints the admin token.",
  user: "People and service accounts.",
  role: "What users may: roles, and who has them.",
  secret: "What settings and hooks name as secret:NAME: kept sealed, and shown to nobody.",
  key: "Keys of S3 clients, and the keys that secrets are sealed under.",
  model: "Registered models: their versions, papers and history.",
  tracking: "What Python programs logged: what was deleted, for good.",
  webhook: "Whoever is told of what happens to models.",
  import: "What other platforms keep, taken over as it is there.",
  export: "What is kept here, written for other platforms.",
};

export function groupHelp(group: string, commands: Readonly<Record<string, CommandInfo>>): string {
  const own = Object.entries(commands).filter(([name]) => name.startsWith(`${group} `));
  return [
    GROUPS[group]!,
    "",
    ...indented(own.map(([name, { about, operands }]) => [`mill ${name} ${operands}`.trim(), about])),
    "",
    `mill ${group} COMMAND --help says more, with an example.`,
    "",
  ].join("\n");
}

export function commandHelp(name: string, { about, operands, example, flags = {} }: CommandInfo): string {
  return [
    about,
    "",
    `Usage: ${`mill ${name} ${operands}`.trim()} [--flags]`,
    "",
    `Example: ${example}`,
    "",
    ...(Object.keys(flags).length > 0 ? ["Flags", ...flagLines(flags), ""] : []),
    "Flags of every command",
    ...flagLines(COMMON_FLAGS),
    "",
  ].join("\n");
}

const EXIT_WORDS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "done",
  fault: "a fault of Millwright",
  usage: "wrong usage",
  definitions: "definitions are not valid",
  data: "data are not valid",
  refused: "refused by a check, a gate or a permission",
  notFound: "not found",
  conflict: "in conflict, or locked",
  away: "an outside resource is away",
  interrupted: "interrupted, after saving",
};

const flagLines = (flags: Readonly<Record<string, Flag>>) =>
  indented(Object.entries(flags).map(([name, { about, value }]) => [`--${name}${value ? ` ${value}` : ""}`, about]));

const indented = (rows: readonly (readonly string[])[]) => alignRows(rows).map((line) => `  ${line}`);
