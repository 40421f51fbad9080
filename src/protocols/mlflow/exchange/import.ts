/**
 * Takes over what an MLflow keeps, by the workspace's verbs:
 *
 *     experiments -> runs, a page at once -> those of their points that are wanted -> their files, those that are wanted
 *                 -> logged models -> their files
 *     registered models with versions and aliases
 *
 * Each call is whole by itself: an import that ends half-way is run again. Memory holds a page and some points, whatever the source has.
 */
import type { BoundCall } from "../../../guard/index.ts";
import { takeFiles } from "./import-files.ts";
import { takeRuns } from "./import-runs.ts";
import { createReporter, type Report, type Reporter } from "./report.ts";
import type { Source, Tell, VersionThere } from "./source.ts";

export interface ImportOptions {
  /** The name under which is remembered what was taken; default: the source's. */
  readonly name?: string | undefined;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  /** Told of each thing that is done, with its bytes. */
  step(things: number, bytes: number): void;
}

/** What every part of an import is given. */
export interface Import {
  readonly source: Source;
  readonly call: BoundCall;
  /** What verbs are told: whose, and whether it is only looked. */
  readonly from: { readonly source: string; readonly dryRun: boolean };
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** `open` gives the source; it is closed. Errors: `import.source-away`, those of the verbs, and the signal's. */
export async function importMlflow(open: (tell: Tell) => Source, call: BoundCall, options: ImportOptions): Promise<Report> {
  const { name, dryRun, signal, step } = options;
  const reporter = createReporter(step);
  const source = open(({ what, why, broken }) => reporter.left(what, why, broken));
  const from = { source: name ?? source.name, dryRun };
  const all: Import = { source, call, from, reporter, signal };
  try {
    if (!dryRun) await call("beginImport", { source: from.source });
    for await (const experiment of source.experiments()) {
      signal.throwIfAborted();
      const taken = await call("importExperiment", { ...from, experiment });
      reporter.count("experiments", taken.outcome);
      for (const { what, why } of taken.left) reporter.left(`${what} of experiment ${experiment.name}`, why);
      const ids = { there: experiment.id, here: taken.experiment };
      await takeRuns(all, ids);
      await takeLoggedModels(all, ids);
    }
    await takeRegistered(all);
    return reporter.report();
  } finally {
    source.close();
  }
}

async function takeLoggedModels(all: Import, ids: { readonly there: string; readonly here: string | null }): Promise<void> {
  const { source, call, from, reporter, signal } = all;
  for await (const page of source.loggedModels(ids.there)) {
    signal.throwIfAborted();
    const found = page.filter(({ model }) => {
      const isId = /^m-[0-9a-f]{32}$/.test(model.id);
      if (!isId) reporter.left(`logged model ${model.id}`, "its id is none");
      return isId;
    });
    const models = found.map(({ model }) => model);
    const taken = await call("importLoggedModels", { ...from, experiment: ids.here, models });
    const roots = new Map(taken.models.map(({ id, root }) => [id, root]));
    for (const { id, outcome, left } of taken.models) {
      reporter.count("loggedModels", outcome);
      for (const { what, why } of left) reporter.left(`${what} of logged model ${id}`, why);
    }
    await takeFiles(
      all,
      found.map(({ model: { id }, artifactUri }) => ({
        owner: { kind: "logged model", id, artifactUri, experimentId: ids.there },
        root: roots.get(id) ?? null,
      })),
    );
  }
}

async function takeRegistered({ source, call, from, reporter, signal }: Import): Promise<void> {
  for await (const there of source.registeredModels()) {
    const { aliases, ...model } = there;
    signal.throwIfAborted();
    const take = async (versions: readonly VersionThere[], isLast: boolean) => {
      const taken = await call("importRegisteredModel", { ...from, model, versions, ...(isLast && { aliases }) });
      if (isLast) reporter.count("registeredModels", taken.outcome);
      for (const { what, why } of taken.left) reporter.left(`${what} of model ${model.name}`, why);
      for (const { version, outcome, left } of taken.versions) {
        reporter.count("versions", outcome);
        for (const { what, why } of left) reporter.left(`${what} of model ${model.name}, version ${version}`, why);
      }
    };
    let page: readonly VersionThere[] = [];
    for await (const next of source.versions(there)) {
      if (page.length > 0) await take(page, false);
      page = next;
    }
    await take(page, true);
  }
}
