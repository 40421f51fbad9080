/**
 * Notices as HTTP POSTs of JSON, signed as Standard Webhooks says (https://www.standardwebhooks.com, version 1):
 *
 *     webhook-id: ID   webhook-timestamp: SECONDS   webhook-signature: v1,BASE64(HMAC-SHA256(secret, "ID.SECONDS.BODY"))
 */
import { createHmac } from "node:crypto";
import { MillError } from "../../base/index.ts";
import type { Notices } from "./notices.ts";
import { createReceiver, type ReceiverOptions } from "./post.ts";

export interface WebhookOptions extends ReceiverOptions {
  /** Shared with the receiver: `whsec_` and base64 of 24 bytes or more, or any text of 16 characters or more. */
  readonly secret: string | null;
  readonly now?: () => number;
}

/** Errors: `notice.bad-target`. */
export function createWebhook({ secret, now = Date.now, ...options }: WebhookOptions): Notices {
  const receiver = createReceiver(options);
  const key = readSecret(secret);
  return {
    name: "webhook",
    async send({ id, body: told }) {
      const body = Buffer.from(JSON.stringify(told));
      const seconds = Math.floor(now() / 1000);
      const status = await receiver.post(body, {
        "webhook-id": id,
        "webhook-timestamp": seconds,
        "webhook-signature": signed(key, { id, seconds, body }),
      });
      if (status >= 200 && status < 300) return;
      if (status === 410) throw gone(receiver.host);
      throw receiver.failed(
        status >= 300 && status < 400 ? `it answered ${status}, and redirects are not followed` : `it answered ${status}`,
      );
    },
  };
}

/** Of what is sent under an id at a time, in seconds since 1970. */
export const signed = (
  key: string | Buffer,
  { id, seconds, body }: { readonly id: string; readonly seconds: number; readonly body: Buffer },
): string => `v1,${createHmac("sha256", key).update(`${id}.${seconds}.`).update(body).digest("base64")}`;

function readSecret(secret: string | null): Buffer {
  const encoded = secret?.startsWith("whsec_") ? secret.slice("whsec_".length) : null;
  const key = Buffer.from(encoded ?? secret ?? "", encoded === null ? "utf8" : "base64");
  const isWhole = encoded === null || key.toString("base64").replace(/=+$/, "") === encoded.replace(/=+$/, "");
  if (isWhole && key.byteLength >= (encoded === null ? 16 : 24)) return key;
  throw new MillError("notice.bad-target", "The webhook has no secret that its notices could be signed with.", {
    at: "webhookSecret",
    expected: "`whsec_` and base64 of at least 24 bytes, or a text of at least 16 characters",
    fix: "Set MILL_WEBHOOK_SECRET, as in whsec_$(openssl rand -base64 32), and tell the receiver.",
  });
}

const gone = (host: string) =>
  new MillError("notice.gone", `The webhook at ${host} answered 410: it wants no more notices.`, {
    at: host,
    fix: "Correct the setting `webhook` (MILL_WEBHOOK), or take it out.",
  });
