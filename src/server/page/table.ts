/** Tables, and how numbers are written in them. */
import { html, type Markup } from "./html.ts";

export function table(
  heads: readonly string[],
  rows: readonly (readonly (string | Markup)[])[],
  caption?: string,
  kind: "numbers" | "texts" = "numbers",
): Markup {
  return html`<table class="${kind}">${caption && html`<caption>${caption}</caption>`}<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map(([first, ...cells]) => html`<tr><th scope="row">${first}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>`;
}

/** Four digits behind the point, as measures are read side by side; the very small as powers of ten. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return "-";
  if (Number.isInteger(value)) return String(value);
  if (Math.abs(value) >= 100) return value.toFixed(1);
  return Math.abs(value) < 0.0005 ? value.toExponential(1) : value.toFixed(4);
}

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const CENTS = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

export const count = (value: number): string => WHOLE.format(value);
/** `12,345 USD`; cents only where they matter. */
export const money = (value: number, currency: string): string =>
  `${(Math.abs(value) < 100 ? CENTS : WHOLE).format(value)} ${currency}`.trimEnd();
/** Data or wall time to the minute: `2001-06-14 10:00`. */
export const minuteText = (time: string): string => time.slice(0, 16).replace("T", " ");
