/**
 * Centres to start from: k-means++. Each is drawn from the rows by its weight times its squared distance to the centres so far; of a few draws the one that
 * leaves least is taken. Source: Arthur and Vassilvitskii 2007; the greedy draws as scikit-learn.
 */
import type { Random } from "../../base/index.ts";
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import type { ClustersKernel } from "../kernels/clusters.ts";
import { type ClusterMemory, eachBlock } from "./memory.ts";

/** All members call it together; only member 0 draws. Uses `uppers` for the squared distances. */
export function chooseCentres(
  at: ClusterMemory,
  kernel: ClustersKernel,
  member: Member,
  random: Random,
  onChosen: (count: number) => void,
): void {
  const { rowCount, stride, clusters, chunks, trials, points, weights, uppers, partials, trialSums, candidates } = at;
  const rowBytes = stride * 8;
  const weightsFrom = (row: number) => (weights === null ? 0 : weights.byteOffset + row * 8);
  const sumOver = (sum: ClustersKernel["lower"], chunk: number, candidate: number) => {
    let total = 0;
    eachBlock(rowCount, chunk, chunks, (from, to) => {
      const point = points.byteOffset + candidate * rowBytes;
      total += sum(
        points.byteOffset + from * rowBytes,
        to - from,
        stride,
        point,
        uppers.byteOffset + from * 8,
        weightsFrom(from),
      );
    });
    return total;
  };
  for (let chunk = member.index; chunk < chunks; chunk += member.count) uppers.fill(Infinity, ...share(rowCount, chunk, chunks));
  if (member.index === 0) candidates[0] = drawByWeight(at, random);
  member.barrier();
  let best = candidates[0]!;
  for (let chosen = 1; ; chosen++) {
    if (member.index === 0) at.centres.set(points.subarray(best * stride, (best + 1) * stride), (chosen - 1) * stride);
    for (let chunk = member.index; chunk < chunks; chunk += member.count) partials[chunk] = sumOver(kernel.lower, chunk, best);
    member.barrier();
    if (chosen === clusters) return;
    if (member.index === 0) {
      for (let trial = 0; trial < trials; trial++) candidates[trial] = drawByDistance(at, random);
      onChosen(chosen);
    }
    member.barrier();
    for (let chunk = member.index; chunk < chunks; chunk += member.count)
      for (let trial = 0; trial < trials; trial++)
        trialSums[chunk * trials + trial] = sumOver(kernel.potential, chunk, candidates[trial]!);
    member.barrier();
    best = candidates[leastLeft(at)]!;
  }
}

function leastLeft({ chunks, trials, trialSums }: ClusterMemory): number {
  let [best, least] = [0, Infinity];
  for (let trial = 0; trial < trials; trial++) {
    let left = 0;
    for (let chunk = 0; chunk < chunks; chunk++) left += trialSums[chunk * trials + trial]!;
    if (left < least) [best, least] = [trial, left];
  }
  return best;
}

function drawByWeight({ rowCount, weights }: ClusterMemory, random: Random): number {
  if (weights === null) return random.below(rowCount);
  let left = random.next() * weights.reduce((a, b) => a + b, 0);
  for (let row = 0; row < rowCount; row++) if ((left -= weights[row]!) < 0) return row;
  return rowCount - 1;
}

function drawByDistance({ rowCount, chunks, partials, uppers, weights }: ClusterMemory, random: Random): number {
  let left = random.next() * partials.reduce((a, b) => a + b, 0);
  let chunk = 0;
  while (chunk < chunks - 1 && left >= partials[chunk]!) left -= partials[chunk++]!;
  const [from, to] = share(rowCount, chunk, chunks);
  for (let row = from; row < to; row++) if ((left -= uppers[row]! * (weights === null ? 1 : weights[row]!)) < 0) return row;
  return random.below(rowCount);
}
