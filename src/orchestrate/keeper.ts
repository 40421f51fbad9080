/**
 * Looks after what is served while the platform is up: each tick, for each endpoint, in data time
 *
 *     the live feed -> alerts;  closed days -> drift, quality, parity -> alerts;  rollout -> advance, promote or halt;  triggers -> retraining
 *
 * Every decision is a pure function of `monitor`; this file only looks, asks and acts, one thing after the other. Retraining goes on beside it.
 */
import { asMillError, DAY_MICROS, HOUR_MICROS, startOfDay } from "../base/index.ts";
import type { Alert } from "../contract/index.ts";
import type { EndpointDefinition, Project } from "../define/index.ts";
import { type CanaryEvidence, dueRetraining, judgeRollout, lastDayOver, type TrainingFacts } from "../monitor/index.ts";
import { copyStanding } from "../ports/records/index.ts";
import { type Deployment, eventsOf, type Rollout } from "../serve/index.ts";
import { retrain, settleRetrainings } from "./retrain.ts";
import { retrainingsOf } from "./retrainings.ts";
import { haltRollout, promoteRollout, publishLine } from "./rollout.ts";
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
/** The day under way is looked at again after so much data time and so much time of ours. */
const AGAIN_MICROS = 4 * HOUR_MICROS;
const AGAIN_MS = 10_000;
/** Labels of a rollout are looked at after so much time of ours and such a part of its step, and before it goes on. */
const LOSSES_EVERY_MS = 5_000;
const LOSSES_EVERY_SHARE = 0.01;
/** Requests of a day that are computed again from the lake. */
const PARITY_SAMPLE = 1000;
/** A replay that failed is tried again for so many days of data. */
const PARITY_DAYS = 30;

interface Looked {
  scannedAsOf: number;
  scannedAt: number;
  /** When a scan failed last: the next waits. */
  failedAt: number;
  /** When the labels of a rollout's step were looked at, and what they told. */
  losses: { readonly of: Rollout; readonly at: number; readonly asOf: number; readonly found: CanaryEvidence["losses"] } | null;
  held: string | null;
}

