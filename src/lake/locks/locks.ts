/**
 * Somebody holds a branch, or what lies below a prefix of it, for a while: what others stage, commit, merge or reset there is refused.
 *
 * What is asked for a change is worked out from the locks as they were last read, and a statement that is committed with the change holds only while they
 * are the same. So a lock that is taken in between wins, in whatever process, and a branch without locks costs no query.
 */
import { MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import { unknownRef } from "../repositories/branch-state.ts";
import type { RepositoryEvent, RepositoryGuards } from "../repositories/guards.ts";
import { checkPath } from "../repositories/paths.ts";

export interface Lock {
  readonly repository: string;
  readonly branch: string;
  /** Empty: the whole branch. */
  readonly prefix: string;
  readonly holder: string;
  readonly why: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly until: number;
}

type Place = Pick<Lock, "repository" | "branch" | "prefix">;

export interface Locks {
  /** Takes a lock, or renews it when it is one's own. Of two takers one wins. Errors: `lake.locked`, `lake.unknown-ref`, `lake.bad-path`. */
  take(lock: Place & Pick<Lock, "holder" | "why"> & { readonly forMs: number }): Promise<Lock>;
  /** Without a holder: whoever holds it. Errors: `lake.not-locked`, `lake.locked` when another one holds it. */
  release(place: Place, holder?: string): Promise<void>;
  /** Those that hold, by branch and prefix. */
  list(repository: string): Promise<Lock[]>;
  /** Refuses what others do below a lock. Errors: `lake.locked`. */
  readonly guards: RepositoryGuards;
}

const COLUMNS = "repository, branch, prefix, holder, why, since, until";
/** Branches whose locks are kept in mind. */
const KNOWN_MAX = 1000;

export function createLocks({ records, clock = Date.now }: { readonly records: Records; readonly clock?: () => number }): Locks {
  const known = new Map<string, Standing>();
  const asked = new WeakSet<RepositoryEvent>();

  return {
    async take({ repository, branch, prefix, holder, why, forMs }) {
      if (prefix !== "") checkPath(prefix);
      const now = clock();
      const wanted = { repository, branch, prefix, holder, why, since: now, until: now + forMs };
      const outcome = await records.commit([
        heldBranch(repository, branch),
        { sql: "DELETE FROM lake_locks WHERE repository = ? AND branch = ? AND until <= ?", params: [repository, branch, now] },
        {
          sql: `INSERT INTO lake_locks (${COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS
            (SELECT 1 FROM lake_locks l WHERE l.repository = ? AND l.branch = ? AND l.holder <> ?
              AND (substr(l.prefix, 1, length(?)) = ? OR substr(?, 1, length(l.prefix)) = l.prefix))
            ON CONFLICT (repository, branch, prefix) DO UPDATE SET why = excluded.why, until = excluded.until`,
          params: [
            ...[repository, branch, prefix, holder, why, now, now + forMs],
            ...[repository, branch, holder],
            ...[prefix, prefix, prefix],
          ],
          rows: 1,
        },
      ]);
      if (!outcome.committed && outcome.statement === 0) throw await unknownRef(records, repository, branch, "branch");
      const standing = await read(repository, branch);
      const mine = standing.find((lock) => lock.prefix === prefix && lock.holder === holder);
      if (outcome.committed) return mine ?? wanted;
      throw locked(standing.find((lock) => lock.holder !== holder && overlap(lock.prefix, prefix)) ?? wanted);
    },

    async release({ repository, branch, prefix }, holder) {
      const { committed } = await records.commit([
        {
          sql: `DELETE FROM lake_locks WHERE repository = ? AND branch = ? AND prefix = ?${holder === undefined ? "" : " AND holder = ?"}`,
          params: [repository, branch, prefix, ...(holder === undefined ? [] : [holder])],
          rows: 1,
        },
      ]);
      if (committed) return;
      const found = (await read(repository, branch)).find((lock) => lock.prefix === prefix);
      throw found ? locked(found) : notLocked({ repository, branch, prefix });
    },

    list: (repository) =>
      records.query<Lock>(`SELECT ${COLUMNS} FROM lake_locks WHERE repository = ? AND until > ? ORDER BY branch, prefix`, [
        repository,
        clock(),
      ]),

    guards: {
      async before(event) {
        const first = knownFor(event) ?? (await learn(event));
        const standing = (await hitBy(event, first, clock())) ? await learn(event) : first; // it may have been released by another process
        const hit = await hitBy(event, standing, clock());
        if (hit) throw locked(hit);
        return [standing.guardFor(event.actor)];
      },
      after: async () => undefined,
    },
  };

  /** A staging that is asked again failed for what was known, and a move is rare: both look anew. */
  function knownFor(event: RepositoryEvent): Standing | undefined {
    const again = asked.has(event);
    asked.add(event);
    return event.kind === "stage" && !again ? known.get(nameOf(event)) : undefined;
  }

  async function learn(event: RepositoryEvent): Promise<Standing> {
    const standing = createStanding(event.repository, event.branch, await read(event.repository, event.branch));
    known.delete(nameOf(event));
    known.set(nameOf(event), standing);
    for (const [oldest] of known) if (known.size > KNOWN_MAX) known.delete(oldest);
    return standing;
  }

  /** Those of a branch, over ones too. */
  function read(repository: string, branch: string): Promise<Lock[]> {
    return records.query<Lock>(`SELECT ${COLUMNS} FROM lake_locks WHERE repository = ? AND branch = ? ORDER BY prefix`, [
      repository,
      branch,
    ]);
  }
}

/** The locks of a branch as they were read. */
interface Standing {
  readonly locks: readonly Lock[];
  /** Holds while others have these locks alone; the same statement each time, so that many changes share it. */
  guardFor(actor: string): Statement;
}

function createStanding(repository: string, branch: string, locks: readonly Lock[]): Standing {
  const guards = new Map<string, Statement>();
  return {
    locks,
    guardFor(actor) {
      const kept = guards.get(actor);
      if (kept) return kept;
      const others = locks.filter(({ holder }) => holder !== actor);
      const guard: Statement = {
        sql: `UPDATE branches SET stamp = stamp WHERE repository = ? AND name = ? AND NOT EXISTS
          (SELECT 1 FROM lake_locks l WHERE l.repository = ? AND l.branch = ? AND l.holder <> ?${" AND NOT (l.prefix = ? AND l.until = ?)".repeat(others.length)})`,
        params: [repository, branch, repository, branch, actor, ...others.flatMap(({ prefix, until }) => [prefix, until])],
        rows: 1,
      };
      guards.set(actor, guard);
      return guard;
    },
  };
}

/** A lock of another one that holds now, on something that the event changes. */
async function hitBy(event: RepositoryEvent, standing: Standing, nowMs: number): Promise<Lock | null> {
  const locks = standing.locks.filter(({ holder, until }) => holder !== event.actor && until > nowMs);
  if (locks.length === 0) return null;
  const whole = locks.find(({ prefix }) => prefix === "");
  if (whole) return whole;
  for await (const batch of pathsOf(event))
    for (const path of batch) {
      const hit = locks.find(({ prefix }) => path.startsWith(prefix));
      if (hit) return hit;
    }
  return null;
}

async function* pathsOf(event: RepositoryEvent): AsyncGenerator<readonly string[]> {
  if (event.kind === "stage") yield* event.paths();
  else for await (const batch of event.changed()) yield batch.map(({ path }) => path);
}

const nameOf = ({ repository, branch }: RepositoryEvent) => `${repository}/${branch}`;
const overlap = (a: string, b: string) => a.startsWith(b) || b.startsWith(a);

/** Locks the branch's row, so that takers come one after the other. */
const heldBranch = (repository: string, branch: string): Statement => ({
  sql: "UPDATE branches SET stamp = stamp WHERE repository = ? AND name = ?",
  params: [repository, branch],
  rows: 1,
});

function locked({ repository, branch, prefix, holder, why, until }: Lock): MillError {
  const place = `${repository}/${branch}${prefix && `/${prefix}`}`;
  const end = new Date(until).toISOString();
  return new MillError("lake.locked", `${holder} has locked "${place}" until ${end}: ${why}`, {
    at: place,
    got: `held by ${holder} until ${end}`,
    fix: `Wait, or ask ${holder} to release it; an administrator can, with \`mill lake unlock --force\`.`,
  });
}

const notLocked = ({ repository, branch, prefix }: Place) =>
  new MillError("lake.not-locked", `Nobody has locked "${repository}/${branch}${prefix && `/${prefix}`}".`, {
    at: `${repository}/${branch}`,
    fix: `\`mill lake locks ${repository}\` lists the locks.`,
  });
