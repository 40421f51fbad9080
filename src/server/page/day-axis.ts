import { DAY_MICROS, parseMoment } from "../../base/index.ts";

/**
 * One axis of days. Days without anything keep their place; a longer silence is cut out and leaves a break, so that a single stray date does not
 * squeeze all others into a corner.
 *
 *     1 Jun  2 Jun  3 Jun   //   8 Aug  9 Aug      slots
 *     |-------------------| gap |-------------|
 */
export interface DayAxis {
  /** Width, in days. */
  readonly slots: number;
  /** Where days were cut out. */
  readonly breaks: readonly number[];
  readonly ticks: readonly { readonly slot: number; readonly text: string }[];
  /** Days since 1970, with a fraction, to the place on the axis; null before its first and after its last day. */
  slotOf(day: number): number | null;
}

/** Silences longer than this many days are cut out. */
const SILENCE_MAX = 14;
const BREAK_SLOTS = 2;
const TICKS_MAX = 9;
const DAY_STEPS = [1, 2, 3, 5, 7, 14];
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120];
const DAY_MS = DAY_MICROS / 1000;

interface Stretch {
  readonly first: number;
  last: number;
  readonly slot: number;
}

/** Of days since 1970, rising, at least one. */
export function dayAxis(days: readonly number[]): DayAxis {
  const stretches: Stretch[] = [];
  for (const day of days) {
    const current = stretches.at(-1);
    if (current && day - current.last <= SILENCE_MAX + 1) current.last = day;
    else stretches.push({ first: day, last: day, slot: current ? endOf(current) + BREAK_SLOTS : 0 });
  }
  return {
    slots: endOf(stretches.at(-1)!),
    breaks: stretches.slice(1).map(({ slot }) => slot - BREAK_SLOTS / 2),
    ticks: ticksOf(stretches),
    slotOf(day) {
      const index = stretches.findLastIndex(({ first }) => first <= day);
      const stretch = stretches[index];
      if (!stretch) return null;
      if (day <= stretch.last + 1) return stretch.slot + day - stretch.first;
      return index === stretches.length - 1 ? null : endOf(stretch) + BREAK_SLOTS / 2;
    },
  };
}

/** Days since 1970, with a fraction, of a day or a data time; null for what is neither. */
export function dayOf(text: string): number | null {
  const moment = parseMoment(text);
  return moment && moment.micros / DAY_MICROS;
}

const LONG = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** `14 Jun 2001`, without the year `14 Jun`. */
export const dayText = (day: number, year: "year" | "no year" = "year"): string =>
  (year === "year" ? LONG : SHORT).format(Math.floor(day) * DAY_MS);

const endOf = ({ first, last, slot }: Stretch) => slot + last - first + 1;

/** At most nine, at round steps; the year stands at the first and where it changes. */
function ticksOf(stretches: readonly Stretch[]): DayAxis["ticks"] {
  const days = stretches.flatMap(({ first, last, slot }) =>
    Array.from({ length: last - first + 1 }, (_, index) => ({ day: first + index, slot: slot + index + 0.5 })),
  );
  let year = "";
  return chosen(days).map(({ day, slot }) => {
    const before = year;
    year = String(new Date(day * DAY_MS).getUTCFullYear());
    return { slot, text: dayText(day, year === before ? "no year" : "year") };
  });
}

function chosen<D extends { readonly day: number; readonly slot: number }>(days: readonly D[]): readonly D[] {
  const step = DAY_STEPS.find((one) => days.length / one <= TICKS_MAX);
  if (step !== undefined) return days.filter((_, index) => index % step === 0);
  const months = days.filter(({ day }) => new Date(day * DAY_MS).getUTCDate() === 1);
  const monthStep = MONTH_STEPS.find((one) => months.length / one <= TICKS_MAX) ?? months.length;
  const near = spread(months.filter((_, index) => index % monthStep === 0));
  return near.length > 0 ? near : days.slice(0, 1);
}

/** Stretches beside a break may stand too near to each other for two texts. */
function spread<D extends { readonly slot: number }>(days: readonly D[]): D[] {
  const least = ((days.at(-1)?.slot ?? 0) - (days[0]?.slot ?? 0)) / (2 * TICKS_MAX);
  const kept: D[] = [];
  for (const day of days) if (kept.length === 0 || day.slot - kept.at(-1)!.slot >= least) kept.push(day);
  return kept;
}
