/** What all pages of experiments stand in. */
import { documentOf } from "../document.ts";
import { html, type Markup } from "../html.ts";

/** Where it stands among the pages: their names and addresses, from the first one down. */
export type Trail = readonly (readonly [name: string, path: string])[];

export const frame = (trail: Trail, content: Markup): ReturnType<typeof documentOf> =>
  documentOf(
    html`<header><h1><a href="/">Millwright</a></h1><nav><a href="/experiments">Experiments</a>${trail.map(([name, path]) => html`<span class="quiet">/</span><a href="${path}">${name}</a>`)}</nav></header>
<main>${content}</main>`,
    undefined,
    "forms",
  );
