export { CHALLENGER_ALIAS, CHAMPION_ALIAS } from "./aliases.ts";
export { type BundleInput, type BundleManifest, bundle, type PythonStory, readManifest } from "./bundle.ts";
export { type CardFacts, writeCard } from "./card.ts";
export { type By, type LedgerEntry, readLedger } from "./ledger.ts";
export { createRegisteredModels } from "./registered/create-registered.ts";
export { createRegisteredImports } from "./registered/import.ts";
export { type RegisteredImportVerb, registeredImportVerbs } from "./registered/import-verbs.ts";
export { createPapers } from "./registered/papers.ts";
export type { RegisteredModel, RegisteredModels, RegisteredVersion } from "./registered/registered.ts";
export { type RegisteredVerb, registeredVerbs } from "./registered/verbs.ts";
export {
  type AliasChange,
  createRegistry,
  type Lineage,
  type ModelVersion,
  type NewVersion,
  type Registered,
  type Registry,
  rolledBackFrom,
} from "./registry.ts";
export { createWebhooks, type WebhooksResources } from "./webhooks/create-webhooks.ts";
export { type WebhookVerb, webhookVerbs } from "./webhooks/verbs.ts";
export type { Webhook, Webhooks } from "./webhooks/webhooks.ts";
