/** A node of the asset graph: a step that is to be, or the steps of a data set's partitions. */
import { type Digest, type Json, MillError } from "../base/index.ts";
import type { DatasetDefinition, FeaturesDefinition, ModelDefinition } from "../define/index.ts";
import type { IngestJournal, OlderParts } from "../ingest/index.ts";
import type { FrozenSplit } from "../lake/index.ts";
import type { Interpreter } from "../ports/python/index.ts";
import type { Ledger, StepManifest, Timeouts } from "../steps/index.ts";
import type { Partitions } from "./partitions/standing.ts";
import type { Search } from "./search.ts";

export type NodeKind =
  | "partition"
  | "ingest"
  | "check"
  | "split"
  | "training-set"
  | "tune"
  | "train"
  | "environment"
  | "fit"
  | "convert"
  | "bundle"
  | "prove"
  | "assess"
  | "reference"
  | "gate";

export interface GraphNode {
  /** `dataset/flights:ingest`. */
  readonly id: string;
  readonly target: string;
  readonly kind: NodeKind;
  readonly needs: readonly string[];
  /** The step's input, from the manifests of `needs` (by node id) and what only the outside knows. */
  input(results: ReadonlyMap<string, StepManifest>, outside: Outside): Promise<Json>;
  /** It stands for a step for each partition of this data set, and has no input of its own. */
  readonly partitions?: DatasetDefinition;
  /** In no key. */
  readonly timeouts?: Timeouts;
  /** Trials whose results its input is made from; `input` is then not asked. */
  search?(results: ReadonlyMap<string, StepManifest>, ledger: Ledger): Promise<Search>;
  /** A result that is kept for good, whatever the input has become since. Errors when the definition contradicts it. */
  kept?(outside: Outside): Promise<Kept | null>;
}

export interface Kept {
  readonly manifest: StepManifest;
  /** Of the step that made it; null: not known any more. */
  readonly key: Digest | null;
  /** One sentence: since when. */
  readonly why: string;
}

/** What a plan looks up beside the definitions. */
export interface Outside {
  /** Version of the ONNX Runtime that graphs are proven with; null: none. Part of the proof's key, so that installing one makes the proof. */
  readonly runtime: string | null;
  /** The Python of this machine, which environments are locked for; null: there is none. */
  interpreter(): Promise<Interpreter | null>;
  /** The content of a file of the project, as an object: what it was when the definitions were read. Errors: `define.file`. */
  file(path: string): Promise<Digest>;
  /** The same as a text. */
  text(path: string): Promise<string>;
  sources(dataset: DatasetDefinition): Promise<Json>;
  /** How its partitions stand, as they were at the first look. */
  partitions(dataset: DatasetDefinition): Promise<Partitions>;
  /** Some were taken in: the next asking looks again. */
  lookAgain(dataset: DatasetDefinition): void;
  /** The split that was frozen at its first use: new data is cut where old data was. Errors: `split.frozen` when the definition asks for another. */
  frozenSplit(dataset: DatasetDefinition): Promise<Pick<FrozenSplit, "boundary" | "version" | "generation" | "stepKey"> | null>;
  /** What the data set consists of beside its files since it grew; null: of nothing, it is in its first generation. */
  generation(dataset: DatasetDefinition): Promise<Growth | null>;
  /**
   * What people made of the data set since the platform ingested it with this input, as the ingestion's result; null: nothing.
   * Errors: `dataset.corrected` when the ingestion would give something else by now, and so undo it.
   */
  corrected(dataset: DatasetDefinition, ingestion: Json): Promise<Kept | null>;
  /** The model version that the candidate with this bundle must beat: the last champion that is not the candidate itself. */
  champion(model: ModelDefinition, bundle: Digest): Promise<ChampionInput | null>;
}

/** A generation of a data set from the second on. */
export interface Growth {
  readonly number: number;
  readonly journals: readonly IngestJournal[];
  readonly trainFrom: string | null;
  readonly until: string | null;
  /** Where the parts of the generation before start; null: it was cut by hash. */
  readonly older: OlderParts | null;
}

/** A run sees one generation of each data set from its start to its end. */
export const generationMoved = (dataset: string) =>
  new MillError("generation.moved", `The data set "${dataset}" got another generation while this run was on its way.`, {
    at: `dataset "${dataset}"`,
    fix: "Run again: it takes the generation that stands now.",
  });

/** A champion's trained model, and the features it reads. */
export interface ChampionInput {
  readonly version: number;
  readonly trained: Digest;
  readonly threshold: number | null;
  readonly classes: readonly string[];
  readonly fields: FeaturesDefinition["fields"];
}

/** The Parquet parts of an ingested data set, in order. */
export function partsOf(ingested: StepManifest): Digest[] {
  const parts = Object.keys(ingested.objects).filter((role) => role.startsWith("part-"));
  return parts.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5))).map((role) => ingested.objects[role]!);
}

/** Columns without what does not change a result: a reworded text must not run anything again. */
export const withoutTexts = (columns: DatasetDefinition["columns"]) =>
  Object.fromEntries(Object.entries(columns).map(([name, { about, unit, ...rest }]) => [name, rest]));

/** Definitions are JSON but for their types' `readonly` and optional fields. */
export const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as Json;
