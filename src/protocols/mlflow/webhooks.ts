/** MLflow's webhooks: whoever is to be told of what happens to models. */
import type { OutputOf } from "../../contract/index.ts";
import { type Fields, invalid } from "./fields.ts";
import { MlflowError } from "./mlflow-error.ts";
import type { Operation } from "./operation.ts";
import { next, pageSize, some } from "./wire.ts";

type Webhook = OutputOf<"getWebhook">;

const at = (method: Operation["method"], path: string, answer: Operation["answer"]): Operation => ({
  ...{ method, path: `webhooks${path}`, plane: "control" },
  answer,
});

export const WEBHOOKS: readonly Operation[] = [
  at("POST", "", async (asked, call) => {
    const events = eventsIn(asked) ?? [];
    const webhook = { name: asked.text("name"), url: asked.text("url"), events, ...describedIn(asked) };
    return { webhook: toWebhook(await call("createWebhook", webhook)) };
  }),
  at("GET", "", async (asked, call) => {
    const cursor = asked.optionalText("page_token") || undefined;
    const page = await call("listWebhooks", { limit: pageSize(asked, { byDefault: 100, max: 1000 }), cursor });
    return { ...some("webhooks", page.items.map(toWebhook)), ...next(page.next) };
  }),
  at("GET", "/:webhook_id", async (asked, call) => ({
    webhook: toWebhook(await call("getWebhook", { webhook: webhookId(asked) })),
  })),
  at("PATCH", "/:webhook_id", async (asked, call) => {
    const webhook = await call("changeWebhook", {
      webhook: webhookId(asked),
      name: asked.optionalText("name") || undefined,
      url: asked.optionalText("url") || undefined,
      events: eventsIn(asked),
      ...describedIn(asked),
    });
    return { webhook: toWebhook(webhook) };
  }),
  at("DELETE", "/:webhook_id", async (asked, call) => {
    await call("deleteWebhook", { webhook: webhookId(asked) });
    return {};
  }),
  at("POST", "/:webhook_id/test", async (asked, call) => {
    const event = asked.has("event") ? eventOf(asked.item("event")) : undefined;
    const { success, status, error } = await call("testWebhook", { webhook: webhookId(asked), event });
    return {
      result: {
        success,
        ...(status !== null && { response_status: status }),
        ...(error !== null && { error_message: error }),
      },
    };
  }),
];

/** None is no change. */
function eventsIn(asked: Fields): string[] | undefined {
  const events = asked.items("events").map(eventOf);
  return events.length > 0 ? events : undefined;
}

/** Enums go by their names, in capitals. */
const eventOf = (event: Fields) => `${event.text("entity")}.${event.text("action")}`.toLowerCase();

function describedIn(asked: Fields) {
  const status = asked.optionalText("status") || undefined;
  if (status !== undefined && status !== "ACTIVE" && status !== "DISABLED") throw invalid("status", status);
  return {
    description: asked.optionalText("description"),
    secret: asked.optionalText("secret"),
    active: status === undefined ? undefined : status === "ACTIVE",
  };
}

function webhookId(asked: Fields): string {
  const id = asked.text("webhook_id");
  if (/^[0-9a-f-]{36}$/.test(id)) return id;
  throw new MlflowError("RESOURCE_DOES_NOT_EXIST", `Webhook with ID ${id.slice(0, 100)} not found.`);
}

const toWebhook = (webhook: Webhook) => ({
  webhook_id: webhook.id,
  name: webhook.name,
  url: webhook.url,
  events: webhook.events.map((event) => {
    const [entity, action] = event.toUpperCase().split(".");
    return { entity, action };
  }),
  ...(webhook.description !== null && { description: webhook.description }),
  status: webhook.active ? "ACTIVE" : "DISABLED",
  creation_timestamp: Date.parse(webhook.createdAt),
  last_updated_timestamp: Date.parse(webhook.updatedAt),
});
