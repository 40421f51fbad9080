/** How endpoints do, what is wrong, and training them again. */
import { eventQueue, formatMoment } from "../../base/index.ts";
import { type Alert, type Handlers, MEASURES, type OutputOf } from "../../contract/index.ts";
import type { EndpointDefinition } from "../../define/index.ts";
import type { Reference } from "../../monitor/index.ts";
import type { Arm, Rollout } from "../../serve/index.ts";
import { retrain } from "../retrain.ts";
import type { Workspace } from "../workspace.ts";
import { instant } from "./wire.ts";

type MonitorVerbs = Pick<Handlers, "getMonitor" | "listAlerts" | "getNotices" | "retrain">;
type Standing = OutputOf<"getMonitor">;

const HAPPENINGS_MAX = 200;

export function monitorVerbs(workspace: Workspace): MonitorVerbs {
  const { serving, monitor, registry, story } = workspace;
  return {
    async getMonitor({ name, days: count = 60 }) {
      const { model, version } = await serving.state(name);
      const endpoint = (await workspace.project()).endpoints.get(name);
      const reference = await monitor.references.of(await registry.version(model, version));
      const [days, alerts, feedback, happenings] = await Promise.all([
        monitor.days.reports(name, count),
        monitor.alerts.open(name),
        monitor.days.feedbackCounts(name),
        story.of(name, HAPPENINGS_MAX),
      ]);
      const rollout = serving.rollout(name);
      const asOf = serving.dataTime(name);
      const currency = endpoint?.serves.solves.currency;
      return {
        name,
        health: healthOf(alerts, days.length > 0),
        dataTime: asOf === null ? null : formatMoment(asOf),
        ...(currency ? { currency } : {}),
        measure: measureOf(endpoint, reference),
        days,
        feedback,
        lost: serving.lost(name),
        rollout: rollout && rolloutState(rollout),
        alerts,
        happenings: happenings.map(({ at, asOf: moment, what, text }) => ({
          ...{ at: instant(at), what, text },
          asOf: moment === null ? null : formatMoment(moment),
        })),
      };
    },

    listAlerts: (page) => monitor.alerts.list(page),
    getNotices: () => monitor.outbox.standing(),

    retrain: ({ name, reason = "asked" }, context) => {
      const queue = eventQueue<OutputOf<"retrain">>();
      void queue.closeWith(retrain(workspace, { name, cause: reason }, context, queue.push));
      return queue.events;
    },
  };
}

/** One word and one sentence: what a person looks at first. Alerts come as they are ranked. */
export function healthOf(alerts: readonly Alert[], looked: boolean): Standing["health"] {
  const [first] = alerts;
  if (first !== undefined)
    return { state: first.kind === "feed" || first.kind === "loss" ? "broken" : "alerted", sentence: WRONG[first.kind] };
  return looked
    ? { state: "healthy", sentence: "nothing is known to be wrong" }
    : { state: "unknown", sentence: "no day of data has been looked at yet" };
}

const WRONG: Readonly<Record<Alert["kind"], string>> = {
  loss: "not all that is answered is on record",
  feed: "rows come broken, or do not come",
  parity: "features are served that the lake does not give",
  quality: "answers are worse than on any day of the reference",
  drift: "rows are unlike those that the model was judged by",
};

/** The measure that the model's gate asks for first, or the task's first, with the band that it had on the reference's days. */
function measureOf(endpoint: EndpointDefinition | undefined, reference: Reference | null): Standing["measure"] {
  if (endpoint === undefined) return null;
  const { accept, solves } = endpoint.serves;
  const name = accept[0]?.measure ?? Object.keys(MEASURES[solves.task])[0]!;
  const band = reference?.quality[name];
  return { name, low: band?.low ?? null, high: band?.high ?? null };
}

function rolloutState({ model, version, base, step, steps, share, sinceAsOf, candidate, champion }: Rollout) {
  return {
    ...{ model, version, base, step, steps, share },
    sinceAsOf: sinceAsOf === null ? null : formatMoment(sinceAsOf),
    candidate: armState(candidate),
    champion: armState(champion),
  };
}

const armState = ({ p99Micros, ...counts }: Arm) => ({ ...counts, p99Ms: p99Micros === null ? null : p99Micros / 1000 });
