/** What runs read: of a data set the first that was said of it is kept, once for an experiment. It may be long, so it is read when it is asked for. */
import type { Records, Statement } from "../../ports/records/index.ts";
import type { RunState } from "./state.ts";
import type { DatasetInput } from "./tracking.ts";

type Content = Pick<DatasetInput, "sourceType" | "source" | "schema" | "profile">;

export function datasetStatement(
  experimentId: string,
  { name, digest, sourceType, source, schema, profile }: DatasetInput,
): Statement {
  const content: Content = { sourceType, source, schema, profile };
  return {
    sql: `INSERT INTO tracking_datasets (experiment_id, name, digest, content) VALUES (?, ?, ?, ?) ON CONFLICT (experiment_id, name, digest) DO NOTHING`,
    params: [experimentId, name, digest, JSON.stringify(content)],
  };
}

const ASKED_MAX = 100;

/** The data sets of these runs, by run. */
export async function readInputs(records: Records, runs: readonly RunState[]): Promise<Map<RunState, DatasetInput[]>> {
  const wanted = new Map<string, readonly [experimentId: string, name: string, digest: string]>();
  for (const { experiment, datasets } of runs)
    for (const { name, digest } of datasets) wanted.set(keyOf(experiment.id, name, digest), [experiment.id, name, digest]);
  const contents = new Map<string, Content>();
  const keys = [...wanted.values()];
  for (let at = 0; at < keys.length; at += ASKED_MAX)
    for (const [key, content] of await readContents(records, keys.slice(at, at + ASKED_MAX))) contents.set(key, content);
  return new Map(
    runs.map((run) => [
      run,
      run.datasets.map(({ name, digest, tags }) => ({
        ...{ name, digest },
        ...contents.get(keyOf(run.experiment.id, name, digest))!,
        tags: Object.fromEntries(tags),
      })),
    ]),
  );
}

async function readContents(
  records: Records,
  keys: readonly (readonly [string, string, string])[],
): Promise<[string, Content][]> {
  const rows = await records.query<{ experiment_id: string; name: string; digest: string; content: string }>(
    `SELECT experiment_id, name, digest, content FROM tracking_datasets WHERE (experiment_id, name, digest) IN (VALUES ${keys.map(() => "(?, ?, ?)").join(", ")})`,
    keys.flat(),
  );
  return rows.map(({ experiment_id, name, digest, content }) => [keyOf(experiment_id, name, digest), JSON.parse(content)]);
}

const keyOf = (experimentId: string, name: string, digest: string) => JSON.stringify([experimentId, name, digest]);
