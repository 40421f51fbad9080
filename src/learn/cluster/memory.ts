/** What the members of a k-means crew share: points, what is known of each, and the centres. */
import { share } from "../crew/shared.ts";
import { createArena } from "../kernels/arena.ts";
import type { ClustersKernel } from "../kernels/clusters.ts";
import { instantiateKernel } from "../kernels/kernel.ts";

export interface ClusterSizes {
  readonly rowCount: number;
  readonly width: number;
  readonly clusters: number;
}

/** Rows of one call of a kernel. */
export const BLOCK = 2048;
/** Partial sums kept at once: bounds the number of chunks when centres are very many. */
const PARTIALS_MAX = 4_000_000;

export type ClusterMemory = ReturnType<typeof createClusterMemory>;

/** `members` have scratch of their own. Error: `learn.too-large`. */
export function createClusterMemory({ rowCount, width, clusters }: ClusterSizes, hasWeights: boolean, members: number) {
  const arena = createArena();
  const stride = Math.ceil(width / 4) * 4;
  const padded = Math.ceil(clusters / 4) * 4;
  const size = clusters * stride;
  const chunks = Math.max(1, Math.min(64, Math.ceil(rowCount / 1024), Math.max(4, Math.floor(PARTIALS_MAX / size))));
  const trials = 2 + Math.floor(Math.log(clusters));
  return {
    memory: arena.memory,
    ...{ rowCount, width, clusters, stride, chunks, trials },
    points: arena.float64(rowCount * stride),
    weights: hasWeights ? arena.float64(rowCount) : null,
    /** Of each row: its centre (-1: none yet), at most so far from it, at least so far from all others. */
    labels: arena.int32(rowCount),
    uppers: arena.float64(rowCount),
    lowers: arena.float64(rowCount),
    centres: arena.float64(size),
    /** Of each centre's rows. */
    sums: arena.float64(size),
    masses: arena.float64(clusters),
    packed: arena.float32(padded * width),
    halves: arena.float32(padded),
    /** How far each centre moved, how far another one did at most, and half its distance to the next centre. */
    moves: arena.float64(clusters),
    drops: arena.float64(clusters),
    halfGaps: arena.float64(clusters),
    /** Of each chunk of rows: what moved between the sums and masses of the centres, how many rows did, and a sum. */
    partialSums: arena.float64(chunks * size),
    partialMasses: arena.float64(chunks * clusters),
    partialMoved: arena.float64(chunks),
    partials: arena.float64(chunks),
    /** Of each chunk and candidate for a next centre what would be left. */
    trialSums: arena.float64(chunks * trials),
    candidates: arena.int32(trials),
    /** [1 when the search has ended, the largest norm of a centre]. */
    state: arena.float64(2),
    scratch: Array.from({ length: members }, () => ({
      list: arena.uint32(BLOCK + 8),
      panel: arena.uint8(stride * 32 + 320),
      found: arena.int32(BLOCK + 8),
      uppers: arena.float64(BLOCK + 8),
      lowers: arena.float64(BLOCK + 8),
    })),
  };
}

export const clustersKernel = (memory: WebAssembly.Memory): ClustersKernel => instantiateKernel("clusters", memory);

/** Calls with each block of a chunk's rows. */
export function eachBlock(rowCount: number, chunk: number, chunks: number, visit: (from: number, to: number) => void): void {
  const [first, end] = share(rowCount, chunk, chunks);
  for (let from = first; from < end; from += BLOCK) visit(from, Math.min(end, from + BLOCK));
}
