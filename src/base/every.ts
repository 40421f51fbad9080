/** Does `work` every so often, until it is stopped; keeps no process alive for it. What fails is tried again the next time. The result stops it. */
export function every(intervalMs: number, work: () => Promise<unknown>): () => void {
  const timer = setInterval(() => void work().catch(() => undefined), intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
