/** What the platform says meanwhile: alerts as they open, and what happened to the endpoints. */
import type { OutputOf } from "../../contract/index.ts";
import type { BoundCall } from "../../guard/index.ts";

export type Alert = OutputOf<"listAlerts">["items"][number];
export type Happening = OutputOf<"getMonitor">["happenings"][number] & { readonly endpoint: string };

export interface Watch {
  /** Of the endpoints that are sent to, open at the last look. */
  openAlerts(): number;
  /** All that were opened since the start, oldest first. Looks once more. */
  alerts(): Promise<Alert[]>;
  happenings(): Promise<Happening[]>;
  close(): void;
}

export interface WatchOptions {
  readonly endpoints: readonly string[];
  find(): Promise<BoundCall | null>;
  /** Called for each alert that opened since the last look. */
  opened(alert: Alert): void;
}

const LOOK_EVERY_MS = 1000;
const LOOKED_AT_MOST = 1000;

/** A server that is away for a look is looked at again. */
export function startWatch({ endpoints, find, opened }: WatchOptions): Watch {
  const since = Date.now();
  const known = new Map<string, Alert>();
  let open = 0;

  const look = async () => {
    const call = await find();
    if (call === null) return;
    const { items } = await call("listAlerts", { limit: LOOKED_AT_MOST });
    const ours = items.filter(({ endpoint }) => endpoints.includes(endpoint));
    open = ours.filter(({ closedAt }) => closedAt === null).length;
    for (const alert of ours.filter(({ openedAt }) => Date.parse(openedAt) >= since).reverse()) {
      if (!known.has(alert.id)) opened(alert);
      known.set(alert.id, alert);
    }
  };
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch(() => undefined);
  }, LOOK_EVERY_MS).unref();

  return {
    openAlerts: () => open,
    async alerts() {
      await looking.then(look).catch(() => undefined);
      return [...known.values()];
    },
    async happenings() {
      const found: Happening[] = [];
      const call = await find();
      if (call === null) return found;
      for (const endpoint of endpoints) {
        const { happenings } = await call("getMonitor", { name: endpoint, days: 1 });
        found.push(...happenings.filter(({ at }) => Date.parse(at) >= since).map((one) => ({ ...one, endpoint })));
      }
      return found;
    },
    close: () => clearInterval(timer),
  };
}
