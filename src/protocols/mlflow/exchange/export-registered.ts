/** Registered models, their versions and aliases on a server: its versions count as they are made, and a tag says which each is here. */
import type { Export } from "./export-server.ts";
import type { OurRegistered, OurVersion } from "./ours.ts";
import type { Answer } from "./rest-client.ts";

const VERSION = "mill.version";

export async function exportRegistered(all: Export): Promise<void> {
  for await (const model of all.ours.registeredModels()) {
    all.signal.throwIfAborted();
    const answer = await all.ask("GET", "registered-models/get", { name: model.name });
    const there: Answer = answer?.registered_model ?? null;
    let changes = await writeModel(all, model, there);
    const numbers = await writeVersions(all, model.name);
    for (const [alias, version] of Object.entries(model.aliases)) {
      const number = numbers.get(version);
      if (
        number === undefined ||
        (there?.aliases ?? []).some((one: Answer) => one.alias === alias && String(one.version) === number)
      )
        continue;
      await all.tell("POST", "registered-models/alias", { name: model.name, alias, version: number });
      changes++;
    }
    all.reporter.count("registeredModels", there === null ? "new" : changes > 0 ? "changed" : "same");
  }
}

async function writeModel({ tell }: Export, { name, description, tags }: OurRegistered, there: Answer): Promise<number> {
  if (there === null) {
    await tell("POST", "registered-models/create", { name, description: description ?? "", tags: pairs(tags) });
    return 1;
  }
  const newTags = differing(tags, there.tags);
  for (const tag of newTags) await tell("POST", "registered-models/set-tag", { name, ...tag });
  const isDescribed = (there.description ?? "") === (description ?? "");
  if (!isDescribed) await tell("PATCH", "registered-models/update", { name, description: description ?? "" });
  return newTags.length + (isDescribed ? 0 : 1);
}

/** Their numbers by ours. */
async function writeVersions(all: Export, name: string): Promise<Map<number, string>> {
  const { ours, tell, reporter } = all;
  const known = new Map<string, Answer>();
  const numbers = new Map<number, string>();
  for (let token: string | undefined; ; ) {
    const asked = { filter: `name = ${name.includes("'") ? `"${name}"` : `'${name}'`}`, max_results: 1000, page_token: token };
    const page = await tell("GET", "model-versions/search", asked);
    for (const version of page.model_versions ?? [])
      known.set((version.tags ?? []).find((tag: Answer) => tag.key === VERSION)?.value ?? `their ${version.version}`, version);
    token = page.next_page_token;
    if (!token) break;
  }
  for await (const version of ours.versions(name)) {
    const what = `version ${version.version} of model ${name}`;
    if (version.location === null) {
      reporter.left(what, "the platform made it: it is no model of MLflow's");
      continue;
    }
    // one that was imported from there has the same number, run and source
    const same = known.get(`their ${version.version}`);
    const there =
      known.get(String(version.version)) ?? (same?.source === version.source ? same : undefined) ?? (await created(all, version));
    const number = String(there.version);
    numbers.set(version.version, number);
    const newTags = differing(version.tags, there.tags);
    for (const tag of newTags) await tell("POST", "model-versions/set-tag", { name, version: number, ...tag });
    const isDescribed = (there.description ?? "") === (version.description ?? "");
    if (!isDescribed)
      await tell("PATCH", "model-versions/update", { name, version: number, description: version.description ?? "" });
    const isStaged = (there.current_stage ?? "None") === version.stage;
    if (!isStaged)
      await tell("POST", "model-versions/transition-stage", {
        name,
        version: number,
        stage: version.stage,
        archive_existing_versions: false,
      });
    const changes = newTags.length + (isDescribed ? 0 : 1) + (isStaged ? 0 : 1);
    reporter.count("versions", there.isNew ? "new" : changes > 0 ? "changed" : "same");
  }
  return numbers;
}

async function created({ tell, runs, models }: Export, version: OurVersion): Promise<Answer> {
  const source = sourceThere(version, runs, models);
  const modelId = /^models:\/(m-[0-9a-f]{32})$/.exec(source)?.[1];
  const { model_version: made } = await tell("POST", "model-versions/create", {
    ...{ name: version.name, source, description: version.description ?? "" },
    ...(version.runId !== null && { run_id: runs.get(version.runId) }),
    ...(modelId !== undefined && { model_id: modelId }),
    tags: [...pairs(version.tags), { key: VERSION, value: String(version.version) }],
  });
  return { ...made, tags: pairs(version.tags), isNew: true };
}

/** The same files there; what lies elsewhere stays where it is. */
function sourceThere(
  { source, location }: OurVersion,
  runs: ReadonlyMap<string, string>,
  models: ReadonlyMap<string, string>,
): string {
  const model =
    /^models:\/+(m-[0-9a-f]{32})$/.exec(source)?.[1] ??
    /^mlflow-artifacts:.*\/models\/(m-[0-9a-f]{32})\/artifacts$/.exec(location ?? "")?.[1];
  const theirModel = model && models.get(model);
  if (theirModel) return `models:/${theirModel}`;
  const run =
    /^runs:\/+([^/]+)(?:\/+(.*))?$/.exec(source) ?? /^mlflow-artifacts:.*\/([^/]+)\/artifacts(?:\/(.*))?$/.exec(location ?? "");
  const theirRun = run && runs.get(run[1]!);
  return theirRun ? `runs:/${theirRun}/${run[2] ?? ""}`.replace(/\/$/, "") : source;
}

const pairs = (tags: Readonly<Record<string, string>>) => Object.entries(tags).map(([key, value]) => ({ key, value }));

const differing = (ours: Readonly<Record<string, string>>, theirs: readonly Answer[] = []) =>
  pairs(ours).filter(({ key, value }) => !theirs.some((tag) => tag.key === key && tag.value === value));
