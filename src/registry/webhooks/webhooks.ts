/**
 * Whoever is to be told of what happens to models. The ledger is what there is to tell: it is committed with each change, and each webhook has its place in
 * it. What lies behind that place is handed to the outbox in the commit that moves it on, and sent from there, in order, at least once:
 *
 *     change + ledger entry -> [place of the webhook moved, notices written down] -> tried until taken, refused, or a day old
 */
import type { WebhookEvent } from "./events.ts";

export interface Webhook {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly description: string | null;
  /** One that is not is told nothing of what happens meanwhile, then or later; what waited goes on waiting. */
  readonly active: boolean;
  /** What it is told is signed with a secret, which nothing gives back. */
  readonly signs: boolean;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly createdBy: string;
  readonly updatedAt: number;
}

/** Left out: as it was; of a new one nothing. */
export interface WebhookChange {
  /** 1 to 63 letters, digits, ".", "_" and "-", with a letter or digit at both ends. */
  readonly name?: string | undefined;
  /** http or https, without credentials. */
  readonly url?: string | undefined;
  readonly events?: readonly string[] | undefined;
  readonly description?: string | undefined;
  /** "": none any more. */
  readonly secret?: string | undefined;
  readonly active?: boolean | undefined;
}

export interface NewWebhook extends WebhookChange {
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
}

export interface WebhookStanding {
  /** Not taken yet. */
  readonly waiting: number;
  /** Of the last 30 days: tried for a day, or refused. */
  readonly givenUp: number;
  /** Why the last try that failed did; null: nothing waits and nothing was given up. */
  readonly error: string | null;
}

export interface WebhookTrial {
  /** It answered with 200 to 299. */
  readonly success: boolean;
  /** null: it did not answer. */
  readonly status: number | null;
  readonly error: string | null;
}

export interface Webhooks {
  /** Told of what happens from now on. Errors: `registry.webhook`, also for a private address where that is not allowed. */
  create(webhook: NewWebhook, actor: string): Promise<Webhook>;
  /** Errors: `registry.unknown-webhook`. */
  find(id: string): Promise<Webhook>;
  /** Newest first. `after`: the last one seen. */
  list(page: { readonly limit: number; readonly after?: string | undefined }): Promise<Webhook[]>;
  standing(id: string): Promise<WebhookStanding>;
  /** What waits goes to the new address. Errors: as `create` and `find`. */
  change(id: string, change: WebhookChange, actor: string): Promise<Webhook>;
  /** With what waits for it. Errors: `registry.unknown-webhook`. */
  remove(id: string): Promise<void>;
  /** Sends an example at once, of the first of its events where none is named. Errors: `registry.unknown-webhook`, `registry.webhook`. */
  test(id: string, event?: string): Promise<WebhookTrial>;
  /** Hands on what happened, and begins to send; waits for no receiver. */
  deliver(): Promise<void>;
  /** Waits for what is being sent. */
  settled(): Promise<void>;
}
