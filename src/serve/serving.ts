/**
 * Endpoints that answer. A new version is loaded and warmed beside the old one, then takes over: at once (`deploy`), or share by share (a rollout).
 *
 * Durable before acknowledged: feedback and events are in the lake's journal, or refused. Predictions are answered even when they cannot be logged:
 * the reply says so, and the loss is counted and told.
 */
import { createQueues, type Duration, formatMoment, MillError, newId, parseDuration } from "../base/index.ts";
import { type Column, codeInfo, type Row, type Task } from "../contract/index.ts";
import { showValue } from "../express/index.ts";
import type { Lake } from "../lake/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Environments } from "../ports/python/index.ts";
import type { Records, Statement } from "../ports/records/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { type By, CHAMPION_ALIAS, type ModelVersion, type Registry, rolledBackFrom } from "../registry/index.ts";
import type { TrainedForm } from "../train/index.ts";
import { createAccess } from "./access.ts";
import type { Down } from "./beside.ts";
import {
  beginRollout,
  createDeployments,
  type Deployment,
  endRollout,
  moveRollout,
  pointAt,
  type RolloutRow,
} from "./deployments.ts";
import type { Answer, Prediction } from "./endpoint.ts";
import { createEventIds } from "./event-ids.ts";
import { type Label, labelReader } from "./feedback.ts";
import { createLive, isVersion, type Live, shareOf } from "./live.ts";
import { createLoader, type Loaded } from "./loading.ts";
import { eventsOf, feedbackOf, predictionRow, predictionsOf } from "./logs.ts";
import type { Rollout } from "./rollout.ts";
import { createStory } from "./story.ts";
import { unhurried } from "./unhurried.ts";
import { quietly, type Watcher } from "./watcher.ts";

export interface EndpointState extends Deployment {
  readonly task: Task;
  readonly classes: readonly string[];
  readonly threshold: number | null;
  readonly request: Readonly<Record<string, Column>>;
  /** The column of a request that may be left out. */
  readonly optional: string | null;
  /** The newest row of the data set, as a request; null when there was none to look at. */
  readonly exampleRow: Row | null;
  /** Data time of the newest row in the windows; null without windows. */
  readonly windowsWarmedTo: string | null;
  /** Events on record that this version cannot read, as when the data set's columns have changed since: they feed nothing. */
  readonly eventsSkipped: number;
  /** Predictions answered since the start. */
  readonly predictions: number;
  readonly rollout: Rollout | null;
  readonly answers: Answering;
}

/** How an endpoint's version answers. */
export interface Answering {
  /** `inline`: in this process; `onnx`: ONNX Runtime on a thread; `python`: its framework in a process. */
  readonly form: TrainedForm;
  /** Since when it does not, in milliseconds, and why; null: it answers. */
  readonly down: Down | null;
  /** How often it was down since it was loaded. */
  readonly outages: number;
}

export interface PredictReply {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly predictions: readonly (Prediction & { readonly id: string })[];
  /** The answer could not be written down: no feedback will find it. */
  readonly logged?: false;
}

export interface FeedbackReply {
  readonly accepted: number;
  readonly refused: readonly { readonly index: number; readonly reason: string }[];
}

export interface EventsReply extends FeedbackReply {
  /** Rows whose id was taken already: they are not fed again. */
  readonly repeated: number;
}

export interface Serving {
  /** Loads every deployed endpoint; one that is loaded at its version already stays as it is. Errors: the first, when all have been tried. */
  refresh(): Promise<void>;
  deployed(): Promise<Deployment[]>;
  isReady(name: string): boolean;
  /** null while it is not loaded. */
  answering(name: string): Answering | null;
  /** Of an endpoint that is loaded and does not answer for now, a sentence; null: there is none. */
  whyDown(): string | null;
  history(name: string): Promise<{ model: string; version: number; at: number; actor: string; why: string }[]>;
  /** Errors: `endpoint.unknown`. */
  state(name: string): Promise<EndpointState>;
  /** Microseconds that the endpoint's data has reached (see `data-clock.ts`); the wall clock's without a time column; null while it is not loaded. */
  dataTime(name: string): number | null;
  /** Predictions answered since the start that could not be logged. */
  lost(name: string): number;

