/**
 * Training again on what has come since: the rows fed to an endpoint join its data set as a new generation, and the model's steps run on them.
 * What passes its gate comes to serve by the endpoint's rollout; whatever goes wrong, the version that answers keeps answering.
 */
import { DAY_MICROS, didYouMean, MillError, parseDuration } from "../base/index.ts";
import type { CallContext } from "../contract/index.ts";
import type { EndpointDefinition } from "../define/index.ts";
import { momentText } from "../quality/index.ts";
import type { ModelVersion } from "../registry/index.ts";
import { eventsOf } from "../serve/index.ts";
import { type RetrainingState, retrainingEnds } from "./retrainings.ts";
import { publishLine } from "./rollout.ts";
import { type RunFinished, type RunLine, runTargets } from "./run-targets.ts";
import type { Workspace } from "./workspace.ts";

/** One after the other. Errors (thrown): `endpoint.unknown`; a run that fails or is refused is a result. */
export async function retrain(
  workspace: Workspace,
  { name, cause }: { readonly name: string; readonly cause: string },
  context: Pick<CallContext, "actor" | "signal">,
  push: (line: RunLine) => void = () => {},
): Promise<RunFinished> {
  return workspace.inLine("retrain", async () => {
    const endpoint = await definedEndpoint(workspace, name);
    const basis = await newBasis(workspace, endpoint);
    const [before] = await workspace.registry.versions(endpoint.serves.name, { limit: 1 });
    let generation: number | null = null;
    const finished = await runTargets(
      workspace,
      {
        targets: [`model/${endpoint.serves.name}`],
        reason: cause,
        beside: true,
        async prepare(runId) {
          await begin(workspace, endpoint, { runId, cause, asOf: basis.asOf });
          if (basis.grows) generation = await workspace.lake.openGeneration({ ...basis.generation, runId });
        },
      },
      context,
      push,
    );
    await conclude(workspace, endpoint, finished, { generation, newest: before?.version ?? 0 });
    return finished;
  });
}

async function definedEndpoint(workspace: Workspace, name: string): Promise<EndpointDefinition> {
  const { endpoints } = await workspace.project();
  const endpoint = endpoints.get(name);
  if (endpoint) return endpoint;
  throw new MillError("endpoint.unknown", `There is no endpoint "${name}".${didYouMean(name, endpoints.keys())}`, {
    expected: [...endpoints.keys()].join(", ") || "an endpoint in mill.ts",
    got: name,
    fix: "Name an endpoint that mill.ts exports.",
  });
}

/** Rows that claim to be further ahead of the data clock have a wrong one: they must not become the holdout. */
const AHEAD_MICROS = DAY_MICROS;

/** What the data set would consist of by now. */
async function newBasis({ lake, serving, now }: Workspace, { name, serves, retrain }: EndpointDefinition) {
  const dataset = serves.from.from;
  const asOf = serving.dataTime(name) ?? now() * 1000;
  const [events, standing] = [eventsOf(name), await lake.generation(dataset.name)];
  await lake.seal(events);
  const head = await lake.head(events);
  const before = standing?.journals ?? [];
  const grown = head === null ? [] : [{ dataset: events, version: head.version, rowCount: head.rowCount }];
  const window = retrain?.window;
  const type = dataset.time === undefined ? null : dataset.columns[dataset.time]!.type;
  return {
    asOf,
    grows:
      standing?.boundary != null &&
      grown.some(({ version }) => version !== before.find((one) => one.dataset === events)?.version),
    generation: {
      dataset: dataset.name,
      journals: [...before.filter((one) => one.dataset !== events), ...grown],
      trainFrom: window === undefined || type === null ? null : momentText(asOf - parseDuration(window), type),
      until: type === null ? null : momentText(asOf + AHEAD_MICROS, type),
    },
  };
}

async function begin(
  { records, story, now }: Workspace,
  { name, serves }: EndpointDefinition,
  { runId, cause, asOf }: { readonly runId: string; readonly cause: string; readonly asOf: number },
): Promise<void> {
  const at = now();
  await records.commit([
    {
      sql: "INSERT INTO retrainings (run_id, endpoint, model, cause, as_of, state, started_at) VALUES (?, ?, ?, ?, ?, 'running', ?)",
      params: [runId, name, serves.name, cause, asOf, at],
      rows: 1,
    },
    story.statement(name, { at, asOf, what: "retraining", text: `${serves.name} is trained again: ${cause} (run ${runId})` }),
  ]);
}

