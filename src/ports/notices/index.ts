export { createNoticeFile } from "./file.ts";
export type { Notice, Notices } from "./notices.ts";
export { createOutbox, type Outbox, type OutboxResources, type OutboxStanding } from "./outbox.ts";
export { createReceiver, type Receiver, type ReceiverOptions } from "./post.ts";
export { createWebhook, signed, type WebhookOptions } from "./webhook.ts";
