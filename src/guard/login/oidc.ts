/**
 * Login at an OpenID provider: authorization code with PKCE (RFC 7636), state and nonce (OpenID Connect Core 1.0). The ID token's signature, issuer, audience
 * and times are looked at; each login that was begun is answered once, by the browser that began it, within ten minutes, at whichever server of the records.
 * The browser's cookie alone makes state, nonce and verifier: the records hold its digest, and when the login began.
 */
import { createHmac, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Configuration } from "openid-client";
import { MillError } from "../../base/index.ts";
import { namesSecret } from "../../contract/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { NamedSecrets } from "../secrets/secrets.ts";
import { createOidcLogins } from "./oidc-logins.ts";
import type { OidcClaims } from "./oidc-rule.ts";

export interface OidcOptions {
  readonly issuer: string;
  readonly client: string;
  /** File of the client's secret, or `secret:NAME`. */
  readonly secretFile: string;
  readonly secrets: Pick<NamedSecrets, "resolve">;
  readonly records: Records;
  readonly scope: string;
  readonly groupsClaim: string;
  readonly now?: () => number;
}

export interface Oidc {
  /** For the button: the provider's host. */
  readonly name: string;
  /** Where to send the browser, and what a cookie of it has to hold until it comes back to `redirect`. Errors: `guard.oidc-away`. */
  begin(redirect: string): Promise<{ readonly to: string; readonly cookie: string }>;
  /** What the provider says of who came back, by the address that they came to. Errors: `guard.oidc-answer`, `guard.oidc-away`. */
  finish(answer: { readonly url: string; readonly cookie: string | undefined }): Promise<OidcClaims>;
}

const ANSWER_S = 10;
/** The provider's addresses are asked for again after so long. */
const DISCOVERED_MS = 3_600_000;

/** Asks the provider nothing before somebody logs in. Errors: `config.value`. */
export function createOidc({
  issuer,
  client: id,
  secretFile,
  secrets,
  records,
  scope,
  groupsClaim,
  now = Date.now,
}: OidcOptions): Oidc {
  const address = requireSafe(issuer);
  const logins = createOidcLogins({ records, now });
  let discovered: { readonly secret: string; readonly atMs: number; readonly provider: Promise<Configuration> } | null = null;

  const provider = async (): Promise<Configuration> => {
    const secret = await (namesSecret(secretFile) ? secrets.resolve(secretFile, "oidcSecretFile") : readSecret(secretFile));
    if (discovered?.secret !== secret || now() - discovered.atMs > DISCOVERED_MS) {
      const asked = { secret, atMs: now(), provider: discover(address, id, secret) };
      asked.provider.catch(() => {
        if (discovered === asked) discovered = null;
      });
      discovered = asked;
    }
    return discovered.provider;
  };

  return {
    name: address.host,

    async begin(redirect) {
      const [client, known] = [await import("openid-client"), await provider()];
      const cookie = randomBytes(32).toString("base64url");
      const { state, nonce, verifier } = drawnFrom(cookie);
      await logins.begin(cookie, redirect);
      const to = client.buildAuthorizationUrl(known, {
        redirect_uri: redirect,
        scope,
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      });
      return { to: to.href, cookie };
    },

    async finish({ url, cookie = "" }) {
      const redirect = await logins.end(cookie); // whatever comes of it, it is answered
      if (redirect === null)
        throw refused("no login was begun by this browser in the last ten minutes, or it was answered already");
      const [client, known] = [await import("openid-client"), await provider()];
      const { state, nonce, verifier } = drawnFrom(cookie);
      const came = new URL(redirect);
      came.search = new URL(url, came).search;
      try {
        const tokens = await client.authorizationCodeGrant(known, came, {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        });
        const claims = tokens.claims()!;
        const more =
          known.serverMetadata().userinfo_endpoint !== undefined &&
          (claims.email === undefined || claims[groupsClaim] === undefined)
            ? await client.fetchUserInfo(known, tokens.access_token, claims.sub)
            : {};
        return readClaims({ ...more, ...claims, ...addressIn(claims, more) }, groupsClaim);
      } catch (thrown) {
        throw thrown instanceof MillError ? thrown : faultOf(thrown, issuer);
      }
    },
  };
}

