/**
 * Where the files of a version lie. A source names a run's or a model's artifacts, another version, or a place elsewhere, which only clients read:
 *
 *     runs:/RUN/path   models:/m-ID   models:/NAME/VERSION   models:/NAME@ALIAS   mlflow-artifacts:/…   s3://…
 *
 * A path of this machine is taken only from a run or model whose artifacts lie around it: else anybody could have any file shown.
 */
import { MillError } from "../../base/index.ts";
import type { LoggedModels, Tracking } from "../../train/index.ts";

export interface Source {
  readonly source: string;
  readonly runId?: string | undefined;
  readonly modelId?: string | undefined;
}

export interface ResolvedSource {
  readonly source: string;
  /** A URI that a client can download from. */
  readonly location: string;
  readonly runId: string | null;
  readonly modelId: string | null;
}

export interface SourceResources {
  readonly tracking: Pick<Tracking, "run">;
  readonly loggedModels: Pick<LoggedModels, "find">;
  /** A version by its number or alias. Errors: as it has them. */
  version(name: string, which: string): Promise<ResolvedSource & { readonly version: number }>;
}

/** Errors: `registry.source`, and those of the run, model or version that is named. */
export async function resolveSource({ source, runId, modelId }: Source, resources: SourceResources): Promise<ResolvedSource> {
  requireStraight(source);
  if (isLocal(source)) return localSource({ source, runId, modelId }, resources);
  const run = /^runs:\/+([^/]+)(?:\/+(.*))?$/.exec(source);
  if (run) {
    if (runId !== undefined && runId !== run[1])
      throw refused(source, "The run_id request parameter must identify the resource that contains the source.");
    const { artifactUri } = await resources.tracking.run(run[1]!);
    return { source, location: `${artifactUri}/${run[2] ?? ""}`.replace(/\/+$/, ""), runId: run[1]!, modelId: modelId ?? null };
  }
  const model = /^models:\/+(m-[0-9a-f]{32})$/.exec(source);
  if (model) {
    if (modelId !== undefined && modelId !== model[1])
      throw refused(source, "The model_id request parameter must identify the resource that contains the source.");
    const { artifactUri, sourceRunId } = await resources.loggedModels.find(model[1]!);
    return { source, location: artifactUri, runId: runId ?? sourceRunId, modelId: model[1]! };
  }
  if (source.startsWith("models:")) {
    const named = /^models:\/+([^/@:]+)(?:\/([^/@]+)|@([\w-]+))$/.exec(source);
    if (!named) throw refused(source, "It names no version: write models:/NAME/VERSION or models:/NAME@ALIAS.");
    const other = await resources.version(named[1]!, named[2] ?? named[3]!);
    return {
      ...other,
      source: `models:/${named[1]}/${other.version}`,
      runId: runId ?? other.runId,
      modelId: modelId ?? other.modelId,
    };
  }
  return { source, location: source, runId: runId ?? null, modelId: modelId ?? null };
}

async function localSource(
  { source, runId, modelId }: Source,
  { tracking, loggedModels }: SourceResources,
): Promise<ResolvedSource> {
  const root =
    modelId !== undefined
      ? (await loggedModels.find(modelId)).artifactUri
      : runId !== undefined
        ? (await tracking.run(runId)).artifactUri
        : null;
  const named = modelId !== undefined ? "model_id" : "run_id";
  const whose = modelId !== undefined ? "model" : "run";
  if (root === null || !isLocal(root) || !`${pathOf(source)}/`.startsWith(`${pathOf(root)}/`))
    throw refused(
      source,
      `To use a local path as a model version source, the ${named} request parameter has to be specified and the local path has to be contained within the artifact directory of the ${whose} specified by the ${named}.`,
    );
  return { source, location: source, runId: runId ?? null, modelId: modelId ?? null };
}

/** No way up and no NUL, however often it is decoded. */
function requireStraight(source: string): void {
  for (let read = source, times = 0; ; times++) {
    const decoded = decodedOf(read);
    if (times > 10 || read.includes("\0") || read.split(/[/\\]/).includes(".."))
      throw refused(
        source,
        "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.",
      );
    if (decoded === read) return;
    read = decoded;
  }
}

function decodedOf(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

const isLocal = (uri: string): boolean => /^file:/i.test(uri) || !/^[a-z][a-z0-9+.-]+:/i.test(uri);
const pathOf = (uri: string): string => uri.replace(/^file:(?:\/\/[^/]*)?/i, "").replace(/\/+$/, "");

const refused = (source: string, why: string) =>
  new MillError("registry.source", `Invalid model version source: '${source.slice(0, 500)}'. ${why}`, {
    at: "source",
    got: source.slice(0, 200),
    fix: "Register what a run or model logged: runs:/RUN/PATH or models:/m-ID.",
  });
