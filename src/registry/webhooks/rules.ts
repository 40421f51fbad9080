/** What a webhook may be. */
import { MillError } from "../../base/index.ts";
import { WEBHOOK_EVENTS } from "../../contract/index.ts";
import type { WebhookEvent } from "./events.ts";
import type { WebhookChange } from "./webhooks.ts";

const URL_MAX = 500;
const SECRET_MAX = 1000;
const DESCRIPTION_MAX = 1000;

/** Errors: `registry.webhook`. */
export function checkWebhook({ name, url, description = "", secret = "", events }: WebhookChange): void {
  if (name !== undefined && !/^(?=.{1,63}$)[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(name))
    throw wrong("name", "1 to 63 letters, digits, dots, underscores and hyphens, a letter or digit first and last", name);
  if (url !== undefined) checkUrl(url);
  if (events !== undefined) eventsIn(events);
  if (description.length > DESCRIPTION_MAX) throw wrong("description", `at most ${DESCRIPTION_MAX} characters`, description);
  if (secret.length > SECRET_MAX) throw wrong("secret", `at most ${SECRET_MAX} characters`, `${secret.length} characters`);
}

/** Each once. Errors: `registry.webhook`. */
export function eventsIn(events: readonly string[]): WebhookEvent[] {
  const known = WEBHOOK_EVENTS.filter((event) => events.includes(event));
  const unknown = events.find((event) => !WEBHOOK_EVENTS.includes(event as WebhookEvent));
  if (events.length === 0 || unknown !== undefined)
    throw wrong("events", `one or more of ${WEBHOOK_EVENTS.join(", ")}`, unknown ?? "none");
  return known;
}

/** The address is told nowhere: it may hold a token. */
function checkUrl(url: string): void {
  const target = URL.parse(url);
  if (target === null || !["http:", "https:"].includes(target.protocol))
    throw wrong("url", "an address that starts with https:// or http://", "another text");
  if (target.username !== "" || target.password !== "")
    throw wrong("url", "an address without a user name and password in it", "one with them");
  if (url.length > URL_MAX) throw wrong("url", `at most ${URL_MAX} characters`, `${url.length} characters`);
}

export const wrong = (at: string, expected: string, got: string, fix = "Correct it.") =>
  new MillError("registry.webhook", `The webhook cannot be like this: its ${at} must be ${expected}.`, {
    ...{ at, expected, fix },
    got: got.slice(0, 100),
  });
