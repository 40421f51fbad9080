/**
 * Whether a version that answers a share of the requests goes on, stays, or goes. Pure.
 *
 * A step is held for its span of data time and 200 requests. Errors, latency and the loss on rows whose label has come are held against the
 * champion's over the same time; only what is worse beyond chance halts it.
 */
import { formatMoment } from "../base/index.ts";
import type { Arm, Rollout } from "../serve/index.ts";

export interface CanaryEvidence {
  /** The data clock, in microseconds. */
  readonly asOf: number | null;
  /** 99th percentile in milliseconds that the problem allows. */
  readonly latencyP99Ms: number | null;
  /** Loss per labelled row since the step began; null where there is none. */
  readonly losses: { readonly candidate: LossSum; readonly champion: LossSum } | null;
}

/** Log loss, or squared error for regression, over labelled rows. */
export interface LossSum {
  readonly rows: number;
  readonly mean: number;
  readonly variance: number;
}

export type CanaryDecision =
  | { readonly decision: "hold" }
  /** `step` is the next one; one that takes all requests is a promotion. */
  | { readonly decision: "advance"; readonly step: number; readonly why: string }
  | { readonly decision: "promote"; readonly why: string }
  | { readonly decision: "halt"; readonly why: string };

const REQUESTS_MIN = 200;
/** One-sided, about 0.1 %: a rollout asks a few dozen times. */
const Z_WORSE = 3.1;
const LABELLED_MIN = 100;

export function judgeRollout(rollout: Rollout, evidence: CanaryEvidence): CanaryDecision {
  const fault = worseErrors(rollout) ?? worseLatency(rollout, evidence) ?? worseLoss(evidence);
  if (fault !== null) return { decision: "halt", why: fault };
  const { candidate, step, steps, sinceAsOf, holdMicros } = rollout;
  const { asOf } = evidence;
  const held = asOf !== null && sinceAsOf !== null && asOf - sinceAsOf >= holdMicros;
  if (!held || candidate.requests < REQUESTS_MIN) return { decision: "hold" };
  const why = `${candidate.requests.toLocaleString("en")} requests without a fault, held from ${formatMoment(sinceAsOf!)} to ${formatMoment(asOf!)}`;
  return steps[step + 1] === undefined || steps[step + 1] === 1
    ? { decision: "promote", why }
    : { decision: "advance", step: step + 1, why };
}

/** Two shares, pooled; a single fault in few requests is not told from chance. */
function worseErrors({ candidate, champion }: Rollout): string | null {
  if (candidate.errors < 2) return null;
  const requests = candidate.requests + champion.requests;
  const pooled = (candidate.errors + champion.errors) / requests;
  const spread = Math.sqrt(pooled * (1 - pooled) * (1 / candidate.requests + 1 / Math.max(1, champion.requests)));
  const lead = share(candidate) - share(champion);
  if (lead <= Z_WORSE * spread && pooled < 1) return null;
  return `it failed in ${candidate.errors} of ${candidate.requests} requests, the champion in ${champion.errors} of ${champion.requests}`;
}

const share = ({ errors, requests }: Arm) => (requests === 0 ? 0 : errors / requests);

/** What the problem allows; where it says nothing, twice the champion's and a millisecond. */
function worseLatency({ candidate, champion }: Rollout, { latencyP99Ms }: CanaryEvidence): string | null {
  if (candidate.requests < REQUESTS_MIN || candidate.p99Micros === null || champion.p99Micros === null) return null;
  const allowedMicros = latencyP99Ms === null ? 2 * champion.p99Micros + 1000 : Math.max(latencyP99Ms * 1000, champion.p99Micros);
  if (candidate.p99Micros <= allowedMicros) return null;
  const ms = (micros: number) => `${(micros / 1000).toPrecision(3)} ms`;
  return `its 99th percentile is ${ms(candidate.p99Micros)}, ${latencyP99Ms === null ? "the champion's" : `${latencyP99Ms} ms are allowed, the champion's is`} ${ms(champion.p99Micros)}`;
}

function worseLoss({ losses }: CanaryEvidence): string | null {
  if (losses === null) return null;
  const { candidate, champion } = losses;
  if (candidate.rows < LABELLED_MIN || champion.rows < LABELLED_MIN) return null;
  const spread = Math.sqrt(candidate.variance / candidate.rows + champion.variance / champion.rows);
  if (candidate.mean - champion.mean <= Z_WORSE * spread) return null;
  const loss = ({ mean, rows }: LossSum) => `${mean.toPrecision(3)} over ${rows.toLocaleString("en")} labelled rows`;
  return `its loss is ${loss(candidate)}, the champion's ${loss(champion)}`;
}
