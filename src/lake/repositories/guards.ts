import type { Digest } from "../../base/index.ts";
import type { Statement } from "../../ports/records/index.ts";
import type { Commit, PathDifference } from "./repository.ts";

interface Asked {
  readonly repository: string;
  readonly branch: string;
  /** Empty: the platform itself. */
  readonly actor: string;
}

/** Paths are about to be staged. */
export interface StageEvent extends Asked {
  readonly kind: "stage";
  paths(): AsyncIterable<readonly string[]>;
}

/** A branch is about to get another tree, and but for a reset a commit. */
export interface MoveEvent extends Asked {
  readonly kind: "commit" | "merge" | "revert" | "cherry-pick" | "reset";
  /** The tree that it leaves. */
  readonly base: Digest;
  /** The tree that it gets. */
  readonly root: Digest;
  /** null: a reset. */
  readonly commit: Commit | null;
  changed(): AsyncIterable<readonly PathDifference[]>;
}

export type RepositoryEvent = StageEvent | MoveEvent;

/** What else has a say in what happens to branches: locks, and hooks that check what is to be committed. */
export interface RepositoryGuards {
  /** Throws to refuse. The statements that it gives are committed with the change; when one of their guards does not hold it is asked again, of a staging with the same event. */
  before(event: RepositoryEvent): Promise<readonly Statement[]>;
  /** After the commit is durable, whose caller waits for it; what it throws is dropped, because nothing can be undone. */
  after(event: MoveEvent, commit: Commit): Promise<void>;
}

/** Several guards as one: each is asked in turn, and may refuse. */
export const allOf = (guards: readonly RepositoryGuards[]): RepositoryGuards => ({
  async before(event) {
    const statements: Statement[] = [];
    for (const guard of guards) statements.push(...(await guard.before(event)));
    return statements;
  },
  async after(event, commit) {
    await Promise.allSettled(guards.map((guard) => guard.after(event, commit)));
  },
});
