/** Whoever is to be told of what happens to models. Their addresses may hold tokens: admins alone see them. */
import { boolean, integer, list, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { WEBHOOK_EVENTS } from "../webhook-events.ts";
import { id, instant, page, pageOf } from "./nouns.ts";
import { administers, inspects } from "./verb.ts";

const name = text({
  maxLength: 1000,
  examples: ["deploys"],
  description: "1 to 63 letters, digits, dots, underscores and hyphens",
});
const url = text({ maxLength: 2000, examples: ["https://example.org/hook"], description: "http or https, without credentials" });
const events = list(text({ maxLength: 100, examples: ["model_version_alias.created"] }), {
  maxItems: 100,
  description: `Any of ${WEBHOOK_EVENTS.join(", ")}`,
});
const description = text({ maxLength: 10_000 });
const secret = text({
  maxLength: 10_000,
  writeOnly: true,
  description: "What is told is signed with it; it is given back nowhere",
});
const active = boolean({ description: "false: it is told nothing of what happens meanwhile" });

const webhook = object({
  id,
  name: text(),
  url: text(),
  events: list(oneOf(WEBHOOK_EVENTS)),
  description: orNull(text()),
  active: boolean(),
  signs: boolean({ description: "It has a secret, with which what it is told is signed" }),
  createdAt: instant,
  createdBy: text(),
  updatedAt: instant,
  waiting: integer({ description: "Notices that it has not taken yet" }),
  givenUp: integer({ description: "Of the last 30 days: tried for a day, or refused" }),
  error: orNull(text({ description: "Why the last try that failed did" })),
});

export const createWebhook = administers({
  about: "Tell somebody outside what happens to models: an HTTP POST, signed, until it is taken.",
  example: "mill webhook create deploys https://example.org/hook --events model_version_alias.created",
  input: object({
    name,
    url,
    events,
    description: optional(description),
    secret: optional(secret),
    active: optional(active),
  }),
  output: webhook,
  http: { method: "POST", path: "/v1/webhooks" },
});

export const listWebhooks = inspects({
  about: "List the webhooks, newest first, with what waits and what was given up.",
  example: "mill webhook list",
  input: object(page),
  output: pageOf(webhook),
  http: { method: "GET", path: "/v1/webhooks" },
});

export const getWebhook = inspects({
  about: "Show a webhook.",
  example: "curl localhost:4747/v1/webhooks/01997b4e-0d52-7c3a-9f61-2b7f0a6c1e55",
  input: object({ webhook: id }),
  output: webhook,
  http: { method: "GET", path: "/v1/webhooks/:webhook" },
});

export const changeWebhook = administers({
  about: "Change a webhook; what waits goes to its new address.",
  example: "mill webhook change 01997b4e-0d52-7c3a-9f61-2b7f0a6c1e55 --off",
  input: object({
    webhook: id,
    name: optional(name),
    url: optional(url),
    events: optional(events),
    description: optional(description),
    secret: optional({ ...secret, description: "Empty: none any more" }),
    active: optional(active),
  }),
  output: webhook,
  http: { method: "POST", path: "/v1/webhooks/:webhook/change" },
});

export const deleteWebhook = administers({
  about: "Delete a webhook, with what waits for it.",
  example: "mill webhook delete 01997b4e-0d52-7c3a-9f61-2b7f0a6c1e55",
  input: object({ webhook: id }),
  output: object({ webhook: id }),
  http: { method: "POST", path: "/v1/webhooks/:webhook/delete" },
});

export const testWebhook = administers({
  about: "Send a webhook an example at once, and tell what it answers.",
  example: "mill webhook test 01997b4e-0d52-7c3a-9f61-2b7f0a6c1e55",
  input: object({
    webhook: id,
    event: optional(text({ maxLength: 100, description: "Default: the first of its events" })),
  }),
  output: object({
    success: boolean({ description: "It answered with 200 to 299" }),
    status: orNull(integer({ description: "null: it did not answer" })),
    error: orNull(text()),
  }),
  http: { method: "POST", path: "/v1/webhooks/:webhook/test" },
});
