/** What webhooks are told of: the names and forms of MLflow's webhooks, read from the ledger. */
import type { Json } from "../../base/index.ts";
import type { WEBHOOK_EVENTS } from "../../contract/index.ts";
import type { LedgerEntry, LedgerEvent } from "../ledger.ts";

export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

type Data = Readonly<Record<string, Json>>;

interface Told {
  readonly event: WebhookEvent;
  data(entry: LedgerEntry): Data;
}

const placeOf = ({ model, version }: LedgerEntry) => ({ name: model, version: String(version) });

const TOLD: Partial<Readonly<Record<LedgerEvent, Told>>> = {
  "model.created": {
    event: "registered_model.created",
    data: ({ model, detail }) => ({ name: model, tags: detail.tags ?? {}, description: detail.description ?? null }),
  },
  "version.created": {
    event: "model_version.created",
    data: ({ detail, ...entry }) => ({
      ...placeOf({ detail, ...entry }),
      ...{
        source: detail.source!,
        run_id: detail.runId ?? null,
        tags: detail.tags ?? {},
        description: detail.description ?? null,
      },
    }),
  },
  "version.tag-set": {
    event: "model_version_tag.set",
    data: (entry) => ({ ...placeOf(entry), key: entry.name, value: entry.detail.value! }),
  },
  "version.tag-removed": { event: "model_version_tag.deleted", data: (entry) => ({ ...placeOf(entry), key: entry.name }) },
  "alias.set": { event: "model_version_alias.created", data: (entry) => ({ ...placeOf(entry), alias: entry.name }) },
  "alias.removed": { event: "model_version_alias.deleted", data: ({ model, name }) => ({ name: model, alias: name }) },
};

/** What of the ledger makes one of these events. */
export const ledgerEventsOf = (events: readonly WebhookEvent[]): string[] =>
  Object.entries(TOLD).flatMap(([what, { event }]) => (events.includes(event) ? [what] : []));

/** The body of a notice. */
export function bodyOf(entry: LedgerEntry): Json {
  const { event, data } = TOLD[entry.what]!;
  return { ...named(event), timestamp: new Date(entry.at).toISOString(), data: data(entry) };
}

/** What a receiver gets that is tried out. */
export const exampleOf = (event: WebhookEvent, at: number): Json => ({
  ...named(event),
  timestamp: new Date(at).toISOString(),
  data: EXAMPLES[event],
});

function named(event: WebhookEvent) {
  const [entity, action] = event.split(".") as [string, string];
  return { entity, action };
}

const VERSION = { name: "example_model", version: "1" };
const DESCRIBED = { tags: { example_key: "example_value" } };

const EXAMPLES: Readonly<Record<WebhookEvent, Data>> = {
  "registered_model.created": { name: "example_model", ...DESCRIBED, description: "An example registered model" },
  "model_version.created": {
    ...{ ...VERSION, source: "models:/123", run_id: "abcd1234abcd5678" },
    ...{ ...DESCRIBED, description: "An example model version" },
  },
  "model_version_tag.set": { ...VERSION, key: "example_key", value: "example_value" },
  "model_version_tag.deleted": { ...VERSION, key: "example_key" },
  "model_version_alias.created": { ...VERSION, alias: "example_alias" },
  "model_version_alias.deleted": { name: "example_model", alias: "example_alias" },
};
