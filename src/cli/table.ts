/** Rows as lines whose columns stand below each other; the last column is not padded. */
export function alignRows(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, width(cell));
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell + " ".repeat(widths[index]! - width(cell))))
      .join("  ")
      .trimEnd(),
  );
}

/** Lines with a heading; nothing when there are no rows. Words of the last column that do not fit into `columns` go on below it. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number = Number.POSITIVE_INFINITY,
): string {
  if (rows.length === 0) return "";
  const aligned = alignRows([heads, ...rows].map((row) => [...row.slice(0, -1), ""]));
  const indent = Math.max(...aligned.map(width)) + GAP;
  const beside = columns - indent >= WORDS_MIN;
  const lines = [heads, ...rows].flatMap((row, index) => {
    const words = wrap(row.at(-1)!, columns - (beside ? indent : GAP));
    const first = beside ? padded(aligned[index]!, indent) + words.shift()! : aligned[index]!;
    return [first.trimEnd(), ...words.map((line) => " ".repeat(beside ? indent : GAP) + line)].filter(
      (line) => line.trim() !== "",
    );
  });
  return `${lines.join("\n")}\n`;
}

const GAP = 2;
/** With less room than this for the last column, it gets lines of its own. */
const WORDS_MIN = 40;

/** At least one line; a word longer than a line is left whole. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && width(line) + 1 + width(word) <= columns) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const padded = (text: string, columns: number) => text + " ".repeat(columns - width(text));

/** Characters, not bytes or UTF-16 units. Control characters of data are shown, never sent to a terminal. */
const width = (text: string) => [...text].length;

/** A value of a table's cell: measures short, structures as JSON, on one line, without control characters. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return "-";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  const text = typeof value === "string" ? value : JSON.stringify(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1));
}

/** A time of the wire as a table shows it, to the second in UTC; nothing where there is none. */
export const moment = (instant: string | null): string => instant?.slice(0, 19).replace("T", " ") ?? "";
