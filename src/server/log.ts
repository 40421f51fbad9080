/** Structured logs: one JSON object a line. What is given is written: callers hand in no tokens, no bodies, no rows. */
import { LOG_LEVELS, type LogLevel } from "../contract/index.ts";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;
export type Log = Readonly<Record<LogLevel, (event: string, fields?: LogFields) => void>> & { flush(): void };

const FLUSH_MS = 50;
const LINES_MAX = 200;

/** Lines are gathered for some milliseconds, so that a busy server writes seldom; an error is written at once, with what waits before it. */
export function createLog(level: LogLevel, write: (text: string) => void): Log {
  const lines: string[] = [];
  let timer: NodeJS.Timeout | undefined;

  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (lines.length > 0) write(lines.splice(0).join(""));
  };
  const at =
    (own: LogLevel) =>
    (event: string, fields: LogFields = {}) => {
      if (LOG_LEVELS.indexOf(own) > LOG_LEVELS.indexOf(level)) return;
      lines.push(`${JSON.stringify({ at: new Date().toISOString(), level: own, event, ...fields })}\n`);
      if (own === "error" || lines.length >= LINES_MAX) flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    };
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug"), flush };
}
