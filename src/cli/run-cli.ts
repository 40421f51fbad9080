/** The command line: finds the command, gives it what it needs, turns what comes out into an exit code. */
import { asMillError } from "../base/index.ts";
import { type Config, codeInfo, EXIT } from "../contract/index.ts";
import type { AppFactory, Effects } from "./app.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { COMMANDS } from "./commands.ts";
import { commandHelp, generalHelp, groupHelp } from "./help.ts";
import { createOutput, type Output } from "./output.ts";

/** Never throws. `argv` is without the program's own words. */
export async function runCli(argv: readonly string[], effects: Effects, factory: AppFactory): Promise<number> {
  const output = createOutput(effects, argv.includes("--json"));
  const stop = new AbortController();
  const forget = effects.onStop(() => stop.abort());
  try {
    const { command, operands, flags } = readArguments(argv, COMMANDS);
    if (flags.version) return shown(output, { version: factory.version }, `${factory.version}\n`);
    if (command === null || flags.help) {
      const help = helpOf(command, operands[0], factory.version);
      if (command !== null || operands.length > 0 || flags.help) return shown(output, { help }, help);
      effects.stderr(help);
      return EXIT.usage;
    }
    const { command: run } = await COMMANDS[command]!.load();
    const config = configOnce(flags, effects);
    const withVerbs = async <T>(use: Parameters<typeof import("./connect.ts").withVerbs<T>>[2]) => {
      const { withVerbs } = await import("./connect.ts");
      return withVerbs(await config(), factory, use);
    };
    return (await run({ operands, flags, output, effects, factory, signal: stop.signal, config, withVerbs })) ?? EXIT.done;
  } catch (thrown) {
    output.fail(thrown);
    return codeInfo(asMillError(thrown).code).exit;
  } finally {
    forget();
  }
}

function helpOf(command: string | null, group: string | undefined, version: string): string {
  if (command !== null) return commandHelp(command, COMMANDS[command]!);
  return group === undefined ? generalHelp(COMMANDS, version) : groupHelp(group, COMMANDS);
}

function shown(output: Output, data: unknown, text: string): number {
  output.result(data, () => text);
  return EXIT.done;
}

function configOnce(flags: Arguments["flags"], effects: Effects): () => Promise<Config> {
  let found: Promise<Config> | undefined;
  return () => {
    found ??= import("./find-config.ts").then(({ findConfig }) => findConfig(flags, effects));
    return found;
  };
}
