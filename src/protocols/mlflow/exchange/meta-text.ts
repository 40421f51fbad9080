/** meta.yaml as MLflow reads it: texts are quoted as JSON has them, which YAML takes for the same. */
export type MetaValue = string | number | boolean | null | Readonly<Record<string, string>> | readonly never[];

export function metaText(fields: Readonly<Record<string, MetaValue>>): string {
  return Object.entries(fields)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => `${key}:${valueText(value)}\n`)
    .join("");
}

function valueText(value: MetaValue): string {
  if (value === null) return " null";
  if (typeof value === "string") return ` ${quoted(value)}`;
  if (typeof value !== "object") return ` ${value}`;
  if (Array.isArray(value)) return " []";
  const entries = Object.entries(value as Readonly<Record<string, string>>);
  return entries.length === 0 ? " {}" : entries.map(([key, text]) => `\n  ${quoted(key)}: ${quoted(text)}`).join("");
}

/** JSON, but for what YAML takes for an end of line, or not at all. */
const quoted = (text: string): string =>
  JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
