/** Results by step key: what has been made and is still there. */
import type { Digest } from "../base/index.ts";
import { type Objects, unpin } from "../ports/objects/index.ts";
import { type Meters, metersFrom, NO_METERS } from "./attempt-folder.ts";
import type { StepManifest } from "./kind.ts";
import { pinHolder } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";

export interface Result {
  readonly manifest: StepManifest;
  readonly stepId: string;
  /** What the attempt that made it took. */
  readonly meters: Meters;
}

export interface Results {
  /** The result of a key whose objects are all there, else null. */
  find(key: Digest): Promise<Result | null>;
  /** As `find`, for many at once. */
  findMany(keys: readonly Digest[]): Promise<Map<Digest, Result>>;
  /** As `find`; a result whose objects were lost is dropped, so that its step can run again. */
  findOrForget(key: Digest): Promise<Result | null>;
}

interface ResultRow {
  readonly key: Digest;
  /** JSON. */
  readonly manifest: string;
  readonly stepId: string;
  readonly meters: string | null;
}

const BATCH = 400;

export function createResults({ records, objects }: Surroundings): Results {
  return {
    async find(key) {
      const row = await rowOf(key);
      return row && (await whole(row));
    },

    async findMany(keys) {
      const found = new Map<Digest, Result>();
      for (let from = 0; from < keys.length; from += BATCH) {
        const rows = await rowsOf(keys.slice(from, from + BATCH));
        await Promise.all(
          rows.map(async (row) => {
            const result = await whole(row);
            if (result) found.set(row.key, result);
          }),
        );
      }
      return found;
    },

    async findOrForget(key) {
      const row = await rowOf(key);
      const result = row && (await whole(row));
      if (row && !result) await forget(key, row.stepId);
      return result;
    },
  };

  async function rowOf(key: Digest): Promise<ResultRow | null> {
    return (await rowsOf([key]))[0] ?? null;
  }

  function rowsOf(keys: readonly Digest[]): Promise<ResultRow[]> {
    return records.query<ResultRow>(
      `SELECT r.step_key AS key, r.manifest AS manifest, r.step_id AS "stepId", a.meters AS meters FROM results r
        LEFT JOIN attempts a ON a.step_id = r.step_id AND a.outcome = 'succeeded' WHERE r.step_key IN (${keys.map(() => "?").join(", ")})`,
      keys,
    );
  }

  async function whole(row: ResultRow): Promise<Result | null> {
    const manifest: StepManifest = JSON.parse(row.manifest);
    if ((await missingRole(objects, manifest)) !== null) return null;
    return { manifest, stepId: row.stepId, meters: metersFrom(row.meters) ?? NO_METERS };
  }

  async function forget(key: Digest, stepId: string): Promise<void> {
    const remove = { sql: "DELETE FROM results WHERE step_key = ? AND step_id = ?", params: [key, stepId], rows: 1 };
    await records.commit([remove, ...unpin(pinHolder(key))]);
  }
}

/** Role of an object that a manifest names and that is not stored; null: all are. */
export async function missingRole(objects: Pick<Objects, "sizeOf">, manifest: StepManifest): Promise<string | null> {
  const roles = Object.keys(manifest.objects);
  const sizes = await Promise.all(roles.map((role) => objects.sizeOf(manifest.objects[role]!)));
  return roles[sizes.indexOf(null)] ?? null;
}
