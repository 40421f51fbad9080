/**
 * The typed client: `connect<typeof mill>(url)`, where `mill` is imported as types only. No native parts and nothing of Node: it runs in a browser.
 */
import type { Task } from "../src/contract/index.ts";
import type { Endpoint } from "../src/define/index.ts";

/** What an endpoint answers for one row, by the task of its model. */
export interface Answers {
  readonly "binary-classification": { readonly probability: number; readonly decision: boolean };
  readonly "multiclass-classification": { readonly label: string; readonly probabilities: Readonly<Record<string, number>> };
  readonly regression: { readonly value: number };
}

/** One prediction: `id` is what feedback is given by; `model` and `version` are what answered. */
export type Reply<T extends Task> = Answers[T] & { readonly id: string; readonly model: string; readonly version: string };

/** What really happened, in the form that the task asks for. */
export interface Labels {
  readonly "binary-classification": boolean;
  /** One of the classes, or a new one. */
  readonly "multiclass-classification": string;
  readonly regression: number;
}

/** `id` is that of a prediction; `at` is when the label became known, written as the time column is, and the newest data time when left out. */
export interface Labelled<T extends Task> {
  readonly id: string;
  readonly label: Labels[T];
  readonly at?: string;
}

export interface FeedbackReply {
  readonly accepted: number;
  /** Labels that were not taken: `index` is the place in what was sent. */
  readonly refused: readonly { readonly index: number; readonly reason: string }[];
}

/** The endpoints among what a `mill.ts` exports, by their own names. */
export type EndpointsOf<M> = {
  readonly [K in keyof M as M[K] extends Endpoint<infer N, Task, unknown> ? N : never]: M[K];
};
/** The row that an endpoint is asked with. */
export type RequestOf<E> = E extends Endpoint<string, Task, infer R> ? R : never;
export type ReplyOf<E> = E extends Endpoint<string, infer T, unknown> ? Reply<T> : never;
export type LabelledOf<E> = E extends Endpoint<string, infer T, unknown> ? Labelled<T> : never;

export interface Client<M> {
  /** The prediction for one row. Throws `MillwrightError`. */
  predict<N extends keyof EndpointsOf<M> & string>(
    endpoint: N,
    row: RequestOf<EndpointsOf<M>[N]>,
  ): Promise<ReplyOf<EndpointsOf<M>[N]>>;
  /** The predictions for up to 10,000 rows, in their order. All or none: one bad row refuses the call. Throws `MillwrightError`. */
  predictMany<N extends keyof EndpointsOf<M> & string>(
    endpoint: N,
    rows: readonly RequestOf<EndpointsOf<M>[N]>[],
  ): Promise<readonly ReplyOf<EndpointsOf<M>[N]>[]>;
  /**
   * Tells what really happened, of up to 10,000 predictions; needs the token. It is safe to send a label again; another one for the same prediction
   * corrects it. Throws `MillwrightError`: nothing was taken.
   */
  feedback<N extends keyof EndpointsOf<M> & string>(
    endpoint: N,
    labels: readonly LabelledOf<EndpointsOf<M>[N]>[],
  ): Promise<FeedbackReply>;
}

export interface ConnectOptions {
  /** Needed where the server is not on this machine; see `mill token`. */
  readonly token?: string | undefined;
  /** Ends calls that are under way. */
  readonly signal?: AbortSignal | undefined;
  /** The `fetch` to use; the runtime's own when absent. */
  readonly fetch?: typeof fetch | undefined;
}

/** A call that was refused or did not reach the server: `code` is one of docs/errors.md, or `client.unreachable` or `client.not-millwright`. */
export class MillwrightError extends Error {
  readonly code: string;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly detail: string;
  /** Where in the request, as a JSON pointer or a column. */
  readonly at: string | undefined;
  readonly expected: string | undefined;
  readonly got: string | undefined;
  /** What to do next. */
  readonly fix: string | undefined;
  readonly requestId: string | undefined;

  constructor(problem: ProblemJson, status: number, cause?: unknown) {
    const { code, detail, at, expected, got, fix, requestId } = problem;
    super(fix === undefined ? detail : `${detail} ${fix}`, cause === undefined ? undefined : { cause });
    this.name = "MillwrightError";
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.at = at;
    this.expected = expected;
    this.got = got;
    this.fix = fix;
    this.requestId = requestId;
  }
}

interface ProblemJson {
  readonly code: string;
  readonly detail: string;
  readonly at?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly fix?: string;
  readonly requestId?: string;
}

/** A client of the server at `url`, as in `http://127.0.0.1:4747`. Nothing is sent before the first call. */
export function connect<M>(url: string, options: ConnectOptions = {}): Client<M> {
  const base = url.replace(/\/+$/, "");
  const at = (endpoint: string, verb: string) => `${base}/v1/endpoints/${encodeURIComponent(endpoint)}/${verb}`;
  const predictMany = async (endpoint: string, rows: readonly unknown[]): Promise<readonly unknown[]> => {
    const { model, version, predictions } = await post<PredictAnswer>(at(endpoint, "predict"), { rows }, "predictions", options);
    return predictions.map((prediction) => ({ model, version, ...prediction }));
  };
  const predict = async (endpoint: string, row: unknown) => (await predictMany(endpoint, [row]))[0];
  const feedback = (endpoint: string, labels: readonly unknown[]) =>
    post<FeedbackReply>(at(endpoint, "feedback"), { labels }, "refused", options);
  return { predict, predictMany, feedback } as Client<M>;
}

interface PredictAnswer {
  readonly model: string;
  readonly version: string;
  readonly predictions: readonly object[];
}

/** `list`: a field that an answer of ours has. */
async function post<Answer>(url: string, body: unknown, list: string, options: ConnectOptions): Promise<Answer> {
  const { token, signal, fetch: send = fetch } = options;
  const headers = { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  const request = { method: "POST", headers, body: toJson(body), ...(signal === undefined ? {} : { signal }) };
  const response = await send(url, request).catch((cause: unknown) => {
    if (signal?.aborted) throw cause;
    throw new MillwrightError(unreachable(url), 0, cause);
  });
  const answer = await response.text().then(parsed);
  if (response.ok && isObject(answer) && Array.isArray(answer[list])) return answer as unknown as Answer;
  const told = isObject(answer) && typeof answer.code === "string" && typeof answer.detail === "string";
  throw new MillwrightError(told ? (answer as unknown as ProblemJson) : notMillwright(url, response.status), response.status);
}

/** An integer beyond 2^53 travels as decimal text. */
const toJson = (body: unknown) => JSON.stringify(body, (_, value) => (typeof value === "bigint" ? value.toString() : value));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;

const unreachable = (url: string): ProblemJson => ({
  code: "client.unreachable",
  detail: `No answer from ${url}.`,
  fix: "Is the server running (mill up), and may this page reach it?",
});

const notMillwright = (url: string, status: number): ProblemJson => ({
  code: "client.not-millwright",
  detail: `${url} answered with status ${status} and no answer of Millwright.`,
  fix: "Is the address that of a Millwright server, as in http://127.0.0.1:4747?",
});
