/** Who may: the admin token, keys of S3 clients, and the keys that secrets are sealed under. */
import { integer, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { instant, page, pageOf } from "./nouns.ts";
import { administers, PERMISSIONS, reads } from "./verb.ts";

export const newToken = administers({
  about: "Replace the admin token; the old one stops working at once.",
  example: "mill token --new",
  input: object({}),
  output: object({ token: text(), path: text({ description: "File that holds it" }) }),
  http: { method: "POST", path: "/v1/token" },
});

const accessKeyId = text({ pattern: "^MILL[A-Z0-9]{16}$", description: "Id of an access key" });
const may = oneOf(PERMISSIONS, { description: "read: look; operate: write too" });

export const createAccessKey = administers({
  about: "Make a key for an S3 client; its secret is told this once.",
  example: "mill key create --about notebook --may read",
  input: object({ may: optional(may), about: optional(text({ maxLength: 200, description: "What it is for" })) }),
  output: object({ id: accessKeyId, secret: text(), may, about: text() }),
  http: { method: "POST", path: "/v1/access-keys" },
});

export const listAccessKeys = reads({
  about: "List the keys of S3 clients, without their secrets.",
  example: "mill key list",
  input: object(page),
  output: pageOf(object({ id: accessKeyId, actor: text(), may, about: text(), createdAt: instant, revokedAt: orNull(instant) })),
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
