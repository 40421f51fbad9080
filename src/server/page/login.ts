/** The page to log in, or out, at: a form without a script. */
import { createHash } from "node:crypto";
import { html, type Markup } from "./html.ts";
import { STYLE } from "./style.ts";

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;

interface Page {
  readonly html: string;
  readonly policy: string;
}

/** `said` is why a login was refused; `provider` is where people may log in as well. */
export function renderLogin(said: string, provider?: string): Page {
  const form = html`<form method="post" action="/login">
<p><label>Name <input name="user" autocomplete="username" required autofocus></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
${said !== "" && html`<p class="bad" role="alert">${said}</p>`}<button>Log in</button></form>
${provider !== undefined && html`<p>or <a href="/login/oidc">log in with ${provider}</a></p>`}`;
  return pageOf("Log in", form);
}

export interface Session {
  readonly name: string;
  readonly csrf: string;
  /** Somebody who comes by a provider alone has none to change. */
  readonly hasPassword: boolean;
}

/** `said` is what became of a new password. */
export function renderSession(
  { name, csrf, hasPassword }: Session,
  said: { readonly done?: string; readonly refused?: string } = {},
): Page {
  const token = html`<input type="hidden" name="csrf" value="${csrf}">`;
  const form = html`<p>You are <b>${name}</b>. <a href="/">To the page</a></p>
<form method="post" action="/logout">${token}<button>Log out</button></form>
${said.done !== undefined && html`<p role="status">${said.done}</p>`}
${
  hasPassword &&
  html`<h3>Another password</h3><form method="post" action="/login/password">${token}
<p><label>The one of now <input name="current" type="password" autocomplete="current-password" required></label></p>
<p><label>The new one <input name="password" type="password" autocomplete="new-password" minlength="10" maxlength="200" required></label></p>
${said.refused !== undefined && html`<p class="bad" role="alert">${said.refused}</p>`}<button>Change it</button></form>`
}`;
  return pageOf("Logged in", form);
}

/**
 * Leads to the page after a login elsewhere. A page of ours has to: the browser would not send the new cookie, which no other site can have sent, along a
 * redirect that another site began.
 */
export const renderEntered = (): Page =>
  pageOf("Logged in", html`<p><a href="/">To the page</a></p>`, '<meta http-equiv="refresh" content="0; url=/">');

function pageOf(title: string, content: Markup, head = ""): Page {
  const body = html`<header><h1>Millwright</h1></header><main><h2>${title}</h2>${content}</main>`;
  const document = `<!doctype html><html lang="en"><head><meta charset="utf-8">${head}<meta name="viewport" content="width=device-width"><title>Millwright: log in</title><style>${STYLE}</style></head><body>${body.markup}</body></html>`;
  return { html: document, policy: POLICY };
}
