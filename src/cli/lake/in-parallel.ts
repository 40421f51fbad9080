/** Works on items as they come, `jobs` at a time. After the first failure none is begun any more; it is thrown when those under way have ended. */
export async function inParallel<T>(items: AsyncIterable<T>, jobs: number, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  const failures: unknown[] = [];
  const worker = async () => {
    while (failures.length === 0) {
      const next = await iterator.next();
      if (next.done) return;
      await work(next.value);
    }
  };
  await Promise.all(Array.from({ length: jobs }, () => worker().catch((thrown) => void failures.push(thrown))));
  await iterator.return?.();
  if (failures.length > 0) throw failures[0];
}