  /** Errors: as `state`, and `request.row`, `express.forgotten`. */
  predict(name: string, rows: readonly unknown[]): Promise<PredictReply>;
  /**
   * Labels `{id, label, at?}` of predictions that were answered, or will be found to have been; one that cannot be read is refused by itself.
   * Errors: as `state`; `lake.disk-full`, `lake.journal`: nothing was taken.
   */
  feedback(name: string, labels: readonly unknown[]): Promise<FeedbackReply>;
  /**
   * Rows of the endpoint's data set; a row that cannot be read is refused by itself. `ids[i]` is the client's own id of `rows[i]`.
   * Errors: as `feedback`, and `request.invalid` when there are not as many ids as rows.
   */
  events(name: string, rows: readonly unknown[], ids?: readonly string[]): Promise<EventsReply>;

  /** Points the endpoint at a version, which answers after the next `refresh`; ends a rollout. false: it is the one that answers. */
  deploy(name: string, version: ModelVersion, by: By): Promise<boolean>;
  /** Back to the version before, which is warm: at once. A rollout that is under way ends instead. Errors: `endpoint.no-previous`. */
  rollback(name: string, actor: string): Promise<EndpointState>;

  rollout(name: string): Rollout | null;
  /**
   * Lets a version answer the first share of the requests, once it is loaded, warm and has answered a row. Errors: `endpoint.rollout`, and whatever
   * keeps it from being loaded or from answering; nothing has changed then.
   */
  startRollout(
    name: string,
    version: ModelVersion,
    plan: { readonly steps: readonly number[]; readonly hold: Duration },
    by: By,
  ): Promise<Rollout>;
  /** Errors: `endpoint.rollout`: none is under way, or the step is not a later one. */
  advanceRollout(name: string, step: number, by: By): Promise<Rollout>;
  /** The candidate is what the endpoint answers with. Errors: `endpoint.rollout`. */
  promote(name: string, by: By): Promise<void>;
  /** All requests go back to the version that is deployed. Errors: `endpoint.rollout`. */
  endRollout(name: string, by: By): Promise<void>;
  /** Ends what models run in beside this process. */
  close(): Promise<void>;
}

export interface ServingResources {
  readonly records: Records;
  readonly objects: Objects;
  readonly lake: Lake;
  readonly registry: Registry;
  readonly environments: Environments;
  tables(): Tables;
  readonly watcher?: Watcher;
  /** Milliseconds since 1970; it may jump. */
  readonly now?: () => number;
}

