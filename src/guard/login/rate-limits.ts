/** Token buckets: each key may send a minute's worth at once, and goes on at the rate. In this process; memory is bounded. */
import { isIPv6 } from "node:net";
import { MillError } from "../../base/index.ts";

export interface RateLimit {
  /** Takes one. Errors: `guard.too-many-requests`, whose `retryAfterMs` says when there will be one again. */
  take(key: string): void;
}

export interface RateLimitOptions {
  /** Requests a minute; 0: no limit. */
  readonly perMinute: number;
  /** Of whom, in words. */
  readonly who: string;
  readonly now?: () => number;
  readonly keysMax?: number;
}

const KEYS_MAX = 100_000;

export function createRateLimit({ perMinute, who, now = Date.now, keysMax = KEYS_MAX }: RateLimitOptions): RateLimit {
  /** Those that were asked for last stand last. */
  const buckets = new Map<string, { readonly left: number; readonly atMs: number }>();
  const perMs = perMinute / 60_000;
  return {
    take(key) {
      if (perMinute === 0) return;
      const atMs = now();
      const bucket = buckets.get(key) ?? { left: perMinute, atMs };
      const left = Math.min(perMinute, bucket.left + Math.max(0, atMs - bucket.atMs) * perMs);
      buckets.delete(key);
      if (buckets.size >= keysMax) buckets.delete(buckets.keys().next().value!);
      buckets.set(key, { left: left < 1 ? left : left - 1, atMs });
      if (left < 1) throw tooMany(who, perMinute, (1 - left) / perMs);
    },
  };
}

/** One key for all that somebody with an IPv6 network can send from: its first 64 bits. */
export function addressKey(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(zeros).fill("0"), ...groups(tail ?? "")];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

function tooMany(who: string, perMinute: number, waitMs: number): MillError {
  const seconds = Math.ceil(waitMs / 1000);
  return new MillError("guard.too-many-requests", `${who} sent more requests than it may: try again in ${seconds} s.`, {
    expected: `at most ${perMinute.toLocaleString("en")} requests a minute`,
    fix: "Wait as long as Retry-After says, and send fewer requests; mill up --stranger-limit and --actor-limit change the bounds.",
    retryAfterMs: waitMs,
  });
}
