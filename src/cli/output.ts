/** Where answers go: results on standard output, for people or as JSON; everything else on standard error. */
import { asMillError, errorToJson, type MillError } from "../base/index.ts";
import type { Effects } from "./app.ts";
import { cell } from "./table.ts";

export interface Output {
  readonly json: boolean;
  /** The one result of a command. */
  result(data: unknown, text: () => string): void;
  /** A line of a stream, before the result. */
  line(data: unknown): void;
  /** For people only. */
  say(text: string): void;
  fail(thrown: unknown): void;
}

export function createOutput({ stdout, stderr }: Effects, json: boolean): Output {
  return {
    json,
    result: (data, text) => stdout(json ? `${JSON.stringify({ ok: true, data })}\n` : text()),
    line: (data) => {
      if (json) stdout(`${JSON.stringify(data)}\n`);
    },
    say: (text) => stderr(`${text}\n`),
    fail(thrown) {
      const error = asMillError(thrown);
      if (json) stdout(`${JSON.stringify({ ok: false, error: errorToJson(error) })}\n`);
      else stderr(errorText(error));
    },
  };
}

export function errorText(error: MillError): string {
  const rows = [
    ["at", error.at],
    ["expected", error.expected],
    ["got", error.got],
    ["fix", error.fix],
  ] as const;
  const details = rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${`${name}:`.padEnd(10)}${cell(value)}\n`);
  const trace = error.code === "internal.unexpected" ? `${((error.cause as Error | undefined) ?? error).stack ?? ""}\n` : "";
  return `error: ${cell(error.message)} [${error.code}]\n${details.join("")}${trace}`;
}
