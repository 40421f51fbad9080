/** After a crash: brings the rows of steps and runs back in line with what really runs and what was really left. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, errorFromJson } from "../base/index.ts";
import type { Statement } from "../ports/records/index.ts";
import { attemptFolder, type Marker, markedAt, readFailure, readMarker, removeFolder } from "./attempt-folder.ts";
import { CHECKPOINTS, checkpointFile, sweepCheckpoints } from "./checkpoint.ts";
import { isAbandoned, type OpenStep, runningSteps } from "./claim.ts";
import { endStatements, metersOf, publishStatements } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";

/** How many attempts ended how, and how many processes of dead owners were ended. */
export interface Recovered {
  readonly published: number;
  readonly failed: number;
  readonly lost: number;
  readonly orphans: number;
  readonly runs: number;
}

type Verdict = "published" | "failed" | "lost";

/**
 * Settles every attempt that nobody looks after: its process is ended if it still runs; a complete manifest is published, an error is
 * recorded, else the step is lost and the next run takes it up. Runs of dead owners are marked lost, folders that belong to nothing removed.
 */
export async function recover(surroundings: Surroundings, isOurs: (key: Digest) => boolean): Promise<Recovered> {
  const names = await readdir(surroundings.folder).catch(() => []);
  const found = { published: 0, failed: 0, lost: 0, orphans: 0, runs: 0 };
  const kept = new Set<string>();
  for (const step of await runningSteps(surroundings)) {
    if (isOurs(step.key) || !isAbandoned(step, surroundings)) kept.add(`${step.stepId}-${step.fence}`);
    else {
      const { verdict, orphan } = await reconcile(surroundings, step);
      if (verdict) found[verdict]++;
      if (orphan) found.orphans++;
    }
  }
  await sweepCheckpoints(surroundings.folder, surroundings.clock());
  for (const name of names) if (!kept.has(name) && name !== CHECKPOINTS) await removeFolder(join(surroundings.folder, name));
  return { ...found, runs: await loseRuns(surroundings) };
}

/** Settles one abandoned attempt; `verdict` is null when somebody else did so first. */
export async function reconcile(
  surroundings: Surroundings,
  step: OpenStep,
): Promise<{ readonly verdict: Verdict | null; readonly orphan: boolean }> {
  const { records, clock } = surroundings;
  const orphan = await endOrphan(surroundings, step);
  const folder = attemptFolder(surroundings.folder, step.stepId, step.fence);
  const marker = await readMarker(folder);
  const [verdict, statements]: [Verdict, Statement[]] =
    marker && (await allStored(surroundings, marker))
      ? ["published", publishStatements(step, marker, clock(), await detailOf(marker))]
      : await withoutResult();
  const { committed } = await records.commit(statements);
  if (committed) await removeFolder(folder);
  if (committed && verdict === "published") await rm(checkpointFile(surroundings.folder, step.key), { force: true });
  return { verdict: committed ? verdict : null, orphan };

  async function detailOf({ meters }: Marker) {
    return { meters: metersOf((await markedAt(folder)) - step.startedAt, meters, null) };
  }

  async function withoutResult(): Promise<[Verdict, Statement[]]> {
    const failure = await readFailure(folder);
    if (!failure || failure.error.code === "step.cancelled") return ["lost", endStatements(step, "lost", clock())];
    return ["failed", endStatements(step, "failed", clock(), { error: errorFromJson(failure.error) })];
  }
}

async function endOrphan({ engine }: Surroundings, { engine: name, handle }: OpenStep): Promise<boolean> {
  if (handle === null || name !== engine.name || !(await engine.alive(handle))) return false;
  await engine.end(handle);
  return true;
}

async function allStored({ objects }: Surroundings, { manifest }: Marker): Promise<boolean> {
  const sizes = await Promise.all(Object.values(manifest.objects).map((one) => objects.sizeOf(one)));
  return !sizes.includes(null);
}

async function loseRuns({ records, owner, clock }: Surroundings): Promise<number> {
  const running = await records.query<{ id: string; owner: string }>("SELECT id, owner FROM runs WHERE state = 'running'");
  const gone = running.filter((run) => run.owner !== owner.name && !owner.alive(run.owner));
  await records.commit(
    gone.map(({ id }) => ({
      sql: "UPDATE runs SET state = 'lost', ended_at = ? WHERE id = ? AND state = 'running'",
      params: [clock(), id],
    })),
  );
  return gone.length;
}
