import type { Digest } from "../../base/index.ts";
import type { Statement } from "../../ports/records/index.ts";
import type { Change, Entry } from "./entry.ts";

export interface RepositoryInfo {
  readonly name: string;
  readonly defaultBranch: string;
  /** The branch that a bucket of the repository's name shows; null: the bucket shows refs as its first path elements. */
  readonly bucketBranch: string | null;
  readonly createdAt: number;
  readonly createdBy: string;
}

export interface Commit {
  /** SHA-256 over root, parents, message, author, time and metadata. */
  readonly id: Digest;
  readonly root: Digest;
  readonly parents: readonly Digest[];
  /** One more than the largest of its parents'; the first commit has 0. */
  readonly generation: number;
  readonly message: string;
  readonly author: string;
  readonly createdAt: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Branch {
  readonly name: string;
  readonly head: Digest;
  /** Whether what it holds changes by commits of the platform, merges and reverts alone. */
  readonly protected: boolean;
}

export interface Tag {
  readonly name: string;
  readonly commit: Digest;
  readonly createdAt: number;
}

/** What a ref leads to: a branch with what is staged on it, or a commit. */
export interface Resolved {
  readonly kind: "branch" | "tag" | "commit";
  readonly name: string;
  readonly commit: Digest;
}

export interface ListOptions {
  readonly prefix?: string;
  /** Paths with it behind the prefix are told as one common prefix. Any text. */
  readonly delimiter?: string;
  /** Only what stands behind this path or common prefix. */
  readonly after?: string;
  /** Entries and common prefixes together. */
  readonly limit: number;
}

export interface Listing {
  readonly entries: readonly { readonly path: string; readonly entry: Entry }[];
  readonly prefixes: readonly string[];
  /** To be given as `after`; null: that was all. */
  readonly next: string | null;
}

/** What must hold of a path at the moment it is changed. */
export interface Condition {
  readonly path: string;
  /** The ETag that it has now; `*`: any. */
  readonly ifMatch?: string;
  /** An ETag that it must not have; `*`: it must not be there. */
  readonly ifNoneMatch?: string;
}

export interface PathDifference {
  readonly path: string;
  readonly before: Entry | null;
  readonly after: Entry | null;
}

export interface Page {
  readonly limit: number;
  readonly after?: string;
}

export interface CommitOptions {
  readonly message: string;
  readonly author: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The head that the caller saw: with another one nothing happens (`lake.moved`). */
  readonly expect?: Digest;
}

/** A path that both sides changed since their base, each in its own way. */
export interface Conflict {
  readonly path: string;
  readonly base: Entry | null;
  readonly ours: Entry | null;
  readonly theirs: Entry | null;
}

/** How a conflict ends: with one side's entry, or with another one (null: removed). */
export type Resolution = "ours" | "theirs" | { readonly entry: Entry | null };

export interface MergeOptions extends CommitOptions {
  /** For every conflict that `resolutions` does not name; none: conflicts are told and nothing is merged. */
  readonly strategy?: "ours" | "theirs";
  /** By path; they count for every path on which a side differs from the base, in conflict or not. */
  readonly resolutions?: Readonly<Record<string, Resolution>>;
  /** The conflicts that are told; default: the first 1,000. */
  readonly conflicts?: Page;
}

export type MergeOutcome =
  | { readonly merged: true; readonly commit: Commit }
  /** The branch has all of it already. */
  | { readonly merged: false; readonly conflicts: readonly []; readonly conflictCount: 0; readonly commit: Commit }
  | { readonly merged: false; readonly conflicts: readonly Conflict[]; readonly conflictCount: number; readonly commit: null };

/** A commit as statements of the caller's transaction. */
export interface PreparedCommit {
  readonly commit: Commit;
  /** The first holds only while the branch is as it was. */
  readonly statements: readonly Statement[];
  /** To be called when they are committed: tells what waits for commits. */
  committed(): Promise<void>;
}

/** One repository: refs over commits over trees of paths, and what is staged on its branches. A ref is `BRANCH`, `TAG`, a commit's hex (8 digits at least), or one of these with `~N`. */
export interface Repository {
  readonly name: string;
  info(): Promise<RepositoryInfo>;
  /** Errors: `lake.unknown-repository`, `lake.unknown-ref`. */
  resolve(ref: string): Promise<Resolved>;

