/**
 * Notices as HTTP POSTs of JSON, signed as Standard Webhooks says (https://www.standardwebhooks.com, version 1):
 *
 *     webhook-id: ID   webhook-timestamp: SECONDS   webhook-signature: v1,BASE64(HMAC-SHA256(secret, "ID.SECONDS.BODY"))
 *
 * The name of the receiver is resolved, its addresses are checked, and the connection goes to the very address that was checked:
 * a name that leads elsewhere a moment later leads nowhere. Redirects are not followed.
 */
import { createHmac } from "node:crypto";
import { lookup } from "node:dns/promises";
import { type ClientRequest, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { MillError } from "../../base/index.ts";
import { isPublic } from "./address.ts";
import type { Notice, Notices } from "./notices.ts";

export interface WebhookOptions {
  /** http or https, without credentials. */
  readonly url: string;
  /** Shared with the receiver: `whsec_` and base64 of 24 bytes or more, or any text of 16 characters or more. */
  readonly secret: string | null;
  /** Whether it may lie on this machine or in a private network. */
  readonly allowPrivate: boolean;
  /** For the whole of a try; default 10 s. */
  readonly timeoutMs?: number;
  /** Addresses of a name; default: the system's. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  readonly now?: () => number;
}

/** Errors: `notice.bad-target`. */
export function createWebhook({
  url,
  secret,
  allowPrivate,
  timeoutMs = 10_000,
  resolve = addressesOf,
  now = Date.now,
}: WebhookOptions): Notices {
  const target = readTarget(url);
  const key = readSecret(secret);

  const addressToUse = async (): Promise<string> => {
    const host = target.hostname.replace(/^\[|\]$/g, "");
    const addresses = isIP(host) ? [host] : await resolve(host).catch((cause) => throwFailed(`its name is not known`, cause));
    if (addresses.length === 0) throwFailed("its name has no address");
    if (!allowPrivate && !addresses.every(isPublic)) throw privateTarget(target);
    return addresses[0]!;
  };

  const throwFailed = (why: string, cause?: unknown): never => {
    throw new MillError("notice.failed", `The webhook at ${target.host} was not reached: ${why}.`, {
      at: target.host,
      expected: "an answer from 200 to 299",
      got: why,
      fix: "It is tried again by itself; check that the receiver runs and can be reached.",
      cause,
    });
  };

  const post = (address: string, notice: Notice, deadline: AbortSignal): Promise<number> => {
    const body = Buffer.from(JSON.stringify(notice.body));
    const seconds = Math.floor(now() / 1000);
    const options: RequestOptions = {
      method: "POST",
      agent: false,
      lookup: answerWith(address),
      signal: deadline,
      headers: {
        "content-type": "application/json",
        "content-length": body.byteLength,
        "user-agent": "millwright",
        "webhook-id": notice.id,
        "webhook-timestamp": seconds,
        "webhook-signature": `v1,${sign(key, `${notice.id}.${seconds}.`, body)}`,
      },
    };
    const send = target.protocol === "https:" ? requestHttps : requestHttp;
    return statusOf(send(target, options), body);
  };

  return {
    name: "webhook",
    async send(notice) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const status = await within(deadline, async () => post(await addressToUse(), notice, deadline)).catch((error) => {
        if (error instanceof MillError) throw error;
        return throwFailed(deadline.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error), error);
      });
      if (status >= 200 && status < 300) return;
      if (status === 410) throw gone(target);
      throwFailed(
        status >= 300 && status < 400 ? `it answered ${status}, and redirects are not followed` : `it answered ${status}`,
      );
    },
  };
}

/** The name in `cause` of a connection's failure; its message may tell more than the host. */
const reasonOf = (error: { code?: unknown }) => (typeof error.code === "string" ? error.code : "the connection failed");

const addressesOf = async (host: string) => (await lookup(host, { all: true })).map(({ address }) => address);

/** A resolver that knows one answer: what was checked is what is connected to. */
const answerWith =
  (address: string): LookupFunction =>
  (_host, options, callback) => {
    const family = isIP(address);
    if (options.all) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };

function statusOf(request: ClientRequest, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => {
      response.on("error", () => undefined);
      resolve(response.statusCode!);
      response.destroy(); // what it says beside its status is nothing to us
    });
    request.end(body);
  });
}

/** Names are resolved without regard to a signal: whoever waits for them stops waiting. */
async function within<T>(deadline: AbortSignal, work: () => Promise<T>): Promise<T> {
  let stop: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(deadline.reason);
    deadline.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    deadline.removeEventListener("abort", stop);
  }
}

const sign = (key: Buffer, head: string, body: Buffer) => createHmac("sha256", key).update(head).update(body).digest("base64");

function readTarget(url: string): URL {
  const target = URL.parse(url);
  const bad = (expected: string) =>
    new MillError("notice.bad-target", "The address of the webhook cannot be used.", {
      at: "webhook",
      expected,
      fix: "Correct the setting `webhook` (MILL_WEBHOOK).",
    });
  if (target === null || !["http:", "https:"].includes(target.protocol))
    throw bad("an address that starts with https:// or http://");
  if (target.username !== "" || target.password !== "") throw bad("an address without a user name and password in it");
  return target;
}

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

const privateTarget = ({ host }: URL) =>
  new MillError("notice.private", `The webhook at ${host} lies on this machine or in a private network: nothing is sent there.`, {
    at: host,
    expected: "an address on the public internet",
    fix: "Set webhookPrivate to yes (MILL_WEBHOOK_PRIVATE) if that is where it shall be.",
  });

const gone = ({ host }: URL) =>
  new MillError("notice.gone", `The webhook at ${host} answered 410: it wants no more notices.`, {
    at: host,
    fix: "Correct the setting `webhook` (MILL_WEBHOOK), or take it out.",
  });
