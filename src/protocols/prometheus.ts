/**
 * Metrics in Prometheus' text format 0.0.4. Labels are bounded: verbs, status classes, endpoints that exist, the newest versions, classes, step kinds;
 * never ids. Requests are told by the server; predictions, labels and steps are read off the answers that pass through `watching`.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { asMillError } from "../base/index.ts";
import { codeInfo, type OutputOf, type VerbName } from "../contract/index.ts";
import { type Call, OWNER } from "../guard/index.ts";

export interface Metrics {
  /** `door` is a verb, or a fixed word for what is no verb (`page`, `open-inference`, `none`). */
  request(door: string, status: number, seconds: number): void;
  /** The same call, with its predictions and steps counted. */
  watching(call: Call): Call;
  /** Predictions of an endpoint since the start. */
  predictionsOf(endpoint: string): number;
  text(): Promise<string>;
  readonly contentType: string;
  close(): void;
}

const LOOP_PERIOD_MS = 100;
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
/** Beyond so many different decisions of one endpoint the rest are counted as `other`. */
const DECISIONS_MAX = 100;
/** So many versions of one endpoint are counted each; the one that was seen first is dropped for a newer one. */
const VERSIONS_MAX = 10;

export function createMetrics(): Metrics {
  const register = new Registry();
  const registers = [register];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registers });
  const requests = counter("millwright_requests_total", "Requests answered.", ["verb", "status_class"]);
  const durations = new Histogram({
    name: "millwright_request_duration_seconds",
    help: "Time from a request to its answer.",
    labelNames: ["verb"],
    buckets: SECONDS,
    registers,
  });
  const predictions = counter("millwright_predictions_total", "Rows predicted.", ["endpoint", "decision"]);
  const byVersion = counter(
    "millwright_version_predictions_total",
    "Rows predicted, by the version of the model that answered.",
    ["endpoint", "version"],
  );
  const unlogged = counter("millwright_predictions_unlogged_total", "Rows predicted that could not be written to the log.", [
    "endpoint",
  ]);
  const failures = counter(
    "millwright_prediction_failures_total",
    "Requests for predictions without an answer: refused for what was asked, or a fault.",
    ["endpoint", "reason"],
  );
  const feedback = counter("millwright_feedback_total", "Labels taken.", ["endpoint"]);
  const steps = counter("millwright_steps_total", "Steps that runs ended or found current.", ["kind", "outcome"]);
  const loop = new Histogram({
    name: "millwright_event_loop_delay_seconds",
    help: "How late a timer of the server came.",
    buckets: SECONDS,
    registers,
  });
  processGauges(register);
  let asked: Call | undefined;
  const endpoints = async () => (await asked?.(OWNER, "listEndpoints", { limit: 1000 }))?.items ?? [];
  rolloutGauge(register, endpoints);
  answerGauges(register, endpoints);
  noticesGauge(register, async () => (await asked?.(OWNER, "getNotices", {})) ?? null);

  const seen = new Map<string, Seen>();
  const countPredictions = (endpoint: string, reply: OutputOf<"predict">) => {
    const known = seen.get(endpoint) ?? { count: 0, decisions: new Set<string>(), versions: new Set<number>() };
    seen.set(endpoint, known);
    known.count += reply.predictions.length;
    if (reply.logged === false) unlogged.inc({ endpoint }, reply.predictions.length);
    if (!known.versions.has(reply.version)) {
      known.versions.add(reply.version);
      const [first] = known.versions;
      if (known.versions.size > VERSIONS_MAX && known.versions.delete(first!)) byVersion.remove({ endpoint, version: first! });
    }
    byVersion.inc({ endpoint, version: reply.version }, reply.predictions.length);
    for (const prediction of reply.predictions) {
      const decision = decisionOf(prediction);
      if (known.decisions.size < DECISIONS_MAX) known.decisions.add(decision);
      predictions.inc({ endpoint, decision: known.decisions.has(decision) ? decision : "other" });
    }
  };
  const countFailure = (endpoint: string, thrown: unknown) => {
    const reason = codeInfo(asMillError(thrown).code).status < 500 ? "refused" : "fault";
    // A name under which nobody has been answered may be anything.
    failures.inc({ endpoint: seen.has(endpoint) ? endpoint : "other", reason });
  };
  const countStep = (line: OutputOf<"run">) => {
    if (line.event === "step-finished") steps.inc({ kind: kindOf(line.id), outcome: line.state });
    if (line.event === "step-failed") steps.inc({ kind: kindOf(line.id), outcome: "failed" });
  };
  const timer = watchLoop((seconds) => loop.observe(seconds));

  return {
    request(verb, status, seconds) {
      requests.inc({ verb, status_class: `${Math.floor(status / 100)}xx` });
      durations.observe({ verb }, seconds);
    },
    watching: (call) => {
      asked = call;
      const watched = (...[actor, verb, input, options]: [Parameters<Call>[0], VerbName, unknown, Parameters<Call>[3]]) => {
        const answer: unknown = call(actor, verb, input, options);
        const endpoint = (input as { readonly name?: string } | undefined)?.name ?? "";
        if (verb === "predict")
          return tapped(
            answer as Promise<OutputOf<"predict">>,
            (reply) => countPredictions(endpoint, reply),
            (thrown) => countFailure(endpoint, thrown),
          );
        if (verb === "feedback")
          return tapped(answer as Promise<OutputOf<"feedback">>, ({ accepted }) => feedback.inc({ endpoint }, accepted));
        const isRun = verb === "run" || verb === "retrain";
        return isRun ? tappedLines(answer as AsyncIterable<OutputOf<"run">>, countStep) : answer;
      };
      return watched as Call;
    },
    predictionsOf: (endpoint) => seen.get(endpoint)?.count ?? 0,
    text: () => register.metrics(),
    contentType: register.contentType,
    close: () => clearInterval(timer),
  };
}

