import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { MillError } from "../../../base/index.ts";

/** Gives a token that is good now; asked again whenever Slurm refuses the last one. */
export type TokenSource = () => Promise<string>;

const COMMAND_TIMEOUT_MS = 30_000;

/** A file that somebody else renews. Errors: `engine.denied`. */
export const tokenFromFile =
  (path: string): TokenSource =>
  async () => {
    const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
      throw new MillError("engine.denied", "The file with the token for Slurm cannot be read.", {
        at: path,
        got: cause.code ?? cause.message,
        fix: "Have a token written there, as `scontrol token` gives it, readable for the user that runs this.",
      });
    });
    return clean(text);
  };

/** A text that is kept elsewhere. Errors: as `read`. */
export const tokenFromText =
  (read: () => Promise<string>): TokenSource =>
  async () =>
    clean(await read());

/** What a command prints, as `scontrol token lifespan=3600` does, which needs the controller. Errors: `engine.away`, without its output. */
export function tokenFromCommand(command: readonly string[], environment?: NodeJS.ProcessEnv): TokenSource {
  const [program, ...programArguments] = command;
  return async () => {
    const options = { timeout: COMMAND_TIMEOUT_MS, ...(environment && { env: environment }) };
    const { stdout } = await promisify(execFile)(program!, programArguments, options).catch((cause) => {
      throw new MillError("engine.away", "The command that gives tokens for Slurm failed.", {
        at: program!,
        got: `its end by ${cause.signal ?? cause.code}`,
        fix: "Run it by hand and see; it is asked again while something waits for Slurm.",
      });
    });
    return clean(stdout);
  };
}

const clean = (text: string) => text.trim().replace(/^SLURM_JWT=/, "");
