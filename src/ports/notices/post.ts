/**
 * JSON posted to an address that somebody wrote down. The name of the receiver is resolved, its addresses are checked, and the connection goes to the very
 * address that was checked: a name that leads elsewhere a moment later leads nowhere. Redirects are not followed.
 */
import { lookup } from "node:dns/promises";
import { type ClientRequest, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { MillError } from "../../base/index.ts";
import { isPublic } from "./address.ts";

export interface ReceiverOptions {
  /** http or https, without credentials. */
  readonly url: string;
  /** Whether it may lie on this machine or in a private network. */
  readonly allowPrivate: boolean;
  /** For the whole of a try; default 10 s. */
  readonly timeoutMs?: number;
  /** Addresses of a name; default: the system's. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** No error tells the address beyond its host, or the body. */
export interface Receiver {
  readonly host: string;
  /** The status that it answers, whatever that is. Errors: `notice.failed`, `notice.private`. */
  post(body: Buffer, headers: Readonly<Record<string, string | number>>): Promise<number>;
  /** Whether it may be posted to. Errors: as `post`. */
  check(): Promise<void>;
  failed(why: string, cause?: unknown): MillError;
}

/** Errors: `notice.bad-target`. */
export function createReceiver({ url, allowPrivate, timeoutMs = 10_000, resolve = addressesOf }: ReceiverOptions): Receiver {
  const target = readTarget(url);
  const { host } = target;

  const failed: Receiver["failed"] = (why, cause) =>
    new MillError("notice.failed", `The webhook at ${host} was not reached: ${why}.`, {
      at: host,
      expected: "an answer from 200 to 299",
      got: why,
      fix: "It is tried again by itself; check that the receiver runs and can be reached.",
      cause,
    });

  const addressToUse = async (): Promise<string> => {
    const name = target.hostname.replace(/^\[|\]$/g, "");
    const addresses = isIP(name)
      ? [name]
      : await resolve(name).catch((cause) => Promise.reject(failed("its name is not known", cause)));
    if (addresses.length === 0) throw failed("its name has no address");
    if (!allowPrivate && !addresses.every(isPublic)) throw privateTarget(target);
    return addresses[0]!;
  };

  const inTime = async <T>(work: (deadline: AbortSignal) => Promise<T>): Promise<T> => {
    const deadline = AbortSignal.timeout(timeoutMs);
    return within(deadline, () => work(deadline)).catch((error) => {
      if (error instanceof MillError) throw error;
      throw failed(deadline.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error), error);
    });
  };

  return {
    host,
    failed,
    check: () => inTime(async () => void (await addressToUse())),
    post: (body, headers) =>
      inTime(async (signal) => {
        const options: RequestOptions = {
          method: "POST",
          agent: false,
          lookup: answerWith(await addressToUse()),
          signal,
          headers: {
            "content-type": "application/json",
            "content-length": body.byteLength,
            "user-agent": "millwright",
            ...headers,
          },
        };
        return statusOf((target.protocol === "https:" ? requestHttps : requestHttp)(target, options), body);
      }),
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

function readTarget(url: string): URL {
  const target = URL.parse(url);
  const bad = (expected: string) =>
    new MillError("notice.bad-target", "The address of the webhook cannot be used.", {
      at: "webhook",
      expected,
      fix: "Correct the address; that of alerts is the setting `webhook` (MILL_WEBHOOK).",
    });
  if (target === null || !["http:", "https:"].includes(target.protocol))
    throw bad("an address that starts with https:// or http://");
  if (target.username !== "" || target.password !== "") throw bad("an address without a user name and password in it");
  return target;
}

const privateTarget = ({ host }: URL) =>
  new MillError("notice.private", `The webhook at ${host} lies on this machine or in a private network: nothing is sent there.`, {
    at: host,
    expected: "an address on the public internet",
    fix: "Set webhookPrivate to yes (MILL_WEBHOOK_PRIVATE) if that is where it shall be.",
  });
