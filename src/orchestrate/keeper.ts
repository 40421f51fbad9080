/**
 * Looks after what is served while the platform is up: each tick, for each endpoint, in data time
 *
 *     the live feed -> alerts;  closed days -> drift, quality, parity -> alerts;  rollout -> advance, promote or halt;  triggers -> retraining
 *
 * Every decision is a pure function of `monitor`; this file only looks, asks and acts, one thing after the other. Retraining goes on beside it.
 */
import { asMillError } from "../base/index.ts";
import type { EndpointDefinition, Project } from "../define/index.ts";
import { armLosses, dueRetraining, judgeRollout, type TrainingFacts } from "../monitor/index.ts";
import { type Deployment, eventsOf } from "../serve/index.ts";
import { retrain, settleRetrainings } from "./retrain.ts";
import { retrainingsOf } from "./retrainings.ts";
import { haltRollout, promoteRollout } from "./rollout.ts";
import { trainedAsOf } from "./trained-as-of.ts";
import type { Workspace } from "./workspace.ts";

export interface Keeper {
  /** Looks every `everyMs` until closed. */
  start(everyMs: number): Promise<void>;
  /** One look; what it started beside itself is waited for by `settled`. */
  tick(): Promise<void>;
  settled(): Promise<void>;
  close(): Promise<void>;
}

const KEEPER = "millwright";
const DAY_MICROS = 86_400e6;
/** A day of data is looked at when it has been over for so long: rows come late. */
const GRACE_MICROS = 3600e6;
/** The day under way is looked at again after so much data time and so much time of ours. */
const AGAIN_MICROS = 4 * 3600e6;
const AGAIN_MS = 10_000;
const LOSSES_EVERY_MS = 5_000;
/** Requests of a day that are computed again from the lake. */
const PARITY_SAMPLE = 1000;

interface Looked {
  scannedAsOf: number;
  scannedAt: number;
  lossesAt: number;
  losses: Awaited<ReturnType<typeof armLosses>>;
  held: string | null;
}

