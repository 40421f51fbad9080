/** How much the door takes of an address and of an access key; more is answered with SlowDown, after which clients wait and try again. */
import { addressKey, createRateLimit } from "../../guard/index.ts";

export interface DoorLimitOptions {
  /** Requests a minute of an access key or of who bears a token, and of an address in all; 0: no limit. */
  readonly requests: number;
  /** Requests a minute of an address that are signed by nobody who is known, or wrongly; 0: no limit. */
  readonly strangers: number;
}

export interface DoorLimits {
  /** Each request, before anything is looked up. Errors, here and below: `guard.too-many-requests`. */
  arrived(address: string): void;
  /** Who it was could not be told. */
  refused(address: string): void;
  admitted(key: string): void;
}

export function createDoorLimits({ requests, strangers }: DoorLimitOptions, now: () => number): DoorLimits {
  const byAddress = createRateLimit({ perMinute: requests, who: "This address", now });
  const byKey = createRateLimit({ perMinute: requests, who: "This key", now });
  const byStranger = createRateLimit({ perMinute: strangers, who: "This address", now });
  return {
    arrived: (address) => byAddress.take(addressKey(address)),
    refused: (address) => byStranger.take(addressKey(address)),
    admitted: (key) => byKey.take(key),
  };
}
