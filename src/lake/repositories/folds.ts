import type { StagedChange } from "./group-staging.ts";

export interface FoldAt {
  /** Staged rows of a branch; default 8,000. */
  readonly rows: number;
  /** Of these, removed paths, which a listing must step over; default 1,000. */
  readonly removed: number;
}

export interface Folds {
  /** Counts what was staged on a branch; when that is much, folds it into the branch's tree in the background. A promise: it is far too much, wait for it. */
  staged(repository: string, branch: string, changes: readonly StagedChange[]): Promise<void> | null;
  /** Waits for what is under way. */
  settled(): Promise<void>;
}

interface Pressure {
  rows: number;
  removed: number;
  folding: Promise<void> | null;
}

/** As many bounds may be staged before a writer waits for the fold. */
const BEHIND_MAX = 4;

/**
 * Keeps staged rows few. The counts are hints, of this process alone: what several processes stage is folded by the first that reaches the bound. A fold
 * that fails is tried again when as much has come in.
 */
export function createFolds(
  at: FoldAt,
  fold: (repository: string, branch: string) => Promise<void>,
  count: (repository: string, branch: string) => Promise<Omit<Pressure, "folding">>,
): Folds {
  const branches = new Map<string, Pressure>();

  return {
    staged(repository, branch, changes) {
      const pressure = pressureOf(repository, branch);
      pressure.rows += changes.length;
      pressure.removed += changes.reduce((sum, { value }) => sum + (value === null ? 1 : 0), 0);
      if (isOver(pressure, 1)) pressure.folding ??= start(repository, branch, pressure);
      return isOver(pressure, BEHIND_MAX) ? pressure.folding : null;
    },
    async settled() {
      await Promise.all([...branches.values()].map(({ folding }) => folding));
    },
  };

  function pressureOf(repository: string, branch: string): Pressure {
    const name = `${repository}/${branch}`;
    const known = branches.get(name);
    if (known) return known;
    const fresh: Pressure = { rows: 0, removed: 0, folding: null };
    branches.set(name, fresh);
    count(repository, branch).then(
      ({ rows, removed }) => {
        fresh.rows += rows;
        fresh.removed += removed;
      },
      () => undefined,
    );
    return fresh;
  }

  async function start(repository: string, branch: string, pressure: Pressure): Promise<void> {
    const { rows, removed } = pressure;
    await fold(repository, branch).catch(() => undefined);
    pressure.rows -= rows;
    pressure.removed -= removed;
    pressure.folding = null;
  }

  function isOver({ rows, removed }: Pressure, times: number): boolean {
    return rows >= at.rows * times || removed >= at.removed * times;
  }
}
