export { type BundleInput, type BundleManifest, bundle, readManifest } from "./bundle.ts";
export { type CardFacts, writeCard } from "./card.ts";
export {
  type AliasChange,
  type By,
  CHALLENGER_ALIAS,
  CHAMPION_ALIAS,
  createRegistry,
  type Lineage,
  type ModelVersion,
  type NewVersion,
  type Registered,
  type Registry,
  rolledBackFrom,
} from "./registry.ts";
