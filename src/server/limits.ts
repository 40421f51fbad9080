import { addressKey, createRateLimit } from "../guard/index.ts";

export interface LimitOptions {
  /** Requests a minute of an address that says nobody's name, or a wrong one; 0: no limit. */
  readonly strangers: number;
  /** Requests a minute of a user, but for the data plane; 0: no limit. */
  readonly actors: number;
}

export interface Limits {
  /** Errors: `guard.too-many-requests`. */
  stranger(address: string): void;
  actor(id: string): void;
}

const DEFAULTS: LimitOptions = { strangers: 600, actors: 12_000 };

export function createLimits({ strangers, actors }: LimitOptions = DEFAULTS): Limits {
  const byAddress = createRateLimit({ perMinute: strangers, who: "This address" });
  const byActor = createRateLimit({ perMinute: actors, who: "You" });
  return { stranger: (address) => byAddress.take(addressKey(address)), actor: (id) => byActor.take(id) };
}