export function createServing(resources: ServingResources): Serving {
  const { records, lake, registry, watcher, now = Date.now } = resources;
  const deployments = createDeployments(records);
  const loader = createLoader({ ...resources, now });
  const story = createStory(records);
  const watching = quietly(watcher);
  const lives = new Map<string, Live>();
  const access = createAccess();
  /** What loads and switches versions of an endpoint, one thing after the other. */
  const inLine = createQueues();

  const ready = async (name: string): Promise<Live> => lives.get(name) ?? inLine(name, () => bring(name));

  /** The endpoint in memory as the tables say it is. */
  const bring = async (name: string): Promise<Live> => {
    const { model, version, previous } = await deployments.find(name);
    const live = lives.get(name) ?? (await loadFirst(name, model, version));
    const champion = await versionOf(name, live, model, version);
    const rollout = await candidateOf(name, live, champion);
    live.become({ champion, previous: isVersion(live.champion, model, previous ?? 0) ? live.champion : live.previous, rollout });
    // Where it cannot be loaded, a rollback tries again and tells.
    const before = previous === null ? null : await versionOf(name, live, model, previous).catch(() => null);
    live.become({ champion, previous: before, rollout });
    return live;
  };

  const loadFirst = async (name: string, model: string, version: number): Promise<Live> => {
    const opened = await loader.open(name, model, version);
    return orLetGo(opened, async () => {
      const clock = await loader.clock(name, opened);
      await loader.warm(opened, clock);
      return access.alone(name, async () => {
        await loader.feedEvents(name, opened, clock);
        const live = createLive(opened, clock, createEventIds(await loader.eventIds(name)));
        lives.set(name, live);
        return live;
      });
    });
  };

  /** A version in memory, fed; loaded when it is not there. No event may fall between those on record and those that it is fed. */
  const versionOf = async (name: string, live: Live, model: string, version: number): Promise<Loaded> => {
    const held = live.held(model, version);
    if (held !== null) return held;
    const opened = await loader.open(name, model, version);
    return orLetGo(opened, async () => {
      await loader.warm(opened, live.clock);
      // What is sealed is read by the engine, beside the requests; where it cannot be, the rows are read from the journal.
      await lake.seal(eventsOf(name)).catch(() => null);
      return access.alone(name, async () => {
        await loader.feedEvents(name, opened, live.clock);
        live.take(opened);
        return opened;
      });
    });
  };

  /** The rollout on record; one whose candidate cannot be loaded any more ends, so that the champion keeps answering. */
  const candidateOf = async (name: string, live: Live, champion: Loaded): Promise<Live["rollout"]> => {
    const row = await deployments.rollout(name);
    if (row === null) return null;
    if (row.version === live.rollout?.row.version) return live.rollout;
    try {
      return { row, candidate: await versionOf(name, live, row.model, row.version) };
    } catch (error) {
      const why = `it cannot be loaded: ${(error as Error).message}`;
      await records.commit([endRollout(name, row), tell(name, "canary", backTo(champion.version.version, row.version, why))]);
      return null;
    }
  };

  const tell = (name: string, what: string, text: string): Statement =>
    story.statement(name, { at: now(), asOf: serving.dataTime(name), what, text });

  /** Errors: `endpoint.rollout`. */
  const underWay = async (name: string) => {
    const live = lives.get(name) ?? (await bring(name));
    if (live.rollout !== null) return { live, ...live.rollout };
    throw rolloutError(`No rollout of the endpoint "${name}" is under way.`, "Start one: a version that passes its gate does.");
  };

  const commit = async (name: string, statements: readonly Statement[]) => {
    if ((await records.commit(statements)).committed) return;
    throw rolloutError(
      `The endpoint "${name}" answers with another version by now.`,
      "Look at it again: `mill status` says what it answers with.",
    );
  };

  const feedRows = async (name: string, live: Live, rows: readonly unknown[], ids?: readonly string[]): Promise<EventsReply> => {
    const { endpoint } = live.champion;
    const { time } = endpoint.manifest.dataset;
    const refused: { index: number; reason: string }[] = [];
    const accepted: { row: Row; given: unknown; time: number | null; id: string | undefined }[] = [];
    const [taken, others] = [new Set<string>(), new Set<Promise<void>>()];
    let repeated = 0;
    rows.forEach((given, index) => {
      const id = ids?.[index];
      const before = id === undefined ? false : taken.has(id) || live.ids.taken(id);
      if (before !== false) {
        repeated++;
        if (before !== true) others.add(before);
        return;
      }
      try {
        const row = endpoint.readEvent(given, index);
        accepted.push({ row, given, time: time === null ? null : Number(row[time]), id });
        if (id !== undefined) taken.add(id);
      } catch (error) {
        if (!(error instanceof MillError)) throw error;
        refused.push({ index, reason: error.message });
        watching.refused(name, "events", 1, error);
      }
    });
    const at = now();
    const written = append(
      eventsOf(name),
      accepted.map(({ given, time, id = newId(at) }) => ({ id, at, time, row: JSON.stringify(given) })),
    );
    live.ids.take([...taken], written);
    // What somebody else is writing is acknowledged only when it is written.
    await Promise.all([written, ...others]);
    const times = accepted.map(({ time }) => time);
    await unhurried(accepted, ({ row, given }) => live.feed(given, row));
    live.saw(times.filter((moment) => moment !== null));
    if (accepted.length > 0) watching.fed(name, accepted.length, times);
    return { accepted: accepted.length, refused, repeated };
  };

  const append = async (log: string, rows: Parameters<Lake["append"]>[1]): Promise<void> => {
    if (rows.length > 0) await lake.append(log, rows);
  };

  const serving: Serving = {
    async refresh() {
      const failures: unknown[] = [];
      for (const { name } of await deployments.all())
        await inLine(name, () => bring(name)).catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    },

    deployed: deployments.all,
    isReady: (name) => lives.has(name),
    answering(name) {
      const live = lives.get(name);
      return live === undefined ? null : answeringOf(live.champion);
    },
    whyDown() {
      for (const [name, { champion }] of lives) {
        const down = champion.endpoint.beside?.down();
        if (down) return `the endpoint "${name}" does not answer: ${down.why}`;
      }
      return null;
    },
    history: deployments.history,
    dataTime: (name) => lives.get(name)?.clock.time() ?? null,
    lost: (name) => lives.get(name)?.counts.lost ?? 0,

    async state(name) {
      const live = await ready(name);
      const { endpoint, newest, eventsSkipped } = live.champion;
      const { task, classes, threshold } = endpoint.manifest;
      const warmedTo = endpoint.newestFed();
      return {
        ...(await deployments.find(name)),
        ...{ task, classes, threshold, request: endpoint.request, optional: endpoint.optional },
        exampleRow: newest,
        windowsWarmedTo: warmedTo === null ? null : formatMoment(warmedTo),
        eventsSkipped,
        predictions: live.counts.predictions,
        rollout: live.readRollout(),
        answers: answeringOf(live.champion),
      };
    },

    async predict(name, rows) {
      const live = lives.get(name) ?? (await ready(name));
      const at = now();
      const id = newId(at);
      const answered = answerOf(name, live, id, rows, at * 1000);
      const { by, answers } = answered instanceof Promise ? await answered : answered;
      const { version, endpoint } = by;
      const predictions = answers.map(({ prediction }, index) => ({
        id: rows.length === 1 ? id : `${id}.${index}`,
        ...prediction,
      }));
      const logged = answers.map((answer, index) =>
        predictionRow(predictions[index]!, answer, { request: rows[index], at }, version, endpoint),
      );
      let isLogged = true;
      try {
        await append(predictionsOf(name), logged);
      } catch (error) {
        if (!(error instanceof MillError)) throw error;
        isLogged = false;
        live.counts.lost += rows.length;
        watching.lost(name, rows.length, error);
      }
      live.counts.predictions += rows.length;
      const times = answers.map(({ asOfMicros }) => asOfMicros);
      live.saw(times.filter((micros) => micros !== at * 1000));
      watching.predicted(name, { endpoint, version: version.version, times, rows, answers });
      const reply = { id, model: version.model, version: version.version, predictions };
      return isLogged ? reply : { ...reply, logged: false };
    },

    async feedback(name, labels) {
      const { champion } = await ready(name);
      const read = labelReader(champion.endpoint.manifest);
      const refused: { index: number; reason: string }[] = [];
      const accepted: Label[] = [];
      labels.forEach((given, index) => {
        try {
          accepted.push(read(given, index));
        } catch (error) {
          if (!(error instanceof MillError)) throw error;
          refused.push({ index, reason: error.message });
          watching.refused(name, "feedback", 1, error);
        }
      });
      const [at, asOf] = [now(), serving.dataTime(name)];
      const rows = accepted.map(({ id, label, known }) => ({ id, at, label, known: known ?? asOf }));
      await append(feedbackOf(name), rows);
      return { accepted: accepted.length, refused };
    },

    async events(name, rows, ids) {
      if (ids !== undefined && ids.length !== rows.length) throw unevenIds(rows.length, ids.length);
      const live = await ready(name);
      return access.shared(name, () => feedRows(name, live, rows, ids));
    },

    deploy: (name, version, by) =>
      inLine(name, async () => {
        const row = (await deployments.all()).find((one) => one.name === name);
        if (row?.model === version.model && row.version === version.version) return false;
        const previous = row?.model === version.model ? row.version : null;
        const to = { name, model: version.model, version: version.version, previous };
        const said = `version ${version.version} of ${version.model} is deployed: ${by.why}`;
        await records.commit([...pointAt(to, by, now()), tell(name, "deployment", said)]);
        const live = lives.get(name);
        live?.become({ champion: live.champion, previous: live.previous });
        return true;
      }),

    async rollback(name, actor) {
      await inLine(name, async () => {
        const live = await bring(name);
        if (live.rollout !== null) return endOf(name, live, { actor, why: "rolled back" });
        const { model, version, previous } = await deployments.find(name);
        if (previous === null) {
          throw new MillError("endpoint.no-previous", `The endpoint "${name}" has no version before ${version}.`, {
            fix: "Roll back once a second version has been deployed.",
          });
        }
        const champion = await versionOf(name, live, model, previous);
        const by = { actor, why: rolledBackFrom(version) };
        await registry.setAlias(model, CHAMPION_ALIAS, previous, by);
        await records.commit([
          ...pointAt({ name, model, version: previous, previous: version }, by, now()),
          tell(name, "rollback", `version ${previous} answers again, in place of version ${version} (${actor})`),
        ]);
        live.become({ champion, previous: live.champion });
      });
      return serving.state(name);
    },

    rollout: (name) => lives.get(name)?.readRollout() ?? null,

    startRollout: (name, version, { steps, hold }, by) =>
      inLine(name, async () => {
        const live = await bring(name);
        const base = live.champion.version;
        if (live.rollout !== null)
          throw rolloutError(
            `Version ${live.rollout.row.version} answers a share of "${name}" already.`,
            "End that rollout first: `mill rollback` does.",
          );
        if (version.model !== base.model || version.version === base.version)
          throw rolloutError(
            `Version ${version.version} of ${version.model} is no candidate beside version ${base.version} of ${base.model}.`,
            "Name another version of the model that the endpoint serves.",
          );
        const wasHeld = live.held(version.model, version.version) !== null;
        try {
          const candidate = await versionOf(name, live, version.model, version.version);
          await answerOnce(candidate, serving.dataTime(name));
          const at = now();
          const row: RolloutRow = {
            ...{ model: version.model, version: version.version, base: base.version },
            ...{ steps, step: 0, holdMicros: parseDuration(hold) },
            ...{ sinceAsOf: serving.dataTime(name), sinceAt: at, startedAt: at },
          };
          const said = `version ${row.version} answers ${percent(row)} of the requests, beside version ${row.base}: ${by.why}`;
          await commit(name, [beginRollout(name, row), tell(name, "canary", said)]);
          live.become({ champion: live.champion, previous: live.previous, rollout: { row, candidate } });
          return live.readRollout()!;
        } catch (error) {
          if (!wasHeld) live.become({ champion: live.champion, previous: live.previous });
          throw error;
        }
      }),

    advanceRollout: (name, step, by) =>
      inLine(name, async () => {
        const { live, row, candidate } = await underWay(name);
        if (!(Number.isInteger(step) && step > row.step && step < row.steps.length))
          throw rolloutError(
            `The rollout of "${name}" has no step ${step} after ${row.step}.`,
            `Name a step from ${row.step + 1} to ${row.steps.length - 1}.`,
          );
        const next = { ...row, step, sinceAsOf: serving.dataTime(name), sinceAt: now() };
        await commit(name, [
          moveRollout(name, next),
          tell(name, "canary", `version ${row.version} answers ${percent(next)} of the requests: ${by.why}`),
        ]);
        live.become({ champion: live.champion, previous: live.previous, rollout: { row: next, candidate } });
        return live.readRollout()!;
      }),

    promote: (name, by) =>
      inLine(name, async () => {
        const { live, row, candidate } = await underWay(name);
        const { model, version, base } = row;
        await commit(name, [
          endRollout(name, row),
          ...pointAt({ name, model, version, previous: base }, by, now()),
          tell(name, "canary", `version ${version} answers all requests, after version ${base}: ${by.why}`),
        ]);
        live.become({ champion: candidate, previous: live.champion });
      }),

    endRollout: (name, by) => inLine(name, async () => endOf(name, (await underWay(name)).live, by)),

    async close() {
      await Promise.all([...lives.values()].map((live) => live.close()));
    },
  };

  const endOf = async (name: string, live: Live, { why }: By) => {
    const { row } = live.rollout!;
    await commit(name, [endRollout(name, row), tell(name, "canary", backTo(row.base, row.version, why))]);
    live.become({ champion: live.champion, previous: live.previous });
  };

  const answerOf = (name: string, live: Live, id: string, rows: readonly unknown[], nowMicros: number) => {
    const failed = (error: unknown): never => {
      if (error instanceof MillError && !isOurs(error)) watching.refused(name, "predict", rows.length, error);
      throw error;
    };
    try {
      const answered = live.answer(id, rows, nowMicros);
      return answered instanceof Promise ? answered.catch(failed) : answered;
    } catch (error) {
      return failed(error);
    }
  };
  return serving;
}

