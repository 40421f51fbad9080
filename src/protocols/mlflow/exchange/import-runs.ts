import type { InputOf } from "../../../contract/index.ts";
import { historyDigest } from "./history.ts";
import type { Import } from "./import.ts";
import { takeFiles } from "./import-files.ts";
import { onWire } from "./server-source.ts";
import type { PointThere, RunThere } from "./source.ts";

type RunAsked = InputOf<"importRuns">["runs"][number];
type HistoryAsked = InputOf<"importPoints">["histories"][number];

/** Points of a page that are kept until it is known which are wanted; others are read again. */
const HELD_MAX = 200_000;
/** As much goes in one call. */
const POINTS_MAX = 5000;
const BYTES_MAX = 4 << 20;
/** A text of a data set that is longer is left: it would pass through no call. */
const TEXT_MAX = 1 << 20;

export async function takeRuns(all: Import, ids: { readonly there: string; readonly here: string | null }): Promise<void> {
  const { source, call, from, reporter, signal } = all;
  const sender = createSender(all);
  for await (const page of source.runs(ids.there)) {
    signal.throwIfAborted();
    const { digests, held } = await readHistories(all, page);
    const found = new Map(page.map((one) => [one.run.id, one]));
    const roots = new Map<string, string | null>();
    for (const runs of inBatches(page.map((one) => asked(one, digests, reporter.left)))) {
      const taken = await call("importRuns", { ...from, experiment: ids.here, runs });
      for (const { id, root, outcome, wanted, left } of taken.runs) {
        roots.set(id, root);
        reporter.count("runs", outcome);
        for (const { what, why } of left) reporter.left(`${what} of run ${id}`, why);
        for (const key of wanted) {
          const points = held.get(nameOf(id, key));
          if (points) await sender.send(id, key, points);
        }
        const others = wanted.filter((key) => !held.has(nameOf(id, key)));
        if (others.length > 0)
          for await (const { key, points } of source.histories([{ ...found.get(id)!, keys: others }]))
            await sender.send(id, key, points);
      }
    }
    await sender.flush();
    await takeFiles(
      all,
      page.map(({ run: { id }, artifactUri }) => ({
        owner: { kind: "run", id, artifactUri, experimentId: ids.there },
        root: roots.get(id) ?? null,
      })),
    );
  }
}

/** What every history of a page is, and as many of them as fit. */
async function readHistories({ source, signal }: Import, page: readonly RunThere[]) {
  const digests = new Map<string, { key: string; digest: string }[]>();
  const held = new Map<string, readonly PointThere[]>();
  let room = HELD_MAX;
  for await (const { run, key, points } of source.histories(page)) {
    signal.throwIfAborted();
    digests.set(run, [...(digests.get(run) ?? []), { key, digest: historyDigest(points) }]);
    if (points.length > room) continue;
    room -= points.length;
    held.set(nameOf(run, key), points);
  }
  return { digests, held };
}

const nameOf = (run: string, key: string) => `${run}/${key}`;

function asked(
  { run }: RunThere,
  digests: ReadonlyMap<string, { key: string; digest: string }[]>,
  left: (what: string, why: string) => void,
): RunAsked {
  const short = (text: string | undefined, what: string) => {
    if (text === undefined || text.length <= TEXT_MAX) return text;
    left(`${what} of run ${run.id}`, `it is longer than ${TEXT_MAX} characters`);
    return undefined;
  };
  const datasets = run.datasets.map(({ schema, profile, ...dataset }) => {
    const texts = {
      schema: short(schema, `schema of data set ${dataset.name}`),
      profile: short(profile, `profile of data set ${dataset.name}`),
    };
    return {
      ...dataset,
      ...(texts.schema !== undefined && { schema: texts.schema }),
      ...(texts.profile !== undefined && { profile: texts.profile }),
    };
  });
  return { ...run, datasets, histories: digests.get(run.id) ?? [] };
}

/** As many as pass through one call. */
function* inBatches(runs: readonly RunAsked[]): Generator<RunAsked[]> {
  let batch: RunAsked[] = [];
  let bytes = 0;
  for (const run of runs) {
    const size = JSON.stringify(run).length;
    if (batch.length > 0 && bytes + size > BYTES_MAX) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(run);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** Points of many runs and metrics go together; a history's digest goes with its last ones. */
function createSender({ call, from, reporter }: Import) {
  let waiting: HistoryAsked[] = [];
  let count = 0;
  const sender = {
    async send(run: string, key: string, points: readonly PointThere[]): Promise<void> {
      const digest = historyDigest(points);
      for (let at = 0; at < points.length; ) {
        const some = points
          .slice(at, at + POINTS_MAX - count)
          .map(({ value, timestamp, step }) => ({ value: onWire(value), timestamp, step }));
        at += some.length;
        count += some.length;
        waiting.push({ run, key, points: some, ...(at === points.length && { digest }) });
        if (count >= POINTS_MAX) await sender.flush();
      }
    },
    async flush(): Promise<void> {
      if (waiting.length === 0) return;
      const [histories, sent] = [waiting, count];
      [waiting, count] = [[], 0];
      reporter.points(sent);
      if (from.dryRun) return;
      const { left } = await call("importPoints", { source: from.source, histories });
      for (const { run, what, why } of left) reporter.left(`${what} of run ${run}`, why, true);
    },
  };
  return sender;
}
