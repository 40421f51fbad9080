/** What the pages of registered models stand in, and how they write names. */
import { documentOf } from "../document.ts";
import { html, type Markup } from "../html.ts";

export const modelPath = (model: string): string => `/registry/${encodeURIComponent(model)}`;

export const frame = (model: string | null, content: Markup): ReturnType<typeof documentOf> =>
  documentOf(
    html`<header><h1><a href="/">Millwright</a></h1><nav><a href="/registry">Models</a>${model !== null && html`<span class="quiet">/</span><a href="${modelPath(model)}">${model}</a>`}</nav></header>
<main>${content}</main>`,
    undefined,
    "forms",
  );

export const momentText = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace("T", " ");

/** What nothing states is said to be absent. */
export const stated = (text: string | null): string | Markup => text ?? html`<span class="quiet">absent</span>`;

export const pairsText = (pairs: Readonly<Record<string, string | number>>): string =>
  Object.entries(pairs)
    .map(([key, value]) => `${key}: ${value}`)
    .join(", ");