/** A candidate answers the newest row of its data set, as of now, before a client asks it anything. Errors: as `predict` of an endpoint. */
async function answerOnce({ endpoint, newest }: Loaded, asOfMicros: number | null): Promise<void> {
  if (newest === null) return;
  const { time } = endpoint.manifest.dataset;
  const row = time === null || asOfMicros === null ? newest : { ...newest, [time]: asOfMicros };
  const asked = Object.entries(endpoint.request).map(([name, column]) => [name, showValue(column, row[name] ?? null)]);
  const [{ prediction }] = (await endpoint.predict([Object.fromEntries(asked)], asOfMicros ?? 0)) as [Answer];
  const numbers =
    "probabilities" in prediction
      ? Object.values(prediction.probabilities)
      : ["value" in prediction ? prediction.value : prediction.probability];
  if (numbers.every((one) => Number.isFinite(one))) return;
  throw rolloutError(
    `Its answer to a row of its data set is no number: ${JSON.stringify(prediction)}.`,
    "Train the model again.",
  );
}

/** It says nothing of the rows. */
const isOurs = ({ code }: MillError) => codeInfo(code).status >= 500;

/** A version that is not taken must not keep running. */
const orLetGo = <T>({ endpoint }: Loaded, work: () => Promise<T>): Promise<T> =>
  work().catch(async (error) => {
    await endpoint.beside?.close().catch(() => undefined);
    throw error;
  });

const answeringOf = ({ endpoint: { beside } }: Loaded): Answering => ({
  form: beside?.form ?? "inline",
  down: beside?.down() ?? null,
  outages: beside?.outages() ?? 0,
});

const percent = (row: RolloutRow) => `${Number((shareOf(row) * 100).toPrecision(3))} %`;

const backTo = (base: number, version: number, why: string) =>
  `all requests go back to version ${base}, none to version ${version}: ${why}`;

const rolloutError = (message: string, fix: string) => new MillError("endpoint.rollout", message, { fix });

const unevenIds = (rows: number, ids: number) =>
  new MillError("request.invalid", `There are ${rows} rows and ${ids} ids.`, {
    at: "/ids",
    expected: `${rows} ids, one for each row`,
    got: String(ids),
    fix: "Send as many ids as rows, or none.",
  });
