export { createNoticeFile } from "./file.ts";
export type { Notice, Notices } from "./notices.ts";
export { createOutbox, type Outbox, type OutboxResources, type OutboxStanding } from "./outbox.ts";
export { createWebhook, type WebhookOptions } from "./webhook.ts";
