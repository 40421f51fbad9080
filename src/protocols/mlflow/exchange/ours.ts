/** What this workspace keeps as MLflow knows it, page by page, by verbs. */
import type { OutputOf } from "../../../contract/index.ts";
import type { BoundCall } from "../../../guard/index.ts";

export type OurExperiment = OutputOf<"getExperiment">;
export type OurRun = OutputOf<"getTrackedRun">;
export type OurModel = OutputOf<"getLoggedModel">;
export type OurRegistered = OutputOf<"getRegisteredModel">;
export type OurVersion = OutputOf<"getRegisteredVersion">;

export interface Ours {
  /** Deleted ones too. */
  experiments(): AsyncIterable<OurExperiment>;
  runs(experiment: string): AsyncIterable<OurRun>;
  history(run: string, key: string): Promise<OutputOf<"metricHistory">["items"][number][]>;
  loggedModels(experiment: string): AsyncIterable<OurModel>;
  registeredModels(): AsyncIterable<OurRegistered>;
  versions(model: string): AsyncIterable<OurVersion>;
  /** Files below a folder of artifacts; none where it is null. Paths are relative to it. */
  files(root: string | null): AsyncIterable<OurFile>;
}

export interface OurFile {
  readonly path: string;
  readonly sizeBytes: number;
  read(): AsyncIterable<Uint8Array>;
}

const PAGE = 500;
const POINTS_MAX = 25_000;
const PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'";

export function oursOf(call: BoundCall, signal: AbortSignal): Ours {
  async function* pages<T>(
    ask: (pageToken: {
      readonly pageToken?: string;
    }) => Promise<{ readonly items: readonly T[]; readonly nextPageToken: string | null }>,
  ): AsyncGenerator<T> {
    for (let token: string | null = ""; token !== null; ) {
      signal.throwIfAborted();
      const page = await ask(token === "" ? {} : { pageToken: token });
      yield* page.items;
      token = page.nextPageToken;
    }
  }

  async function* files(root: string, folder: string): AsyncGenerator<OurFile> {
    for (let cursor: string | null = ""; cursor !== null; ) {
      signal.throwIfAborted();
      const page: OutputOf<"listArtifacts"> = await call("listArtifacts", {
        ...{ folder: `${root}${folder === "" ? "" : `/${folder}`}`, limit: 1000 },
        ...(cursor !== "" && { cursor }),
      });
      for (const { name, sizeBytes } of page.items) {
        const path = folder === "" ? name : `${folder}/${name}`;
        if (sizeBytes === null) yield* files(root, path);
        else yield { path, sizeBytes, read: () => contentOf(`${root}/${path}`) };
      }
      cursor = page.next;
    }
  }

  async function* contentOf(path: string): AsyncGenerator<Uint8Array> {
    yield* (await call("getArtifact", { path }, { signal })).content();
  }

  return {
    experiments: () => pages((page) => call("searchExperiments", { view: "all", limit: PAGE, ...page })),
    runs: (experiment) =>
      pages((page) => call("searchTrackedRuns", { experiments: [experiment], view: "all", limit: PAGE, ...page })),
    async history(run, key) {
      const points: OutputOf<"metricHistory">["items"][number][] = [];
      for await (const point of pages((page) => call("metricHistory", { run, key, limit: POINTS_MAX, ...page })))
        points.push(point);
      return points;
    },
    loggedModels: (experiment) =>
      pages((page) => call("searchLoggedModels", { experiments: [experiment], limit: PAGE, ...page })),
    async *registeredModels() {
      for (const filter of ["", PROMPTS])
        yield* pages<OurRegistered>((page) =>
          call("searchRegisteredModels", { ...(filter && { filter }), limit: PAGE, ...page }),
        );
    },
    async *versions(model) {
      const filter = `name = ${model.includes("'") ? `"${model}"` : `'${model}'`}`;
      for (const prompts of ["", ` AND ${PROMPTS}`]) {
        const asked = { filter: filter + prompts, orderBy: ["version_number ASC"], limit: PAGE };
        yield* pages<OurVersion>((page) => call("searchRegisteredVersions", { ...asked, ...page }));
      }
    },
    files: (root) => (root === null ? none() : files(root, "")),
  };
}

async function* none(): AsyncGenerator<never> {}

/** The path of artifacts that are kept here; null: they lie elsewhere. */
export const rootOf = (uri: string): string | null =>
  /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.+)$/.exec(uri)?.[1]?.replace(/\/+$/, "") ?? null;
