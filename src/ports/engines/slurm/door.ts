/** Slurm's REST door (slurmrestd): calls, tokens, and what its errors mean. Every error is HTTP 500 there: only the body tells which. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { MillError } from "../../../base/index.ts";
import { chooseDialect, type Dialect, type JobRecord, readErrors, readJobId, readJobs, type Submission } from "./dialect.ts";
import type { TokenSource } from "./token.ts";

export interface DoorOptions {
  /** As in `http://127.0.0.1:6820`. */
  readonly url: string;
  /** Whose jobs they are. */
  readonly user: string;
  readonly token: TokenSource;
  /** Of one call; default 30,000, because the door itself waits nine seconds for a controller that is away. */
  readonly timeoutMs?: number;
  /** Whether tokens may cross a network in the clear; default false. */
  readonly allowPlainHttp?: boolean;
}

/** Errors of every call: `engine.away`, `engine.denied`, `engine.refused`. */
export interface Door {
  /** The number of the new array. */
  submit(submission: Submission): Promise<number>;
  /** null: Slurm knows no such array (any more). */
  array(arrayId: number): Promise<JobRecord[] | null>;
  /** The arrays of everybody. */
  arrays(): Promise<JobRecord[]>;
  /** Asks a task, `ARRAY_TASK`, to end; one that is gone is fine. */
  cancel(task: string): Promise<void>;
  /** Version of the answers, as in `v0.0.38`. Throws when Slurm's controller does not answer. */
  version(): Promise<string>;
}

// slurm_errno.h
const UNKNOWN_JOB = 2017;
const ALREADY_DONE = 2021;
/** Of reads, whatever went wrong: a token that is refused and a controller that is away look the same. */
const UNSPECIFIED = -1;
/** The controller hung up: it does so on tokens that it refuses. */
const HUNG_UP = 5005;
const DENIED = new Set([1007, 2002, 2010, HUNG_UP, 6000, 6006]);
/** Not reached, not answered, a backup controller that only stands by, machines that are not up (yet), or a wish to be asked again. */
const AWAY = new Set([
  11, 1001, 1002, 1003, 1004, 1800, 1801, 1802, 1803, 2007, 2016, 2019, 2027, 2068, 2070, 5000, 5001, 5002, 5003, 5004,
]);
const ANSWER_BYTES_MAX = 256 << 20;

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly errors: readonly { readonly code: number; readonly text: string }[];
}

