/** Texts of moments in SQL, read as `readValue` reads them: the engine reads an offset only behind seconds, and some forms too many. */
import { quoteLiteral } from "./quote.ts";

const DAY = String.raw`\d{4}-\d\d-\d\d`;
const CLOCK = String.raw`[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?`;
const FORMS = {
  date: DAY,
  timestamp: `${DAY}(${CLOCK})?`,
  instant: String.raw`${DAY}${CLOCK}(Z|[+-]\d\d:?\d\d)`,
} as const;

/** `text`, SQL that is evaluated more than once, as a DATE, TIMESTAMP or TIMESTAMP WITH TIME ZONE; null when it is no such moment. */
export function momentSql(text: string, type: keyof typeof FORMS): string {
  const value =
    type === "instant" ? instant(text) : type === "date" ? `TRY_CAST(${text} AS DATE)` : `TRY_CAST(${text} AS TIMESTAMP)`;
  return `(CASE WHEN regexp_full_match(${text}, ${quoteLiteral(FORMS[type])}) THEN ${value} END)`;
}

function instant(text: string): string {
  const length = `(CASE WHEN right(${text}, 1) = 'Z' THEN 1 WHEN ${text}[-3] = ':' THEN 6 ELSE 5 END)`;
  const clock = `epoch_us(TRY_CAST(left(${text}, -${length}) AS TIMESTAMP))`;
  const offset = `right(${text}, ${length})`;
  const minutes = `(TRY_CAST(${offset}[1:3] AS BIGINT) * 60 + TRY_CAST(${offset}[1] || right(${text}, 2) AS BIGINT))`;
  return `make_timestamptz(${clock} - CASE WHEN ${length} = 1 THEN 0 ELSE ${minutes} * 60000000 END)`;
}