/** `onFault`: something that kept it from looking; the next tick tries again. */
export function createKeeper(workspace: Workspace, onFault: (endpoint: string, error: Error) => void): Keeper {
  const { serving, monitor, now } = workspace;
  const looked = new Map<string, Looked>();
  const stopping = new AbortController();
  let training: { readonly endpoint: string; readonly ended: Promise<unknown> } | null = null;
  let timer: NodeJS.Timeout | undefined;
  let ticking: Promise<void> | null = null;

  const seeFeed = (name: string) => monitor.alerts.observe(name, "feed", monitor.watch.findings(name), serving.dataTime(name));
  monitor.watch.onChange((name) => void seeFeed(name).catch((thrown) => onFault(name, asMillError(thrown))));

  const lookAt = async (project: Project, endpoint: EndpointDefinition, deployment: Deployment) => {
    const last = looked.get(endpoint.name) ?? { scannedAsOf: 0, scannedAt: 0, lossesAt: 0, losses: null, held: null };
    looked.set(endpoint.name, last);
    await knowVersions(deployment);
    const asOf = serving.dataTime(endpoint.name);
    await seeFeed(endpoint.name);
    if (asOf === null) return;
    await scan(endpoint, last, asOf);
    await lookAtRollout(project, endpoint, last, asOf);
    if (endpoint.retrain !== undefined && training === null) await lookAtTriggers(endpoint, deployment, last, asOf);
  };

  /** The watch judges the rows of versions that it knows. */
  const knowVersions = async ({ name, model, version }: Deployment) => {
    const candidate = serving.rollout(name)?.version;
    for (const one of candidate === undefined ? [version] : [version, candidate])
      await monitor.know(name, await workspace.registry.version(model, one));
  };

  const scan = async ({ name, serves }: EndpointDefinition, last: Looked, asOf: number) => {
    const closed = Math.floor((asOf - GRACE_MICROS) / DAY_MICROS) > Math.floor((last.scannedAsOf - GRACE_MICROS) / DAY_MICROS);
    const underWay = asOf - last.scannedAsOf >= AGAIN_MICROS && now() - last.scannedAt >= AGAIN_MS;
    if (!closed && !underWay) return;
    Object.assign(last, { scannedAsOf: asOf, scannedAt: now() });
    await workspace.lake.seal(eventsOf(name));
    const { reports, findings } = await monitor.days.scan({ name, model: serves.name }, asOf);
    await monitor.alerts.observe(name, "days", findings, asOf);
    for (const { day, parity } of reports) {
      const from = Date.parse(`${day}T00:00:00Z`) * 1000;
      if (parity !== null || asOf < from + DAY_MICROS + GRACE_MICROS) continue;
      const span = { from, to: from + DAY_MICROS, sample: PARITY_SAMPLE };
      const report = await monitor.parity.replay({ name }, span);
      await monitor.days.setParity(name, day, report);
      await monitor.alerts.observe(name, "parity", monitor.parity.findingsOf(report), asOf);
    }
  };

  const lookAtRollout = async (project: Project, endpoint: EndpointDefinition, last: Looked, asOf: number) => {
    const rollout = serving.rollout(endpoint.name);
    if (rollout === null) return;
    const { task, constraints } = endpoint.serves.solves;
    if (now() - last.lossesAt >= LOSSES_EVERY_MS)
      Object.assign(last, { lossesAt: now(), losses: await armLosses(workspace, { name: endpoint.name, task }, rollout) });
    const decided = judgeRollout(rollout, { asOf, latencyP99Ms: constraints?.latencyP99Ms ?? null, losses: last.losses });
    if (decided.decision === "hold") return;
    last.losses = null;
    if (decided.decision === "advance")
      await serving.advanceRollout(endpoint.name, decided.step, { actor: KEEPER, why: decided.why });
    if (decided.decision === "promote") await promoteRollout(workspace, project, endpoint, { actor: KEEPER, why: decided.why });
    if (decided.decision === "halt") await haltRollout(workspace, endpoint, { actor: KEEPER, why: decided.why });
  };

  const lookAtTriggers = async (endpoint: EndpointDefinition, deployment: Deployment, last: Looked, asOf: number) => {
    const { name, serves } = endpoint;
    if (serving.rollout(name) !== null) return;
    const [newest] = await retrainingsOf(workspace.records, name, 1);
    if (newest?.state === "running") return; // somebody asked for it
    const cause = dueRetraining(endpoint.retrain!, await factsOf(endpoint, deployment, asOf, newest?.asOf ?? null));
    const broken = cause === null ? null : await brokenFeed(name);
    if (cause !== null && broken === null) startTraining(name, cause);
    else if (broken !== last.held) {
      last.held = broken;
      if (broken !== null && cause !== null)
        await workspace.story.tell(name, {
          ...{ at: now(), asOf, what: "retraining" },
          text: `${serves.name} would be trained again (${cause}), but not on a broken feed: ${broken}`,
        });
    }
  };

  /** What is wrong with the rows themselves: a model must not learn from them. */
  const brokenFeed = async (name: string) =>
    (await monitor.alerts.open(name)).find(({ kind }) => kind === "feed" || kind === "loss")?.sentence ?? null;

  const factsOf = async (
    { name, serves }: EndpointDefinition,
    deployment: Deployment,
    asOf: number,
    triedAsOf: number | null,
  ): Promise<TrainingFacts> => {
    const trained = await trainedAsOf(workspace, name, deployment);
    return {
      ...{ task: serves.solves.task, asOf, trainedAsOf: trained.asOf, newRows: trained.newRows },
      triedAsOf,
      days: await monitor.days.reports(name, 14),
    };
  };

  const startTraining = (name: string, cause: string) => {
    const ended = retrain(workspace, { name, cause }, { actor: KEEPER, signal: stopping.signal })
      .catch((thrown) => onFault(name, asMillError(thrown)))
      .finally(() => {
        training = null;
      });
    training = { endpoint: name, ended };
  };

  const tick = async () => {
    const deployed = await serving.deployed();
    if (deployed.length > 0) {
      const project = await workspace.project();
      for (const deployment of deployed) {
        const endpoint = project.endpoints.get(deployment.name);
        if (endpoint === undefined || stopping.signal.aborted) continue;
        await lookAt(project, endpoint, deployment).catch((thrown) => onFault(endpoint.name, asMillError(thrown)));
      }
    }
    void monitor.outbox.flush().catch((thrown) => onFault("", asMillError(thrown))); // a receiver may take its time
  };

  return {
    async start(everyMs) {
      await settleRetrainings(workspace, KEEPER);
      timer = setInterval(() => {
        ticking ??= tick()
          .catch((thrown) => onFault("", asMillError(thrown)))
          .finally(() => {
            ticking = null;
          });
      }, everyMs);
    },
    tick,
    settled: async () => void (await training?.ended),
    async close() {
      clearInterval(timer);
      stopping.abort();
      await ticking;
      await training?.ended;
    },
  };
}
