/** Secrets that settings and hooks name. No verb tells a value. */
import { object, text } from "../json-schema.ts";
import { SECRET_NAME } from "../secret-name.ts";
import { instant, page, pageOf } from "./nouns.ts";
import { administers, inspects } from "./verb.ts";

const name = text({ pattern: SECRET_NAME, examples: ["alerts-address"], description: "Name of a secret" });

export const setSecret = administers({
  about: "Keep a secret, sealed, or replace it; settings and hooks name it as secret:NAME.",
  example: "mill secret set alerts-address < address.txt",
  input: object({
    name,
    value: text({ pattern: "^[^]+$", maxLength: 16_384, writeOnly: true, examples: ["one character or more"] }),
  }),
  output: object({ name }),
  http: { method: "POST", path: "/v1/secrets" },
});

export const listSecrets = inspects({
  about: "List the secrets: names, who set them, and when.",
  example: "mill secret list",
  input: object(page),
  output: pageOf(object({ name, setAt: instant, setBy: text() })),
  http: { method: "GET", path: "/v1/secrets" },
});

export const removeSecret = administers({
  about: "Forget a secret.",
  example: "mill secret remove alerts-address",
  input: object({ name }),
  output: object({ name }),
  http: { method: "POST", path: "/v1/secrets/:name/remove" },
});
