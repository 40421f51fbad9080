/** What the command line needs from the composition root, and from the process that runs it. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { Digest } from "../base/index.ts";
import type { Config } from "../contract/index.ts";
import type { Call, Login, OidcLogin, Tokens, WorkspaceLock } from "../guard/index.ts";
import type { RebuildLine, Rebuilt } from "../orchestrate/index.ts";
import type { S3Door, S3DoorOptions } from "../protocols/index.ts";

/** An opened workspace. */
export interface App {
  readonly call: Call;
  readonly tokens: Tokens;
  readonly login: Login;
  /** null: people log in with passwords alone. */
  readonly oidc: OidcLogin | null;
  readonly lock: WorkspaceLock;
  /** Whether every endpoint is loaded. */
  ready(): { readonly ready: boolean; readonly why?: string };
  /** Loads the endpoints; resolves when they are, or could not be: `ready` says which. */
  loaded(): Promise<void>;
  /** From now on looks after what is served: alerts, rollouts, retraining. `onFault` is told what kept it from looking. */
  keep(onFault: (endpoint: string, error: Error) => void): Promise<void>;
  /** Opens the S3 door; it is closed with the workspace. Errors: `server.port-taken`, `server.not-listening`, `config.value`. */
  openS3(log: S3DoorOptions["log"]): Promise<S3Door>;
  /** Cancels what runs, saves, gives the workspace back. */
  close(): Promise<void>;
}

export interface AppFactory {
  /** Millwright's. */
  readonly version: string;
  /** Errors: `guard.workspace-locked`, and those of definitions and drivers. */
  open(config: Config): Promise<App>;
  /** Makes a model again from a recipe, without a workspace. Errors: those of the recipe, and of steps. */
  rebuild(request: RebuildRequest, config: Config): Promise<AsyncIterable<RebuildingLine>>;
}

export interface RebuildRequest {
  /** Where the recipe comes from, for what is said of it. */
  readonly at: string;
  /** The recipe with its objects, from its beginning. */
  content(): Promise<AsyncIterable<Uint8Array>>;
  /** Which recipe that is, where it can be asked without its content. */
  digest?(): Promise<Digest>;
  /** The recipe that it must be. */
  readonly expected?: Digest | undefined;
  /** A folder that stays, and in which a rebuild goes on that was cut off; null: one that goes. */
  readonly keep: string | null;
  readonly tolerance: number;
  readonly anyway: boolean;
  readonly signal: AbortSignal;
}

/** The recipe comes as if it were a step, then the steps; the last is `rebuilt`. */
export type RebuildingLine =
  | RebuildLine
  | (Omit<Extract<RebuildLine, { readonly event: "step-finished" }>, "standing"> & { readonly standing: "received" })
  | ({ readonly event: "rebuilt"; readonly digest: Digest; readonly folder: string | null } & Rebuilt);

/** The outside of a command. */
export interface Effects {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Of standard error: where progress is drawn. */
  readonly isTTY: boolean;
  readonly columns: number;
  /** Columns of standard output where it is a terminal; elsewhere lines are as long as they are. */
  readonly width?: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** All of standard input. */
  stdin(): Promise<string>;
  /** The next line of standard input, or all that is left of it but for its last line's end; at a terminal it is asked for, and not shown. */
  secret(prompt: string, lines?: "all"): Promise<string>;
  /** Called at the first SIGINT or SIGTERM; a second one ends the process at once. Returns what takes the listener away. */
  onStop(listener: () => void): () => void;
}

/** The effects of a real process. */
export function effectsOf(process: NodeJS.Process): Effects {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  const stdin = async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
  };
  let sent: string | null = null;
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    isTTY: process.stderr.isTTY === true && process.env.TERM !== "dumb",
    columns: process.stderr.columns || 100, // a terminal of no known width says 0
    width: process.stdout.columns,
    env: process.env,
    cwd: process.cwd(),
    stdin,
    async secret(prompt, lines) {
      if (process.stdin.isTTY) return askUnseen(process, prompt);
      sent ??= await stdin();
      const end = (lines === "all" ? /\r?\n$/ : /\r?\n/).exec(sent);
      const text = sent.slice(0, end?.index);
      sent = end === null ? "" : sent.slice(end.index + end[0].length);
      return text;
    },
    onStop(listener) {
      process.once("SIGINT", listener);
      process.once("SIGTERM", listener);
      return () => {
        process.off("SIGINT", listener);
        process.off("SIGTERM", listener);
      };
    },
  };
}

/** Empty where it was broken off. */
function askUnseen({ stdin, stderr }: NodeJS.Process, prompt: string): Promise<string> {
  stderr.write(prompt);
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: unseen, terminal: true });
  const { promise, resolve } = Promise.withResolvers<string>();
  lines.once("line", resolve).once("close", () => resolve(""));
  return promise.finally(() => {
    lines.close();
    stderr.write("\n");
  });
}