/** `onFault`: something that kept it from looking; the next tick tries again. */
export function createKeeper(workspace: Workspace, onFault: (endpoint: string, error: Error) => void): Keeper {
  const { serving, monitor, now } = workspace;
  const looked = new Map<string, Looked>();
  const stopping = new AbortController();
  let training: { readonly endpoint: string; readonly ended: Promise<unknown> } | null = null;
  /** As they could be read last: a slip in mill.ts must not leave a candidate unwatched. */
  let defined: Project | null = null;
  let timer: NodeJS.Timeout | undefined;
  let ticking: Promise<void> | null = null;

  const seeFeed = (name: string) => monitor.alerts.observe(name, "feed", monitor.watch.findings(name), serving.dataTime(name));
  monitor.watch.onChange((name) => void seeFeed(name).catch((thrown) => onFault(name, asMillError(thrown))));

  const lookAt = async (project: Project, endpoint: EndpointDefinition, deployment: Deployment) => {
    const last = looked.get(endpoint.name) ?? {
      ...{ scannedAsOf: 0, scannedAt: 0, failedAt: 0, losses: null, held: null },
    };
    looked.set(endpoint.name, last);
    await knowVersions(deployment);
    const asOf = serving.dataTime(endpoint.name);
    await seeFeed(endpoint.name);
    if (asOf === null) return;
    await scan(endpoint, last, asOf);
    await lookAtRollout(project, endpoint, last, asOf);
    if (endpoint.retrain !== undefined && training === null) await lookAtTriggers(endpoint, deployment, last, asOf);
  };

  /** It answers on, though mill.ts exports it no more: its feed is watched, and no candidate of it stays without anybody who judges it. */
  const lookAtLeftOver = async (deployment: Deployment) => {
    const { name } = deployment;
    await knowVersions(deployment);
    await seeFeed(name);
    const why = "mill.ts exports the endpoint no more";
    await publishLine(workspace, async () => {
      if (serving.rollout(name) !== null) await haltRollout(workspace, name, { actor: KEEPER, why });
    });
  };

  /** The watch judges the rows of versions that it knows. */
  const knowVersions = async ({ name, model, version }: Deployment) => {
    const candidate = serving.rollout(name)?.version;
    for (const one of candidate === undefined ? [version] : [version, candidate]) await monitor.know(name, model, one);
  };

  const scan = async ({ name }: EndpointDefinition, last: Looked, asOf: number) => {
    const isOver = lastDayOver(asOf) > lastDayOver(last.scannedAsOf);
    const underWay = asOf - last.scannedAsOf >= AGAIN_MICROS && now() - last.scannedAt >= AGAIN_MS;
    if ((!isOver && !underWay) || now() - last.failedAt < AGAIN_MS) return;
    last.scannedAt = now();
    try {
      await workspace.lake.seal(eventsOf(name));
      const { findings } = await monitor.days.scan({ name }, asOf);
      await monitor.alerts.observe(name, "days", findings, asOf);
      await replayDays(name, asOf);
      last.scannedAsOf = asOf;
    } catch (thrown) {
      last.failedAt = now();
      throw thrown;
    }
  };

  /** Each day that is over, once. */
  const replayDays = async (name: string, asOf: number) => {
    for (const { day, parity } of await monitor.days.reports(name, PARITY_DAYS)) {
      const from = startOfDay(day);
      if (parity !== null || from > lastDayOver(asOf)) continue;
      const report = await monitor.parity.replay({ name }, { from, to: from + DAY_MICROS, sample: PARITY_SAMPLE });
      await monitor.days.setParity(name, day, report);
      await monitor.alerts.observe(name, "parity", monitor.parity.findingsOf(report), asOf);
    }
  };

  const lookAtRollout = async (project: Project, endpoint: EndpointDefinition, last: Looked, asOf: number) => {
    const rollout = serving.rollout(endpoint.name);
    if (rollout === null) return;
    const { task, constraints } = endpoint.serves.solves;
    if (!isSameStep(last.losses?.of ?? null, rollout)) last.losses = null;
    const judge = () =>
      judgeRollout(rollout, { asOf, latencyP99Ms: constraints?.latencyP99Ms ?? null, losses: last.losses?.found ?? null });
    let decided = judge();
    if (decided.decision !== "halt" && (decided.decision !== "hold" || isOld(last.losses, rollout, asOf))) {
      const found = await monitor.armLosses({ name: endpoint.name, task }, rollout);
      last.losses = { of: rollout, at: now(), asOf, found };
      decided = judge();
    }
    if (decided.decision === "hold") return;
    const by = { actor: KEEPER, why: decided.why };
    await publishLine(workspace, async () => {
      if (!isSameStep(serving.rollout(endpoint.name), rollout)) return; // somebody was faster: it is looked at again
      if (decided.decision === "advance") await serving.advanceRollout(endpoint.name, decided.step, by);
      if (decided.decision === "promote") await promoteRollout(workspace, project, endpoint.name, by);
      if (decided.decision === "halt") await haltRollout(workspace, endpoint.name, by);
    });
  };

  const isOld = (losses: Looked["losses"], { holdMicros }: Rollout, asOf: number) =>
    losses === null || (now() - losses.at >= LOSSES_EVERY_MS && asOf - losses.asOf >= LOSSES_EVERY_SHARE * holdMicros);

  const lookAtTriggers = async (endpoint: EndpointDefinition, deployment: Deployment, last: Looked, asOf: number) => {
    const { name, serves } = endpoint;
    if (serving.rollout(name) !== null) return;
    if ((await copyStanding(workspace.records)) !== null) return;
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
  const brokenFeed = async (name: string) => (await monitor.alerts.open(name)).find(isOfFeed)?.sentence ?? null;

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
      broken: (await monitor.alerts.list({ endpoint: name })).items
        .filter(isOfFeed)
        .map(({ openedAsOf, closedAsOf }) => ({ from: openedAsOf, to: closedAsOf })),
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
      defined = await workspace.project().catch((thrown) => {
        onFault("", asMillError(thrown));
        return defined;
      });
      for (const deployment of deployed) {
        if (defined === null || stopping.signal.aborted) continue;
        const endpoint = defined.endpoints.get(deployment.name);
        const look = endpoint === undefined ? lookAtLeftOver(deployment) : lookAt(defined, endpoint, deployment);
        await look.catch((thrown) => onFault(deployment.name, asMillError(thrown)));
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

const isOfFeed = ({ kind }: Alert) => kind === "feed" || kind === "loss";

const isSameStep = (now: Rollout | null, judged: Rollout) =>
  now !== null && now.version === judged.version && now.step === judged.step && now.sinceAt === judged.sinceAt;