interface Seen {
  count: number;
  readonly decisions: Set<string>;
  /** Oldest first. */
  readonly versions: Set<number>;
}

async function tapped<T>(answer: Promise<T>, tap: (value: T) => void, failed?: (thrown: unknown) => void): Promise<T> {
  const value = await answer.catch((thrown) => {
    failed?.(thrown);
    throw thrown;
  });
  tap(value);
  return value;
}

async function* tappedLines<T>(lines: AsyncIterable<T>, tap: (line: T) => void): AsyncGenerator<T> {
  for await (const line of lines) {
    tap(line);
    yield line;
  }
}

function decisionOf(prediction: OutputOf<"predict">["predictions"][number]): string {
  if ("decision" in prediction) return String(prediction.decision);
  return "label" in prediction ? prediction.label : "value";
}

/** `model/late-arrival:train` -> `train`. */
const kindOf = (stepId: string) => stepId.slice(stepId.lastIndexOf(":") + 1);

/** Shares of the rollouts under way, at the moment of asking. */
function rolloutGauge(register: Registry, endpoints: () => Promise<OutputOf<"listEndpoints">["items"]>): void {
  new Gauge({
    name: "millwright_rollout_share",
    help: "Share of the requests that a candidate answers.",
    labelNames: ["endpoint"],
    registers: [register],
    async collect() {
      this.reset();
      for (const { name, rollout } of await endpoints().catch(() => [])) if (rollout) this.set({ endpoint: name }, rollout.share);
    },
  });
}

/** How the models of endpoints answer, at the moment of asking; one that answers in this process is always up. */
function answerGauges(register: Registry, endpoints: () => Promise<OutputOf<"listEndpoints">["items"]>): void {
  new Gauge({
    name: "millwright_endpoint_up",
    help: "Whether the model of an endpoint answers, by where it does: in this process, as an ONNX graph, or in Python.",
    labelNames: ["endpoint", "form"],
    registers: [register],
    async collect() {
      this.reset();
      for (const { name, answers } of await endpoints().catch(() => []))
        if (answers) this.set({ endpoint: name, form: answers.form }, answers.down === null ? 1 : 0);
    },
  });
}

/** What could not be told outside, at the moment of asking: an alert that nobody hears of is worth one elsewhere. */
function noticesGauge(register: Registry, standing: () => Promise<OutputOf<"getNotices"> | null>): void {
  new Gauge({
    name: "millwright_notices",
    help: "Notices that the webhook has not taken, by whether they will be tried again.",
    labelNames: ["state"],
    registers: [register],
    async collect() {
      this.reset();
      const notices = await standing().catch(() => null);
      if (notices === null) return;
      this.set({ state: "waiting" }, notices.waiting);
      this.set({ state: "given_up" }, notices.givenUp);
    },
  });
}

function processGauges(register: Registry): void {
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory.",
    registers: [register],
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "Start of the process since 1970.",
    registers: [register],
    collect() {
      this.set(Math.round(Date.now() / 1000 - process.uptime()));
    },
  });
  new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system time.",
    registers: [register],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}

function watchLoop(observe: (seconds: number) => void): NodeJS.Timeout {
  let due = performance.now() + LOOP_PERIOD_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    observe(Math.max(0, now - due) / 1000);
    due = now + LOOP_PERIOD_MS;
  }, LOOP_PERIOD_MS);
  return timer.unref();
}
