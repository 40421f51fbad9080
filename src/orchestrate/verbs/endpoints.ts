/** Endpoints: predict, events, feedback, rollback, and what is served. */
import type { Handlers, Schema, Value } from "../../contract/index.ts";
import { showValue } from "../../express/index.ts";
import type { Answering, EndpointState, Rollout } from "../../serve/index.ts";
import { haltRollout, publishLine } from "../rollout.ts";
import type { Workspace } from "../workspace.ts";
import { columnsOf, instantOrNull, pageThrough } from "./wire.ts";

type EndpointVerbs = Pick<Handlers, "listEndpoints" | "getEndpoint" | "predict" | "events" | "feedback" | "rollback">;

export function endpointVerbs(workspace: Workspace): EndpointVerbs {
  const { serving } = workspace;

  /** Every defined endpoint, whether or not it answers yet. */
  const all = async () => {
    const [project, deployed] = [await workspace.project(), await serving.deployed()];
    return [...project.endpoints.values()].map(({ name, serves }) => {
      const at = deployed.find((endpoint) => endpoint.name === name);
      return {
        name,
        model: serves.name,
        version: at?.version ?? null,
        previous: at?.previous ?? null,
        ready: serving.isReady(name),
        changedAt: instantOrNull(at?.changedAt),
        ...answering(serving.answering(name)),
        ...sharing(serving.rollout(name)),
      };
    });
  };

  return {
    listEndpoints: async (page) => pageThrough(await all(), ({ name }) => name, page),

    async getEndpoint({ name }) {
      const state = await serving.state(name);
      const texts = (await workspace.project()).endpoints.get(name)?.serves.from.from.columns ?? {};
      return {
        ...summaryOf(state),
        task: state.task,
        classes: [...state.classes],
        threshold: state.threshold,
        request: columnsOf(withTexts(state.request, texts), state.optional),
        exampleRow: state.exampleRow && shown(state.exampleRow, state.request),
        windowsWarmedTo: state.windowsWarmedTo,
        eventsSkipped: state.eventsSkipped,
        predictions: state.predictions,
        history: (await serving.history(name)).map(({ at, ...entry }) => ({ ...entry, at: instantOrNull(at)! })),
      };
    },

    predict: ({ name, rows }) => serving.predict(name, rows),
    events: ({ name, rows, ids }) => serving.events(name, rows, ids),
    feedback: ({ name, labels }) => serving.feedback(name, labels),
    async rollback({ name }, { actor }) {
      await serving.state(name); // a rollout is known once the endpoint is loaded
      await publishLine(workspace, async () => {
        if (serving.rollout(name) === null) await serving.rollback(name, actor);
        else await haltRollout(workspace, name, { actor, why: "rolled back" });
      });
      return summaryOf(await serving.state(name));
    },
  };
}

const summaryOf = ({ name, model, version, previous, changedAt, answers, rollout }: EndpointState) => ({
  ...{ name, model, version, previous, ready: true, changedAt: instantOrNull(changedAt) },
  ...answering(answers),
  ...sharing(rollout),
});

const answering = (answers: Answering | null) =>
  answers === null
    ? {}
    : { answers: { ...answers, down: answers.down && { ...answers.down, since: instantOrNull(answers.down.since)! } } };

const sharing = (rollout: Rollout | null) =>
  rollout === null ? {} : { rollout: { version: rollout.version, share: rollout.share } };

/** A bundle's columns carry no texts: a reworded one makes no new version. The project has them. */
const withTexts = (request: Schema, texts: Schema): Schema =>
  Object.fromEntries(
    Object.entries(request).map(([name, column]) => {
      const { unit, about } = texts[name] ?? {};
      return [name, { ...column, ...(unit ? { unit } : {}), ...(about ? { about } : {}) }];
    }),
  );

const shown = (row: Readonly<Record<string, Value>>, schema: Schema) =>
  Object.fromEntries(Object.entries(schema).map(([name, column]) => [name, showValue(column, row[name] ?? null)]));