/** Writes down how it ended. A generation that was not even cut is given up: the one before counts again. */
async function conclude(
  workspace: Workspace,
  { name, serves }: EndpointDefinition,
  finished: RunFinished,
  { generation, newest }: { readonly generation: number | null; readonly newest: number },
): Promise<void> {
  const { lake, serving, records, story, now } = workspace;
  const standing = await lake.generation(serves.from.from.name);
  if (generation !== null && standing?.generation === generation && standing.boundary === null)
    await lake.abandonGeneration(standing.dataset, generation);
  const [version = null] = await workspace.registry.versions(serves.name, { limit: 1 });
  const made = version !== null && version.version > newest ? version : null;
  const answers = (await serving.deployed()).find((one) => one.name === name)?.version ?? null;
  const end = endOf(finished, made, { answers, share: serving.rollout(name)?.share ?? null });
  const at = now();
  const keeps = answers === null || end.state === "promoted" ? "" : `; version ${answers} keeps answering`;
  await records.commit([
    retrainingEnds(finished.run, { ...end, version: made?.version ?? null }, at),
    story.statement(name, { at, asOf: serving.dataTime(name), what: "retraining", text: `${end.why}${keeps}` }),
  ]);
}

function endOf(
  { state, error, refusals }: RunFinished,
  made: ModelVersion | null,
  { answers, share }: { readonly answers: number | null; readonly share: number | null },
): { readonly state: Exclude<RetrainingState, "running">; readonly why: string } {
  const said = refusals.map(({ sentence }) => sentence).join("; ");
  if (state === "failed" || state === "cancelled")
    return { state: "failed", why: `training again ${state}${error ? `: ${error.message}` : ""}` };
  if (state === "refused")
    return { state: "refused", why: `${made ? `version ${made.version}` : "the new data"} was refused: ${said}` };
  if (made === null) return { state: "unchanged", why: "training again gave the model that there is already" };
  if (answers === made.version)
    return { state: "promoted", why: `version ${made.version} passed its gate and answers all requests` };
  if (share !== null)
    return {
      state: "candidate",
      why: `version ${made.version} passed its gate and answers ${Math.round(share * 100)} % of the requests`,
    };
  return { state: "failed", why: `version ${made.version} passed its gate but does not answer` };
}

/** Makes the record say what has become of the retrainings of earlier processes, once the endpoints are loaded. */
export async function settleRetrainings(workspace: Workspace, actor: string): Promise<void> {
  await giveUpCutOff(workspace);
  await publishLine(workspace, () => settleCandidates(workspace, actor));
}

/** Retrainings that a process was in the middle of: what they had opened is given up. */
async function giveUpCutOff(workspace: Workspace): Promise<void> {
  const { records, lake, serving, story, now } = workspace;
  const cut = await records.query<{ runId: string; endpoint: string }>(
    `SELECT run_id AS "runId", endpoint FROM retrainings WHERE state = 'running'`,
  );
  const why = "training again was cut off: the process that did it ended";
  for (const { runId, endpoint } of cut)
    await records.commit([
      retrainingEnds(runId, { state: "failed", version: null, why }, now()),
      story.statement(endpoint, { at: now(), asOf: serving.dataTime(endpoint), what: "retraining", text: why }),
    ]);
  if (cut.length === 0) return;
  for (const dataset of (await workspace.project()).datasets.keys()) {
    const standing = await lake.generation(dataset);
    if (standing !== null && standing.boundary === null && cut.some(({ runId }) => runId === standing.runId))
      await lake.abandonGeneration(dataset, standing.generation);
  }
}

/** Candidates whose rollout ended without us: one that could not be loaded at a start, or a version that somebody deployed. */
async function settleCandidates({ records, registry, serving, now }: Workspace, actor: string): Promise<void> {
  const candidates = await records.query<{ runId: string; endpoint: string; model: string; version: number }>(
    `SELECT run_id AS "runId", endpoint, model, version FROM retrainings WHERE state = 'candidate' ORDER BY run_id`,
  );
  const deployed = await serving.deployed();
  for (const { runId, endpoint, model, version } of candidates) {
    const answering = deployed.find(({ name }) => name === endpoint);
    const underWay = serving.rollout(endpoint);
    if (answering === undefined || !serving.isReady(endpoint)) continue; // its rollout is not known before it is loaded
    if (underWay?.model === model && underWay.version === version) continue;
    const answers = answering.model === model && answering.version === version;
    const why = answers
      ? `version ${version} answers all requests`
      : `its rollout ended: ${answering.model}@${answering.version} answers`;
    if (!answers) await registry.retire(model, version, { actor, why });
    await records.commit([retrainingEnds(runId, { state: answers ? "promoted" : "halted", version, why }, now())]);
  }
}
