/**
 * Work on one name that may overlap (`shared`), and work that has the name to itself (`alone`): it waits for what is under way, and what comes
 * later waits for it.
 */
export interface Access {
  shared<T>(name: string, work: () => Promise<T>): Promise<T>;
  alone<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export function createAccess(): Access {
  const lastAlone = new Map<string, Promise<unknown>>();
  const underWay = new Map<string, Set<Promise<unknown>>>();
  const quiet = (work: Promise<unknown>) => work.then(ignore, ignore);

  return {
    shared(name, work) {
      const mine = (lastAlone.get(name) ?? Promise.resolve()).then(work);
      const others = underWay.get(name) ?? new Set();
      underWay.set(name, others);
      const ended: Promise<unknown> = quiet(mine).then(() => others.delete(ended));
      others.add(ended);
      return mine;
    },
    alone(name, work) {
      const mine = Promise.all([lastAlone.get(name), ...(underWay.get(name) ?? [])]).then(work);
      lastAlone.set(name, quiet(mine));
      return mine;
    },
  };
}

const ignore = () => undefined;
