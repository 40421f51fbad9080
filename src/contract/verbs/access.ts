/** Who may: the admin token, tokens of users, keys of S3 clients, and the keys that secrets are sealed under. */
import { integer, list, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { id, instant, page, pageOf } from "./nouns.ts";
import { permissions, userName } from "./people.ts";
import { administers, inspects } from "./verb.ts";

export const newToken = administers({
  about: "Replace the admin token; the old one stops working at once.",
  example: "mill token --new",
  input: object({}),
  output: object({ token: text(), path: text({ description: "File that holds it" }) }),
  http: { method: "POST", path: "/v1/token" },
});

const tokenName = text({ pattern: "^[\\w][\\w .-]{0,62}$", examples: ["nightly"], description: "What it is for" });
const allowed = { may: orNull(permissions), expiresAt: orNull(instant) };

export const createToken = administers({
  about: "Make a token for a user, which allows what its roles do or less; it is told this once.",
  example: "mill token create nightly --user deploy --may read,predict --expires 30d",
  input: object({
    name: tokenName,
    user: optional(userName),
    may: optional(permissions),
    expires: optional(
      text({
        pattern: "^([0-9.]+[smhdw]|never)$",
        examples: ["30d"],
        default: "90d",
        description: "How long it works: a duration, or never",
      }),
    ),
  }),
  output: object({ id, token: text(), name: tokenName, user: userName, ...allowed }),
  http: { method: "POST", path: "/v1/tokens" },
});

export const listTokens = inspects({
  about: "List the tokens of users, without what they are.",
  example: "mill token list",
  input: object(page),
  output: pageOf(
    object({
      id,
      name: tokenName,
      user: userName,
      ...allowed,
      createdAt: instant,
      revokedAt: orNull(instant),
      usedAt: orNull(text({ description: "When it was last used, to about ten minutes" })),
    }),
  ),
  http: { method: "GET", path: "/v1/tokens" },
});

export const revokeToken = administers({
  about: "End a token of a user; it stops working at once.",
  example: "mill token revoke 01890000-0000-7000-8000-000000000000",
  input: object({ id }),
  output: object({ id }),
  http: { method: "POST", path: "/v1/tokens/:id/revoke" },
});

const accessKeyId = text({ pattern: "^MILL[A-Z0-9]{16}$", description: "Id of an access key" });

export const createAccessKey = administers({
  about: "Make a key for an S3 client; its secret is told this once.",
  example: "mill key create --about notebook --may read",
  input: object({
    user: optional(userName),
    may: optional(list(oneOf(["read", "edit"]), { minItems: 1, maxItems: 2 })),
    about: optional(text({ maxLength: 200, description: "What it is for" })),
  }),
  output: object({ id: accessKeyId, secret: text(), user: userName, may: permissions, about: text() }),
  http: { method: "POST", path: "/v1/access-keys" },
});

export const listAccessKeys = inspects({
  about: "List the keys of S3 clients, without their secrets.",
  example: "mill key list",
  input: object(page),
  output: pageOf(
    object({ id: accessKeyId, actor: text(), may: permissions, about: text(), createdAt: instant, revokedAt: orNull(instant) }),
  ),
  http: { method: "GET", path: "/v1/access-keys" },
});

export const revokeAccessKey = administers({
  about: "End a key of an S3 client; it stops working at once.",
  example: "mill key revoke MILL7Q2M4XKZ0P9RB3TV",
  input: object({ key: accessKeyId }),
  output: object({ key: accessKeyId }),
  http: { method: "POST", path: "/v1/access-keys/:key/revoke" },
});

export const rotateKeys = administers({
  about: "Seal secrets and encrypted objects under a new key, and forget the keys before it.",
  example: "mill key rotate",
  input: object({}),
  output: object({
    current: text({ description: "Id of the new key" }),
    secrets: integer({ description: "Sealed anew" }),
    objects: integer({ description: "Whose keys were sealed anew" }),
    left: integer({ description: "Objects still under an older key, which is kept for them: rotate again later" }),
  }),
  http: { method: "POST", path: "/v1/keys/rotate" },
});
