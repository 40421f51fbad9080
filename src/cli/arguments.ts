/** Reads the words of a command line. Flags may stand anywhere; `--flag value` and `--flag=value` are the same; `--` ends the flags. */
import { didYouMean, MillError } from "../base/index.ts";
import { flagOf, SETTINGS } from "../contract/index.ts";
import type { CommandInfo, Flag } from "./command.ts";

export interface Arguments {
  /** null: none was given, or only the first word of several commands, as `lake`. */
  readonly command: string | null;
  readonly operands: readonly string[];
  readonly flags: Readonly<Record<string, string | true>>;
}

const SWITCHES: Readonly<Record<string, Flag>> = {
  json: { about: "Answer with one JSON document; streams with an object a line." },
  help: { about: "Show help." },
  version: { about: "Show the version." },
};

/** Flags of every command: the settings, and how to answer. */
export const COMMON_FLAGS: Readonly<Record<string, Flag>> = {
  ...SWITCHES,
  ...Object.fromEntries(
    Object.entries(SETTINGS).flatMap(([name, { flag, about, type, default: otherwise, env }]) =>
      flag
        ? [[flagOf(name), { about: `${about} ${env}; default: ${otherwise}.`, value: type === "integer" ? "N" : "TEXT" }]]
        : [],
    ),
  ),
};

/** Errors: `cli.unknown-command`, `cli.unknown-flag`, `cli.usage`. */
export function readArguments(argv: readonly string[], commands: Readonly<Record<string, CommandInfo>>): Arguments {
  const operands: string[] = [];
  const given: { name: string; value: string | undefined }[] = [];
  const isSwitch = (name: string) =>
    flagsOf(commands, commandOf(operands, commands))[name]?.value === undefined && anyFlag(commands, name)?.value === undefined;
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--") operands.push(...words.splice(0));
    else if (word === "-h") given.push({ name: "help", value: undefined });
    else if (!word.startsWith("--")) operands.push(word);
    else {
      const [, name = "", value] = /^--([^=]*)(?:=(.*))?$/s.exec(word)!;
      given.push({ name, value: value ?? (isSwitch(name) ? undefined : words.shift()) });
    }
  }
  const command = takeCommand(operands, commands);
  const known = flagsOf(commands, command ?? undefined);
  const flags = Object.fromEntries(given.map(({ name, value }) => [name, checkFlag(name, value, known, command)]));
  if (command !== null && flags.help !== true) checkOperands(command, operands, commands[command]!);
  return { command, operands, flags };
}

/** The command that the words begin with: of two words, as in `lake commit`, or of one. */
const commandOf = ([first, second]: readonly string[], commands: Readonly<Record<string, CommandInfo>>): string | undefined =>
  Object.hasOwn(commands, `${first} ${second}`) ? `${first} ${second}` : first;

/** null: no word is there, or that of a group alone that is no command too, which stays among the operands. Errors: `cli.unknown-command`. */
function takeCommand(operands: string[], commands: Readonly<Record<string, CommandInfo>>): string | null {
  const command = commandOf(operands, commands);
  const isGroup = Object.keys(commands).some((name) => name.startsWith(`${command} `));
  const info = command !== undefined && Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (command === undefined || (isGroup && info === undefined && operands.length === 1)) return null;
  if (info === undefined || (isGroup && operands.length > 1 && info.operandsMax === 0))
    throw unknownCommand(isGroup ? operands.slice(0, 2).join(" ") : command, commands);
  operands.splice(0, command.split(" ").length);
  return command;
}

export const flagsOf = (
  commands: Readonly<Record<string, CommandInfo>>,
  command: string | undefined,
): Readonly<Record<string, Flag>> => ({
  ...COMMON_FLAGS,
  ...(command !== undefined && Object.hasOwn(commands, command) ? commands[command]!.flags : {}),
});

/** A flag before the command may be the command's own. */
const anyFlag = (commands: Readonly<Record<string, CommandInfo>>, name: string): Flag | undefined =>
  Object.values(commands).find(({ flags }) => flags && Object.hasOwn(flags, name))?.flags?.[name];

function checkFlag(
  name: string,
  value: string | undefined,
  known: Readonly<Record<string, Flag>>,
  command: string | null,
): string | true {
  const help = `mill ${command ?? ""} --help`.replace("  ", " ");
  if (!Object.hasOwn(known, name)) {
    throw new MillError(
      "cli.unknown-flag",
      `There is no flag --${name}.${didYouMean(name, Object.keys(known)).replace(/"(.+)"/, '"--$1"')}`,
      {
        at: command === null ? "mill" : `mill ${command}`,
        expected: Object.keys(known)
          .map((one) => `--${one}`)
          .join(", "),
        got: `--${name}`,
        fix: `See ${help}.`,
      },
    );
  }
  const { value: wanted } = known[name]!;
  if (wanted === undefined && value === undefined) return true;
  if (wanted !== undefined && value !== undefined) return value;
  const message = wanted === undefined ? `--${name} takes no value.` : `--${name} needs a value.`;
  throw new MillError("cli.usage", message, {
    expected: wanted === undefined ? `--${name}` : `--${name} ${wanted}`,
    got: value ?? "nothing",
    fix: `See ${help}.`,
  });
}

function checkOperands(
  command: string,
  operands: readonly string[],
  { operands: form, operandsMin = 0, operandsMax }: CommandInfo,
): void {
  if (operands.length >= operandsMin && operands.length <= operandsMax) return;
  throw new MillError("cli.usage", `mill ${command} takes ${form || "nothing behind it"}.`, {
    expected: `mill ${command} ${form}`.trim(),
    got: operands.length === 0 ? "nothing" : operands.join(" "),
    fix: `See mill ${command} --help.`,
  });
}

function unknownCommand(command: string, commands: Readonly<Record<string, CommandInfo>>): MillError {
  const group = command.includes(" ") ? `${command.split(" ")[0]} ` : "";
  const names = Object.entries(commands).flatMap(([name, { hidden }]) => (hidden || !name.startsWith(group) ? [] : [name]));
  return new MillError("cli.unknown-command", `There is no command "${command}".${didYouMean(command, names)}`, {
    expected: names.join(", "),
    got: command,
    fix: "See mill --help.",
  });
}
