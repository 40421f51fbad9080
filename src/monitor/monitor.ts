/** The parts of the block, put together: what sees the traffic, what looks at whole days, what replays, and the one book of alerts. */
import type { Task } from "../contract/index.ts";
import type { Lake } from "../lake/index.ts";
import { createOutbox, type Notices, type Outbox } from "../ports/notices/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Records } from "../ports/records/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { Registry } from "../registry/index.ts";
import type { Rollout, Story } from "../serve/index.ts";
import type { Ledger } from "../steps/index.ts";
import { type Alerts, createAlerts } from "./alerts.ts";
import { armLosses } from "./arm-losses.ts";
import type { CanaryEvidence } from "./canary.ts";
import { createDays, type Days } from "./days.ts";
import { createParity, type Parity } from "./parity.ts";
import { createReferences, type Reference, type References } from "./reference.ts";
import { createWatch, type Watch } from "./watch.ts";

export interface Monitor {
  readonly references: References;
  /** Given to serving, which tells it of every request. */
  readonly watch: Watch;
  readonly days: Days;
  readonly parity: Parity;
  readonly alerts: Alerts;
  readonly outbox: Outbox;
  /** What both versions of a rollout lost on labelled rows since its step began; null while no label has come. Seals the journals. */
  armLosses(endpoint: { readonly name: string; readonly task: Task }, rollout: Rollout): Promise<CanaryEvidence["losses"]>;
  /** From now on the watch holds this version's rows against its reference. */
  know(endpoint: string, model: string, version: number): Promise<void>;
}

export interface MonitorResources {
  readonly records: Records;
  readonly objects: Objects;
  readonly lake: Lake;
  readonly registry: Registry;
  readonly ledger: Ledger;
  readonly story: Story;
  /** null: nobody is told; alerts are on the page and in the log. */
  readonly notices: Notices | null;
  /** A fresh engine for one question. */
  tables(): Tables;
  now(): number;
}

export function createMonitor({
  records,
  objects,
  lake,
  registry,
  ledger,
  story,
  notices,
  tables,
  now,
}: MonitorResources): Monitor {
  const references = createReferences({ ledger, objects });
  const known = new Map<string, Reference | null>();
  const outbox = createOutbox({ records, notices, now, topics: "alert/" });
  return {
    references,
    outbox,
    watch: createWatch({ referenceOf: (endpoint, version) => known.get(`${endpoint}@${version}`) ?? null, now }),
    days: createDays({ records, lake, registry, references, tables, now }),
    parity: createParity({ lake, registry, tables }),
    alerts: createAlerts({ records, story, outbox, now }),
    armLosses: (endpoint, rollout) => armLosses({ lake, tables }, endpoint, rollout),
    async know(endpoint, model, version) {
      const key = `${endpoint}@${version}`;
      if (!known.has(key)) known.set(key, await references.of(await registry.version(model, version)));
    },
  };
}
