/**
 * Whether a condition of a schedule holds: of what it saw last, what is so now, and the time. Pure.
 * A condition that is new sees what there is and starts nothing; only `olderThan` asks for what was never made.
 */
import { formatSpan, parseDuration } from "../../base/index.ts";
import { KIND, parseCron, type ScheduleCondition } from "../../define/index.ts";

/** What a condition has seen: of `cron` and `olderThan` a time, of `published` a version, of `newSources` digests by data set. */
export type Cursor = number | Readonly<Record<string, string>>;

/** How things are, as far as the condition asks. */
export interface Sight {
  /** Digests of the stamps of the files behind each data set; null: not looked at now, or not settled yet. */
  readonly sources?: Readonly<Record<string, string>> | null;
  /** The newest version, 0 where there is none. */
  readonly version?: number;
  /** Of the targets, that whose newest version is the oldest; null: one has none. */
  readonly oldest?: { readonly target: string; readonly at: number } | null;
}

export interface Judged {
  readonly cursor: Cursor | null;
  /** Why a run is due, and since when; null: none is. */
  readonly due: { readonly cause: string; readonly at: number } | null;
  /** A tick that passed without a run, in words. */
  readonly skipped?: string;
}

/** A tick that is so late was missed: the platform was down, or a run before it took too long. */
const LATE_MS = 60_000;
/** A clock that went back further than this was wrong before. */
const BACK_MS = 3_600_000;
const COUNTED_MAX = 1000;

/** The name under which a condition's cursor is kept: another condition begins anew. */
export function conditionId(condition: ScheduleCondition): string {
  if (condition.when === "cron") return `cron ${condition.cron} ${condition.timeZone}`;
  if (condition.when === "published") return `published ${condition.of[KIND]}/${condition.of.name}`;
  return condition.when;
}

/** For people: `at 0 3 * * * (Europe/Berlin)`. */
export function conditionText(condition: ScheduleCondition): string {
  if (condition.when === "cron")
    return `at ${condition.cron} (${condition.timeZone})${condition.catchUp ? "" : ", missed ticks are let go"}`;
  if (condition.when === "published") return `when ${condition.of[KIND]}/${condition.of.name} has a new version`;
  return condition.when === "newSources"
    ? `when sources change, looked at every ${condition.every}`
    : `when older than ${condition.span}`;
}

/** `seen`: null for a condition that is new. */
export function judge(condition: ScheduleCondition, seen: Cursor | null, sight: Sight, now: number): Judged {
  if (condition.when === "cron") return judgeCron(condition, seen as number | null, now);
  if (condition.when === "newSources") return judgeSources(seen as Digests | null, sight.sources ?? null, now);
  if (condition.when === "published") return judgePublished(condition, seen as number | null, sight.version ?? 0, now);
  return judgeAge(condition, (seen as number | null) ?? 0, sight.oldest ?? null, now);
}

type Digests = Readonly<Record<string, string>>;
type Cron = Extract<ScheduleCondition, { when: "cron" }>;

function judgeCron({ cron, timeZone, catchUp }: Cron, seen: number | null, now: number): Judged {
  const ticks = parseCron(cron, timeZone);
  if (seen === null || seen > now + BACK_MS) return { cursor: now, due: null };
  const last = ticks.last(now);
  if (last === null || last <= seen) return { cursor: seen, due: null };
  const before = countBetween(ticks, seen, last);
  const late = now - last > LATE_MS;
  const which = wallTime(last, timeZone);
  if (late && !catchUp)
    return {
      cursor: last,
      due: null,
      skipped: `${which}${before === "" ? "" : `, and ${before} before it,`} passed without a run`,
    };
  const more = [
    late ? [`late by ${formatSpan(now - last)}`] : [],
    before === "" ? [] : [`for ${before} missed before it too`],
  ].flat();
  return { cursor: last, due: { at: last, cause: `of ${which}${more.length > 0 ? ` (${more.join(", ")})` : ""}` } };
}

/** Ticks after `seen` and before `last`, in words; empty for none. */
function countBetween(ticks: ReturnType<typeof parseCron>, seen: number, last: number): string {
  let count = 0;
  for (let ms = ticks.next(seen); ms !== null && ms < last && count <= COUNTED_MAX; ms = ticks.next(ms)) count++;
  if (count > COUNTED_MAX) return `more than ${COUNTED_MAX}`;
  return count === 0 ? "" : String(count);
}

/** `2026-11-21 03:00 Europe/Berlin`, as the clock there shows it. */
function wallTime(ms: number, timeZone: string): string {
  const shown = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" }).format(ms);
  return `${shown} ${timeZone}`;
}

function judgeSources(seen: Digests | null, sources: Digests | null, now: number): Judged {
  if (sources === null) return { cursor: seen, due: null };
  const changed =
    seen === null ? [] : Object.keys(sources).filter((name) => seen[name] !== undefined && seen[name] !== sources[name]);
  const cause = `because the sources of ${changed.join(", ")} changed`;
  return { cursor: sources, due: changed.length === 0 ? null : { cause, at: now } };
}

function judgePublished(
  { of }: Extract<ScheduleCondition, { when: "published" }>,
  seen: number | null,
  version: number,
  now: number,
): Judged {
  if (seen === null || version <= seen) return { cursor: version, due: null };
  return { cursor: version, due: { cause: `because ${of[KIND]}/${of.name} has version ${version}`, at: now } };
}

function judgeAge(
  { span }: Extract<ScheduleCondition, { when: "olderThan" }>,
  tried: number,
  oldest: Sight["oldest"] | null,
  now: number,
): Judged {
  const since = Math.max(tried > now + BACK_MS ? 0 : tried, oldest?.at ?? 0);
  const at = since + parseDuration(span) / 1000;
  if (now < at) return { cursor: tried, due: null };
  const cause = oldest ? `because ${oldest.target} is older than ${span}` : "because something has no version yet";
  return { cursor: now, due: { cause, at: since === 0 ? now : at } };
}
