import { createHash } from "node:crypto";
import type { Markup } from "./html.ts";
import { STYLE } from "./style.ts";

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'`;

/** A whole document in the page's style, and the content security policy that it is sent with; `head`: what else stands there; forms ask us alone. */
export function documentOf(
  body: Markup,
  head?: Markup,
  forms: "forms" | "no forms" = "no forms",
): { html: string; policy: string } {
  const document = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">${head?.markup ?? ""}<title>Millwright</title><style>${STYLE}</style></head><body>${body.markup}</body></html>`;
  return { html: document, policy: `${POLICY}; form-action ${forms === "forms" ? "'self'" : "'none'"}` };
}
