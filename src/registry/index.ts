export { type BundleInput, type BundleManifest, bundle, readManifest } from "./bundle.ts";
export { type CardFacts, writeCard } from "./card.ts";
export {
  CHAMPION_ALIAS,
  createRegistry,
  type Lineage,
  type ModelVersion,
  type NewVersion,
  type Registered,
  type Registry,
  rolledBackFrom,
} from "./registry.ts";
