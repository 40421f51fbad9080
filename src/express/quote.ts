import { MillError } from "../base/index.ts";

/** A name as SQL: any text is safe but one with a NUL, which no engine can hold. Errors: `express.name`. */
export function quoteIdentifier(name: string): string {
  if (name !== "" && !name.includes("\0") && name.isWellFormed()) return `"${name.replaceAll('"', '""')}"`;
  throw new MillError("express.name", `${JSON.stringify(name)} cannot be the name of a column.`, {
    expected: "at least one character, no NUL, no half of a surrogate pair",
    got: JSON.stringify(name),
    fix: "Rename the column; `source` names it as the file has it.",
  });
}

/** A text as SQL. The text must be well-formed Unicode; `typeOf` sees to that for literals. */
export const quoteLiteral = (text: string): string =>
  text.includes("\0") ? `(${text.split("\0").map(quoted).join(" || chr(0) || ")})` : quoted(text);

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** A number as a DOUBLE of SQL: with an exponent, for without one the engine reads a decimal. */
export function quoteDouble(value: number): string {
  const text = Object.is(value, -0) ? "0" : String(value);
  return `${value < 0 ? "(" : ""}${text.includes("e") ? text : `${text}e0`}${value < 0 ? ")" : ""}`;
}

/**
 * `body` over `sql` with `sql` evaluated once. A short expression is simply repeated (the engine finds that it is common), a long one is bound
 * to the variable of a lambda: repeated at each level of a nested expression, the text would grow exponentially.
 */
export function bind(sql: string, body: (name: string) => string, name = "x"): string {
  return sql.length <= REPEATED_MAX ? body(sql) : `list_transform([${sql}], lambda ${name}: ${body(name)})[1]`;
}

const REPEATED_MAX = 120;
