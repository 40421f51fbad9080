/**
 * One cause, one alert. Pure: which findings of an observation become an alert, and which only stand below another one.
 *
 *     loss, feed      always; each explains what is found of the columns it is about, in the span it was open
 *     parity, drift   findings that share a column are one; that most requests are late stands by itself
 *     quality         a group that is predicted wrongly explains the measures of the whole; these are one
 */
import { DAY_MICROS, HOUR_MICROS, startOfDay } from "../base/index.ts";
import type { Finding } from "./finding.ts";

/** A finding that stands for others. */
export interface Claim extends Finding {
  readonly explains: readonly Explained[];
}

export interface Explained {
  readonly cause: string;
  readonly sentence: string;
}

/** A broken feed or a loss on record, and the data time it was open. */
export interface Explainer {
  readonly id: string;
  readonly columns: readonly string[];
  readonly from: number;
  /** null: it still is. */
  readonly to: number | null;
}

export interface Causes {
  readonly claims: readonly Claim[];
  /** By the explainer's id. */
  readonly explained: ReadonlyMap<string, readonly Explained[]>;
}

export interface Known {
  readonly explainers: readonly Explainer[];
  /** Causes that are open, or were a short while ago: one of them goes on to stand for its group. */
  readonly standing: ReadonlySet<string>;
  /** Data time in microseconds; null where there is none yet. */
  readonly asOf: number | null;
}

/** A scan that does not name its day speaks of the newest whole day and the one under way. */
const SCANNED_MICROS = 50 * HOUR_MICROS;

export function causesOf(findings: readonly Finding[], { explainers, standing, asOf }: Known): Causes {
  const explained = new Map<string, Explained[]>();
  const broken = findings.filter(isBroken).map((finding) => ({ ...finding, explains: [] as Explained[] }));
  const rest = findings.filter((finding) => {
    if (isBroken(finding)) return false;
    const now = broken.find(({ columns }) => share(columns, finding.columns));
    if (now) now.explains.push(named(finding));
    const before = now
      ? undefined
      : explainers.find((one) => share(one.columns, finding.columns) && overlaps(one, spanOf(finding, asOf)));
    if (before) explained.set(before.id, [...(explained.get(before.id) ?? []), named(finding)]);
    return !now && !before;
  });
  const ofKind = (kind: Finding["kind"]) => rest.filter((finding) => finding.kind === kind);
  const claims = [
    ...broken,
    ...together(ofKind("parity").filter((one) => !isLateness(one))).map((group) => claimOf(group, standing)),
    ...ofKind("parity")
      .filter(isLateness)
      .map((one) => claimOf([one], standing)),
    ...qualityClaims(ofKind("quality"), standing),
    ...together(ofKind("drift")).map((group) => claimOf(group, standing)),
  ];
  return { claims, explained };
}

const isBroken = ({ kind }: Finding) => kind === "loss" || kind === "feed";
const isGroup = ({ cause }: Finding) => cause.startsWith("quality/group/");
/** It may last for ever, and must not hide that a feature differs. */
const isLateness = ({ cause }: Finding) => cause === "parity/requests/late";
const named = ({ cause, sentence }: Finding): Explained => ({ cause, sentence });

/** No column named means the whole. */
const share = (a: readonly string[], b: readonly string[]) =>
  a.length === 0 || b.length === 0 || a.some((column) => b.includes(column));

function qualityClaims(findings: readonly Finding[], standing: ReadonlySet<string>): Claim[] {
  const groups = findings.filter(isGroup).sort(bySeverity);
  const measures = findings.filter((finding) => !isGroup(finding));
  const [first, ...others] = groups;
  if (first === undefined) return measures.length === 0 ? [] : [claimOf(measures, standing)];
  return [{ ...first, explains: measures.map(named) }, ...others.map((group) => ({ ...group, explains: [] }))];
}

/** One stands for all: the one that did so before, else the gravest. */
function claimOf(group: readonly Finding[], standing: ReadonlySet<string>): Claim {
  const ranked = [...group].sort(bySeverity);
  const leader = ranked.find(({ cause }) => standing.has(cause)) ?? ranked[0]!;
  return { ...leader, severity: ranked[0]!.severity, explains: ranked.filter((one) => one !== leader).map(named) };
}

/** Groups of findings that hang together by their columns. */
function together(findings: readonly Finding[]): Finding[][] {
  let groups: Finding[][] = [];
  for (const finding of findings) {
    const touched = groups.filter((group) => group.some(({ columns }) => share(columns, finding.columns)));
    groups = [...groups.filter((group) => !touched.includes(group)), [...touched.flat(), finding]];
  }
  return groups;
}

const bySeverity = (a: Finding, b: Finding) => b.severity - a.severity || (a.cause < b.cause ? -1 : 1);

/** The data time that a finding speaks of. */
/** Drift of the day under way is that of the last 24 hours: it may come of what was broken the day before. */
function spanOf({ kind, detail }: Finding, asOf: number | null): readonly [from: number, to: number] {
  const from = typeof detail.day === "string" ? startOfDay(detail.day) : Number.NaN;
  if (!Number.isNaN(from))
    return [kind === "drift" && asOf !== null ? Math.min(from, asOf - DAY_MICROS) : from, from + DAY_MICROS];
  return asOf === null ? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] : [asOf - SCANNED_MICROS, asOf];
}

const overlaps = ({ from, to }: Explainer, [first, last]: readonly [number, number]) =>
  from <= last && (to === null || to >= first);
