/**
 * How a version that passed its gate comes to serve, and how a rollout ends: registry, endpoints and story say the same. Each is several commits:
 * whoever calls these is in `publishLine`, so that a run, a rollback and the keeper do not come between each other's.
 */
import { asMillError } from "../base/index.ts";
import type { EndpointDefinition, Project } from "../define/index.ts";
import type { By, ModelVersion } from "../registry/index.ts";
import { retrainingEnds } from "./retrainings.ts";
import type { Workspace } from "./workspace.ts";

type Resources = Pick<Workspace, "registry" | "serving" | "story" | "records" | "now">;

export const publishLine = <T>({ inLine }: Pick<Workspace, "inLine">, work: () => Promise<T>): Promise<T> =>
  inLine("publish", work);

/** The candidate answers all requests; other endpoints of the model follow. */
export async function promoteRollout(to: Resources, project: Project, name: string, by: By): Promise<void> {
  const { model, version } = to.serving.rollout(name)!;
  await to.registry.promote(model, version, by);
  const champion = await to.registry.version(model, version);
  await to.serving.promote(name, by);
  await endRetraining(to, name, { state: "promoted", version, why: by.why });
  for (const other of project.endpoints.values())
    if (other.name !== name && other.serves.name === model && to.serving.rollout(other.name) === null)
      await to.serving.deploy(other.name, champion, { ...by, why: `promoted at ${name}` });
}

/** All requests go back to the champion; the candidate is not tried again by itself. */
export async function haltRollout(to: Resources, name: string, by: By): Promise<void> {
  const { model, version } = to.serving.rollout(name)!;
  await to.registry.retire(model, version, by); // first: what is cut off in between still has its rollout, and is not started anew
  await to.serving.endRollout(name, by);
  await endRetraining(to, name, { state: "halted", version, why: by.why });
}

/**
 * A version that passed starts with the first share of the requests where an endpoint has a rollout and answers already; a sentence when something was done.
 * A version that cannot be loaded is told and left out: the champion keeps answering.
 */
export async function startRollout(
  to: Resources,
  endpoint: EndpointDefinition,
  version: ModelVersion,
  actor: string,
): Promise<string | null> {
  const { name, serves, rollout } = endpoint;
  await to.serving.state(name); // loads it: a command without a server has not, and a rollout of before would not be seen
  const underWay = to.serving.rollout(name);
  if (underWay?.version === version.version) return null;
  if (underWay !== null) await haltRollout(to, name, { actor, why: `version ${version.version} has come` });
  try {
    await to.serving.startRollout(name, version, rollout!, { actor, why: "passed every gate" });
    return `endpoint ${name} answers ${Math.round(rollout!.steps[0]! * 100)} % of the requests with version ${version.version}`;
  } catch (thrown) {
    const why = `version ${version.version} cannot be loaded: ${asMillError(thrown).message}`;
    await to.registry.retire(serves.name, version.version, { actor, why });
    await to.story.tell(name, {
      at: to.now(),
      asOf: to.serving.dataTime(name),
      what: "canary",
      text: `${why}; the champion keeps answering`,
    });
    return why;
  }
}

/** The retraining that the version came from, if it came from one. */
async function endRetraining(
  { records, now }: Resources,
  endpoint: string,
  end: { readonly state: "promoted" | "halted"; readonly version: number; readonly why: string },
): Promise<void> {
  const [found] = await records.query<{ runId: string }>(
    `SELECT run_id AS "runId" FROM retrainings WHERE endpoint = ? AND version = ? AND state = 'candidate' ORDER BY run_id DESC LIMIT 1`,
    [endpoint, end.version],
  );
  if (found) await records.commit([retrainingEnds(found.runId, end, now())]);
}