async function discover(issuer: URL, id: string, secret: string): Promise<Configuration> {
  const client = await import("openid-client"); // loaded by those who use it
  try {
    return await client.discovery(issuer, id, undefined, client.ClientSecretBasic(secret), {
      timeout: ANSWER_S,
      execute: [client.enableNonRepudiationChecks, ...(issuer.protocol === "http:" ? [client.allowInsecureRequests] : [])],
    });
  } catch (thrown) {
    throw away(issuer.href, thrown);
  }
}

const readSecret = (path: string): Promise<string> =>
  readFile(path, "utf8").then(
    (text) => text.trim(),
    (cause: Error) => {
      throw unfit("oidcSecretFile", path, "a file with the client's secret", cause);
    },
  );

/** Tokens go to it in the clear otherwise. */
function requireSafe(issuer: string): URL {
  const address = URL.canParse(issuer) ? new URL(issuer) : null;
  const isHere = address !== null && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(address.hostname);
  if (address?.protocol === "https:" || (address?.protocol === "http:" && isHere)) return address;
  throw unfit("oidcIssuer", issuer, "an https address; http on this machine alone");
}

const unfit = (setting: string, got: string, expected: string, cause?: Error) =>
  new MillError("config.value", `The setting "${setting}" must be ${expected}.`, {
    at: setting,
    expected,
    got,
    fix: "Correct the setting, or the file's rights.",
    cause,
  });

/** The address and whether it was verified are of one source: what is said of one address tells nothing of another. */
function addressIn(claims: Claims, more: Claims): Claims {
  const isTold = claims.email !== undefined && (claims.email_verified !== undefined || claims.email !== more.email);
  const { email, email_verified } = isTold ? claims : more;
  return { email, email_verified };
}

type Claims = Readonly<Record<string, unknown>>;

function readClaims(claims: Claims, groupsClaim: string): OidcClaims {
  const { sub, email, email_verified: verified, name } = claims;
  const groups = [claims[groupsClaim] ?? []].flat();
  return {
    subject: String(sub),
    email: typeof email === "string" && (verified === true || verified === "true") ? email : null,
    displayName: typeof name === "string" ? name.slice(0, 100) : "",
    groups: groups.filter((group) => typeof group === "string"),
  };
}

/** A network's fault and a server's are the provider's; all else is an answer that does not hold. */
function faultOf(thrown: unknown, issuer: string): MillError {
  const {
    code = "",
    message,
    status = 0,
    error,
  } = thrown as Error & Readonly<{ code?: string; status?: number; error?: string }>;
  const isAway =
    status >= 500 || thrown instanceof TypeError || ["OAUTH_TIMEOUT", "OAUTH_RESPONSE_IS_NOT_CONFORM"].includes(code);
  return isAway ? away(issuer, thrown) : refused(error === undefined ? message : `${message} (${error.slice(0, 100)})`, thrown);
}

const refused = (why: string, cause?: unknown) =>
  new MillError("guard.oidc-answer", `What the OpenID provider answered does not let you in: ${why}.`, {
    expected: "one answer to a login that was begun here, with an ID token for this client that is in force",
    fix: "Log in again.",
    cause,
  });

const away = (at: string, thrown: unknown) => {
  const { message, cause } = thrown as Error;
  const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
  return new MillError("guard.oidc-away", `The OpenID provider does not answer as it should: ${why}`, {
    at,
    fix: "Try again; when it stays so, look whether `oidcIssuer` is its address and can be reached from here. Passwords and tokens work meanwhile.",
    cause: thrown,
  });
};

/** 256 bits each, of which none tells another or the cookie. */
function drawnFrom(cookie: string): Readonly<Record<"state" | "nonce" | "verifier", string>> {
  const draw = (what: string) => createHmac("sha256", cookie).update(`oidc ${what}`).digest("base64url");
  return { state: draw("state"), nonce: draw("nonce"), verifier: draw("verifier") };
}
