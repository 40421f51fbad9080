/** Runs what is asked for one name one at a time, in order; names do not wait for each other. A failure does not stop the next. */
export function createQueues(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (name, work) => {
    const next = (last.get(name) ?? Promise.resolve()).then(work);
    const quiet = next.catch(() => undefined);
    last.set(name, quiet);
    quiet.then(() => last.get(name) === quiet && last.delete(name));
    return next;
  };
}