/** Errors: `engine.address`. */
export function createDoor({ url, user, token, timeoutMs = 30_000, allowPlainHttp = false }: DoorOptions): Door {
  const base = checkAddress(url, allowPlainHttp);
  let held: string | undefined;
  let dialect: Dialect | undefined;

  return {
    async submit(submission) {
      const { version, submission: bodyOf } = await agreed();
      const answer = await call("POST", `/slurm/${version}/job/submit`, bodyOf(submission));
      const arrayId = readJobId(answer.body);
      if (answer.errors.length > 0 || arrayId === null) throw refused(answer);
      return arrayId;
    },

    async array(arrayId) {
      const answer = await call("GET", `/slurm/${(await agreed()).version}/job/${arrayId}`);
      if (answer.errors.some(({ code }) => code === UNKNOWN_JOB)) return null;
      if (answer.errors.length > 0) throw refused(answer);
      return readJobs(answer.body).filter((record) => record.arrayId === arrayId);
    },

    async arrays() {
      const answer = await call("GET", `/slurm/${(await agreed()).version}/jobs`);
      if (answer.errors.length > 0) throw refused(answer);
      return readJobs(answer.body);
    },

    async cancel(task) {
      const answer = await call("DELETE", `/slurm/${(await agreed()).version}/job/${task}`);
      if (answer.errors.some(({ code }) => code !== UNKNOWN_JOB && code !== ALREADY_DONE)) throw refused(answer);
    },

    async version() {
      const { version } = await agreed();
      const answer = await call("GET", `/slurm/${version}/ping`);
      if (answer.errors.length > 0) throw refused(answer);
      return version;
    },
  };

  async function agreed(): Promise<Dialect> {
    if (dialect) return dialect;
    const { body } = await call("GET", "/openapi/v3");
    const paths = Object.keys((body as { paths?: object } | null)?.paths ?? {});
    dialect = chooseDialect(paths) ?? undefined;
    if (dialect) return dialect;
    throw new MillError("engine.address", "This is no REST door of a Slurm that we know.", {
      at: base.origin,
      expected: "slurmrestd with a family from v0.0.36 to v0.0.44",
      got: paths.find((path) => path.startsWith("/slurm/")) ?? "no path of Slurm",
      fix: "Correct the address, or start slurmrestd with one of these plugins.",
    });
  }

  /** A token that is refused is asked for anew, once. */
  async function call(method: string, path: string, body?: object): Promise<Answer> {
    for (let renewed = false; ; renewed = true) {
      held ??= await token();
      const used = held;
      const answer = await send(method, path, used, body);
      if (answer.status === 404) dialect = undefined; // it is another program now, perhaps of another version
      const doubt = doubtOf(answer);
      if (!doubt) return answer;
      if (held === used) held = undefined;
      if (doubt === "away" || renewed || (held ??= await token()) === used)
        throw doubt === "denied" ? denied(answer) : away(answer);
    }
  }

  async function send(method: string, path: string, used: string, body?: object): Promise<Answer> {
    const text = body && JSON.stringify(body);
    const headers = {
      "X-SLURM-USER-NAME": user,
      "X-SLURM-USER-TOKEN": used,
      ...(text !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
    };
    const request = base.protocol === "https:" ? httpsRequest : httpRequest;
    const prefix = base.pathname.replace(/\/$/, "");
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request(new URL(prefix + path, base), { method, headers, agent: false, signal: AbortSignal.timeout(timeoutMs) }, resolve)
        .on("error", reject)
        .end(text);
    }).catch(unreachable);
    const bytes = await readAll(answer).catch(unreachable);
    const parsed = parse(bytes);
    return { status: answer.statusCode ?? 0, body: parsed, errors: readErrors(parsed) };
  }

  function unreachable(cause: Error & { code?: string }): never {
    throw new MillError("engine.away", "Slurm's REST door cannot be reached.", {
      at: base.origin,
      got: cause.name === "AbortError" || cause.name === "TimeoutError" ? `no answer within ${timeoutMs} ms` : cause.message,
      fix: "Start slurmrestd, or correct MILL_SLURM_URL.",
    });
  }

  function away({ errors }: Answer): MillError {
    return new MillError(
      "engine.away",
      "Slurm's controller does not answer, or it refuses our token: its REST door does not tell which.",
      {
        at: base.origin,
        got: errors.map(({ text }) => text).join("; "),
        fix: "See that slurmctld runs, and that the token of this user is good.",
      },
    );
  }

  function denied({ status, errors }: Answer): MillError {
    return new MillError("engine.denied", "Slurm refuses our token.", {
      at: base.origin,
      expected: `a token of ${user} that has not expired`,
      got: errors.map(({ text }) => text).join("; ") || `status ${status}`,
      fix: "Have the token renewed; it is asked for again with the next call.",
    });
  }

  function refused({ status, errors }: Answer): MillError {
    return new MillError("engine.refused", "Slurm refused what was asked of it.", {
      at: base.origin,
      got: errors.map(({ text }) => text).join("; ") || `status ${status}`,
      fix: "The words are Slurm's: mostly a partition that is not there, or more memory than any machine has.",
    });
  }
}

/** null: the answer is one, be it a refusal. "unclear": either of the others. */
function doubtOf({ status, errors }: Answer): "denied" | "away" | "unclear" | null {
  if (status === 401 || status === 403) return "denied";
  if (errors.some(({ code }) => AWAY.has(code)) || (status >= 502 && status <= 504)) return "away";
  if (errors.some(({ code }) => DENIED.has(code))) return "denied";
  if (errors.some(({ code }) => code === UNSPECIFIED)) return "unclear";
  return null;
}

function checkAddress(url: string, allowPlainHttp: boolean): URL {
  const base = URL.parse(url);
  if (!base || !["http:", "https:"].includes(base.protocol) || base.username !== "" || base.password !== "")
    throw new MillError("engine.address", "This is no address of a Slurm REST door.", {
      expected: "as in http://127.0.0.1:6820 or https://slurm.example.org, without a user",
      ...(base && { got: `${base.protocol}//${base.host}` }),
      fix: "Correct MILL_SLURM_URL.",
    });
  if (base.protocol === "https:" || allowPlainHttp || isLoopback(base.hostname)) return base;
  throw new MillError("engine.address", "Tokens would cross the network in the clear.", {
    at: base.origin,
    expected: "https, or a door on this machine",
    fix: "Put TLS before slurmrestd, or tunnel to it; a network that is trusted can be told with MILL_SLURM_PLAIN_HTTP=yes.",
  });
}

const isLoopback = (host: string) => host === "localhost" || host === "[::1]" || (isIP(host) === 4 && host.startsWith("127."));

async function readAll(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > ANSWER_BYTES_MAX) throw new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a refusal in plain words, or another program
  }
}