  /** Errors: `lake.unknown-ref`. */
  branch(name: string): Promise<Branch>;
  branches(page: Page): Promise<readonly Branch[]>;
  /** Begins at the commit of a ref; what is staged there stays there. Errors: `lake.bad-name`, `lake.ref-exists`. */
  createBranch(name: string, from: string): Promise<Branch>;
  /** With what is staged on it. Errors: `lake.protected`, `lake.branch-needed`. */
  deleteBranch(name: string): Promise<void>;
  protect(branch: string, on: boolean): Promise<void>;
  tags(page: Page): Promise<readonly Tag[]>;
  /** Errors: `lake.bad-name`, `lake.ref-exists`. */
  createTag(name: string, ref: string): Promise<Tag>;
  deleteTag(name: string): Promise<void>;

  /** What a path holds: on a branch what is staged counts. */
  entry(ref: string, path: string): Promise<Entry | null>;
  list(ref: string, options: ListOptions): Promise<Listing>;
  /** How many paths a ref's commit has. */
  count(ref: string): Promise<number>;
  /** Every entry of a ref, in order, in batches. Of a branch that is written to meanwhile each path is as it was at some moment of the scan. */
  scan(ref: string, prefix?: string): AsyncIterable<readonly { readonly path: string; readonly entry: Entry }[]>;

  /** Changes a branch without a commit; all or nothing; durable when it resolves. Errors: `lake.condition`, `lake.protected`, `lake.locked`, `lake.bad-path`. */
  stage(branch: string, changes: readonly Change[], conditions?: readonly Condition[], actor?: string): Promise<void>;
  /** Very many changes, sorted by the bytes of their paths, each path once: they go into the tree as they come, all or nothing. Gives their number. Errors: also `lake.unsorted`. */
  stageMany(branch: string, changes: AsyncIterable<readonly Change[]>, actor?: string): Promise<number>;
  /** What is staged on a branch, against its head. */
  uncommitted(branch: string, page: Page): Promise<readonly PathDifference[]>;
  /** Takes back what is staged, all or below a prefix. Errors: `lake.protected`, `lake.locked`. */
  reset(branch: string, prefix?: string, actor?: string): Promise<void>;

  /** Commits what is staged. Errors: `lake.nothing-staged`, `lake.moved`, `lake.protected`, `lake.locked`, `lake.hook-refused`. */
  commit(branch: string, options: CommitOptions): Promise<Commit>;
  /**
   * The statements of a commit of these changes on top of a branch's head (a protected one too), to be committed together with others; they hold only
   * while the branch is the same. `tag`: they tag the commit. What is staged stays staged. Errors: `lake.moved`, `lake.ref-exists`.
   */
  commitStatements(
    branch: string,
    changes: readonly Change[],
    options: CommitOptions & { readonly tag?: string },
  ): Promise<PreparedCommit>;
  /** Newest first; with `path` only commits that changed it (a path, or all below a prefix that ends with `/`). `after`: the id of the last one seen. */
  log(ref: string, options: Page & { readonly path?: string }): Promise<readonly Commit[]>;
  commitOf(ref: string): Promise<Commit>;
  /** Between the commits of two refs. */
  diff(before: string, after: string, page: Page & { readonly prefix?: string }): Promise<readonly PathDifference[]>;
  /**
   * Brings into `branch` what the commits of `from` changed since they parted, as a commit with both as parents. What is staged on the branch stays
   * staged. Errors: `lake.moved`, `lake.uncommitted` when the merge changes a path that is staged too, `lake.locked`, `lake.hook-refused`.
   */
  merge(from: string, branch: string, options: MergeOptions): Promise<MergeOutcome>;
  /** Takes back on `branch` what a commit changed; of a merge, against its first parent. */
  revert(branch: string, commit: string, options: MergeOptions): Promise<MergeOutcome>;
  /** Makes on `branch` what a commit changed elsewhere. */
  cherryPick(branch: string, commit: string, options: MergeOptions): Promise<MergeOutcome>;
  /** Sets a branch's head to another commit; what is staged on it is lost. */
  resetTo(branch: string, ref: string, options?: { readonly expect?: Digest; readonly actor?: string }): Promise<Branch>;
}

export interface Repositories {
  /** Errors: `lake.repository-exists`, `lake.bad-name`. */
  create(options: { readonly name: string; readonly actor: string; readonly bucketBranch?: string }): Promise<RepositoryInfo>;
  /** Sorted by name. */
  list(page: Page): Promise<readonly RepositoryInfo[]>;
  /** A handle; its methods fail with `lake.unknown-repository` when there is none of this name. */
  of(name: string): Repository;
  /** Takes a repository with all its refs away; its objects are freed by the next collection. */
  remove(name: string): Promise<void>;
}
