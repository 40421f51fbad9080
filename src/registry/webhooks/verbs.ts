import type { Handlers, OutputOf } from "../../contract/index.ts";
import type { Webhook, Webhooks } from "./webhooks.ts";

export type WebhookVerb = ("createWebhook" | "listWebhooks" | "getWebhook") | ("changeWebhook" | "deleteWebhook" | "testWebhook");

export function webhookVerbs(webhooks: Webhooks): Pick<Handlers, WebhookVerb> {
  const shown = async ({ events, createdAt, updatedAt, ...webhook }: Webhook): Promise<OutputOf<"getWebhook">> => ({
    ...{ ...webhook, events: [...events], createdAt: instant(createdAt), updatedAt: instant(updatedAt) },
    ...(await webhooks.standing(webhook.id)),
  });

  return {
    createWebhook: async (webhook, { actor }) => shown(await webhooks.create(webhook, actor)),
    async listWebhooks({ limit = 100, cursor }) {
      const found = await webhooks.list({ limit: limit + 1, after: cursor });
      const items = found.slice(0, limit);
      return { items: await Promise.all(items.map(shown)), next: found.length > limit ? items.at(-1)!.id : null };
    },
    getWebhook: async ({ webhook }) => shown(await webhooks.find(webhook)),
    changeWebhook: async ({ webhook, ...change }, { actor }) => shown(await webhooks.change(webhook, change, actor)),
    async deleteWebhook({ webhook }) {
      await webhooks.remove(webhook);
      return { webhook };
    },
    testWebhook: ({ webhook, event }) => webhooks.test(webhook, event),
  };
}

const instant = (ms: number) => new Date(ms).toISOString();
