/**
 * Which commits a rule keeps. From each branch down: its head, what is younger than the branch's days, and of each line the first older commit, which is
 * how the branch stood that many days ago.
 *
 *     head ── young ── young ── first older ── older ── older ...        kept up to here
 *                 \_ merged ── first older ── ...
 *
 * Kept as well: tagged commits, the newest version of a data set, what a run began on, and where living branches parted, without which they could not
 * be merged: a commit that branches reach along two ways of which none has all that the other has.
 */
import type { Digest } from "../../base/index.ts";
import { daysOf, type Retention } from "./retention.ts";

export interface CommitNode {
  readonly id: Digest;
  readonly parents: readonly Digest[];
  readonly createdAt: number;
  readonly freedAt: number | null;
}

export interface Kept {
  readonly branches: readonly { readonly name: string; readonly head: Digest }[];
  /** Commits that stay whatever the rule says. */
  readonly held: ReadonlySet<Digest>;
}

const DAY_MS = 24 * 3_600_000;

interface Reached {
  /** The earliest time that a line which is still young asks for; infinity: none asks. */
  sinceMs: number;
  /** Numbers of the branches that lead here, as bits; the largest of those that came along one way. */
  branches: bigint;
  largest: bigint;
}

/** The commits of one repository that the rule gives up and that are whole yet. `commits` come by falling generation. */
export async function* givenUp(
  rule: Retention,
  commits: AsyncIterable<CommitNode>,
  { branches, held }: Kept,
  nowMs: number,
): AsyncGenerator<Digest> {
  const reached = new Map<Digest, Reached>();
  const reach = (id: Digest, sinceMs: number, bits: bigint, alongWay: boolean) => {
    const before = reached.get(id) ?? { sinceMs: Number.POSITIVE_INFINITY, branches: 0n, largest: 0n };
    const contains = (all: bigint, some: bigint) => (some & ~all) === 0n;
    reached.set(id, {
      sinceMs: Math.min(before.sinceMs, sinceMs),
      branches: before.branches | bits,
      largest: alongWay && contains(bits, before.largest) ? bits : before.largest,
    });
  };
  const heads = new Set(branches.map(({ head }) => head));
  const sinceOf = (days: number | null) => (days === null ? Number.NEGATIVE_INFINITY : nowMs - days * DAY_MS);
  for (const [number, { name, head }] of branches.entries())
    reach(head, sinceOf(daysOf(rule, name)), 1n << BigInt(number), false);

  for await (const { id, parents, createdAt, freedAt } of commits) {
    const here = reached.get(id);
    reached.delete(id);
    const sinceMs = here?.sinceMs ?? Number.POSITIVE_INFINITY;
    const isYoung = createdAt > sinceMs;
    for (const parent of here ? parents : []) reach(parent, isYoung ? sinceMs : Number.POSITIVE_INFINITY, here!.branches, true);
    const isAsked = sinceMs !== Number.POSITIVE_INFINITY;
    const isParting = here !== undefined && here.branches !== here.largest && !heads.has(id);
    const isLost = here === undefined && createdAt <= sinceOf(rule.keepDays ?? null);
    const stays = isAsked || isParting || heads.has(id) || held.has(id) || (here === undefined && !isLost);
    if (!stays && freedAt === null) yield id;
  }
}
