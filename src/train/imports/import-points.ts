/** Points of metrics. That a history is here whole is remembered with its last points: one that broke off is sent once more, and what is here stays once. */
import { type Point, refusalOf, type Tracking } from "../tracking/index.ts";
import { unknownRun } from "../tracking/runs.ts";
import type { RunTaken } from "../tracking/take-over.ts";
import { type Entries, entryStatement, NOTHING_KNOWN } from "./entries.ts";
import type { HistoryThere, Left } from "./imports.ts";

interface Given {
  readonly source: string;
  readonly there: readonly HistoryThere[];
  readonly tracking: Tracking;
  readonly entries: Entries;
}

export async function importPoints({ source, there, tracking, entries }: Given): Promise<(Left & { readonly run: string })[]> {
  const ids = [...new Set(there.map(({ run }) => run))];
  const [remembered, here] = await Promise.all([entries.read(source, "run", ids), tracking.runs(ids)]);
  const known = new Map(here.map((run) => [run.id, run.experimentId]));
  const left: (Left & { readonly run: string })[] = [];
  const taken: RunTaken[] = [];
  const whole = [...Map.groupBy(there, ({ run }) => run)].map(([run, histories]) => {
    const experimentId = known.get(run);
    if (experimentId === undefined) throw unknownRun(run);
    const points = new Map<string, Point[]>();
    for (const { key, points: some } of histories) {
      const good = some.filter((point) => isKept(point));
      if (good.length < some.length)
        left.push({ run, what: `metric ${key}`, why: `${some.length - good.length} points have no time or step that can be` });
      points.set(key, [...(points.get(key) ?? []), ...good]);
    }
    taken.push({ id: run, experimentId, points });
    const before = remembered.get(run);
    const digests = histories.flatMap(({ key, digest }) => (digest === undefined ? [] : [[key, digest] as const]));
    return entryStatement(source, "run", run, {
      localId: run,
      fields: before?.fields ?? NOTHING_KNOWN,
      histories: new Map([...(before?.histories ?? []), ...digests]),
    });
  });
  if (taken.length > 0) await tracking.takeRuns(taken, whole);
  return left;
}

const isKept = (point: Point): boolean => refusalOf({ metrics: [{ key: "any", ...point }] }) === null;
