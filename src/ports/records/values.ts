import { MillError } from "../../base/index.ts";
import type { Param, Statement } from "./records.ts";

/** Refuses what one of the databases could not give back as it was. Errors: `records.value`. */
export function requireStorable(statements: readonly Statement[]): void {
  for (const { sql, params = [] } of statements)
    for (const [index, param] of params.entries()) {
      const why = refusal(param);
      if (why)
        throw new MillError("records.value", `Value ${index + 1} of a statement cannot be kept: ${why}.`, {
          at: shortSql(sql),
          expected: "text without the character NUL, numbers but NaN, integers of 64 bits",
          fix: "Leave the character or the value out and repeat.",
        });
    }
}

export const shortSql = (sql: string) => sql.replace(/\s+/g, " ").slice(0, 300);

function refusal(param: Param): string | null {
  if (typeof param === "string") return param.includes("\0") ? "the text holds the character NUL" : null;
  if (typeof param === "number") return Number.isNaN(param) ? "it is no number (NaN)" : null;
  if (typeof param === "bigint") return BigInt.asIntN(64, param) === param ? null : "the integer needs more than 64 bits";
  return null;
}
