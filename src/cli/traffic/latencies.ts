/** Times in buckets that grow by 2 %: any quantile to 1 %, in constant memory. From 1 microsecond to some 5 minutes. */
const GROWTH = 1.02;
const BUCKETS = 1000;
const LEAST_MS = 0.001;

export interface Latencies {
  add(ms: number): void;
  /** null while there is none. */
  quantile(share: number): number | null;
}

export function createLatencies(): Latencies {
  const counts = new Float64Array(BUCKETS);
  let total = 0;
  return {
    add(ms) {
      const bucket = Math.round(Math.log(Math.max(ms, LEAST_MS) / LEAST_MS) / Math.log(GROWTH));
      counts[Math.min(bucket, BUCKETS - 1)]!++;
      total++;
    },
    quantile(share) {
      if (total === 0) return null;
      let above = Math.ceil(share * total);
      const bucket = counts.findIndex((count) => (above -= count) <= 0);
      return LEAST_MS * GROWTH ** bucket;
    },
  };
}
