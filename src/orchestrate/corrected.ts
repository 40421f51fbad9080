/**
 * A data set that people corrected: a branch of its repository was merged into `main`, and is its newest version. Until its sources give something
 * else, what is made from the data set is made from that version; then somebody must decide, because ingesting would undo the correction.
 */
import { canonicalJson, type Digest, type Json, MillError } from "../base/index.ts";
import type { DatasetVersion, Lake, VersionManifest } from "../lake/index.ts";
import { type Kept, partsOf } from "./graph-node.ts";
import type { Workspace } from "./workspace.ts";

/** The newest version as the result of the ingestion that it corrects; null: it is none. Errors: `dataset.corrected`. */
export async function correctedRows({ lake, ledger }: Workspace, dataset: string, ingestion: Json): Promise<Kept | null> {
  const head = await lake.head(dataset);
  const manifest = head && (await manifestIfThere(head, lake));
  if (manifest?.corrects === undefined) return null;
  const before = await lake.manifest(await lake.version(dataset, manifest.corrects));
  if (same(digestsOf(manifest), digestsOf(before))) return null; // taken back
  const key = ledger.keyOf("ingest", ingestion);
  const ingested = await ledger.resultOf(key);
  if (ingested === null || !same(partsOf(ingested), digestsOf(before))) throw undone(dataset, head!, manifest.corrects);
  return {
    manifest: {
      objects: {
        ...Object.fromEntries(digestsOf(manifest).map((digest, index) => [`part-${index}`, digest])),
        ...(manifest.quarantine && { quarantine: manifest.quarantine }),
      },
      facts: manifest.facts ?? {},
      measurements: manifest.measurements ?? [],
    },
    key,
    why: `version ${head!.version}, merged by ${head!.madeBy}, corrects version ${manifest.corrects}`,
  };
}

/** The manifest of a version; null: it is gone from the store, and ingesting makes it again. */
export const manifestIfThere = (version: DatasetVersion, lake: Lake): Promise<VersionManifest | null> =>
  lake.manifest(version).catch((thrown) => {
    if (thrown instanceof MillError && thrown.code === "object.missing") return null;
    throw thrown;
  });

const same = (a: readonly Digest[], b: readonly Digest[]) => canonicalJson(a) === canonicalJson(b);
const digestsOf = ({ parts }: VersionManifest) => parts.map(({ digest }) => digest);

const undone = (dataset: string, { version, madeBy }: DatasetVersion, corrects: number) =>
  new MillError(
    "dataset.corrected",
    `Version ${version} of the data set "${dataset}", merged by ${madeBy}, corrects version ${corrects}, and what it is made from has changed since: ingesting it would undo the correction.`,
    {
      at: `dataset "${dataset}"`,
      expected: `sources and a definition as they were for version ${corrects}`,
      fix: `Bring the correction into the sources, then take it back here: mill lake log ${dataset} shows the commit, mill lake revert ${dataset}@main COMMIT takes it back.`,
    },
  );
