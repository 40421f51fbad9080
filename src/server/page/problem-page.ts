/** What a browser sees where the overview cannot be drawn, as while mill.ts has a slip: the error, until it is mended. */
import type { Problem } from "../problem.ts";
import { documentOf } from "./document.ts";
import { html } from "./html.ts";

const LOOK_AGAIN_S = 2;
/** Looking again changes nothing about who may, or about what there is not. */
const FOR_GOOD: ReadonlySet<number> = new Set([401, 403, 404]);

/** The document, and the content security policy that it is sent with. */
export function renderProblem({ code, status, detail, at, expected, got, fix }: Problem): { html: string; policy: string } {
  const said = Object.entries({ place: at, expected, got, fix }).filter(([, text]) => text !== undefined);
  const looksAgain = !FOR_GOOD.has(status);
  return documentOf(
    html`<header><h1>Millwright</h1><nav><a href="/experiments">Experiments</a></nav></header>
<main><section><h2>${code.startsWith("define.") ? "The definitions cannot be read" : "The page cannot be drawn"} <small>${code}</small></h2>
<p><b>${detail}</b></p>
<dl>${said.map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}</dl>
${looksAgain && html`<p class="quiet">This page looks again every ${LOOK_AGAIN_S} seconds, and is back when it is mended.</p>`}</section></main>`,
    looksAgain ? html`<meta http-equiv="refresh" content="${LOOK_AGAIN_S}">` : undefined,
  );
}
