/**
 * Files of runs and models. A client logs them through the proxy, whose root is `mlflow-artifacts:/`: the path behind it is the path of the artifact. The other
 * routes find the root of what they name first. A range of bytes is told in the header, as everywhere.
 */
import { Readable } from "node:stream";
import { MillError } from "../../base/index.ts";
import type { OutputOf } from "../../contract/index.ts";
import type { BoundCall } from "../../guard/index.ts";
import { readRange } from "../byte-range.ts";
import type { ForeignReply, ForeignRequest, ForeignRoute } from "../route.ts";
import { type Fields, readFields } from "./fields.ts";
import { mimeType } from "./mime-types.ts";
import { failure, MlflowError } from "./mlflow-error.ts";
import type { Operation } from "./operation.ts";
import { runId } from "./runs.ts";
import { json, some } from "./wire.ts";

/** `artifacts/list`, below the paths of the others. */
export const ARTIFACTS: readonly Operation[] = [
  {
    ...{ method: "GET", path: "artifacts/list", plane: "data" },
    async answer(asked, call) {
      const { artifactUri } = await call("getTrackedRun", { run: runId(asked) });
      return listed(artifactUri, asked.optionalText("path"), call);
    },
  },
];

/** Answers in files, and takes them: below prefixes of their own. */
export const artifactRoutes = (): ForeignRoute[] => [
  file("/get-artifact", async (asked, call) => {
    const { artifactUri } = await call("getTrackedRun", { run: runId(asked) });
    return below(artifactUri, asked.text("path"));
  }),
  ...["/api", "/ajax-api"].flatMap((api) => proxy(`${api}/2.0/mlflow-artifacts`)),
];

/** A route that answers the file of which `find` says where it lies. */
export const file = (path: string, find: (asked: Fields, call: BoundCall) => Promise<string>): ForeignRoute =>
  route("GET", path, async (request, call) => download(await find(readFields(request, "GET"), call), request, call));

/** What lies in a folder below a root, as MLflow tells it; paths are relative to the root. */
export async function listed(rootUri: string, folder: string | undefined, call: BoundCall) {
  const files = await entries(folder ? below(rootUri, folder) : rootOf(rootUri), call);
  const prefix = folder ? `${folder.replace(/\/+$/, "")}/` : "";
  return {
    root_uri: rootUri,
    ...some(
      "files",
      files.map(({ path, ...entry }) => ({ path: prefix + path, ...entry })),
    ),
  };
}

/** The path of a root of artifacts that are kept here. Errors: MlflowError for any other. */
export function rootOf(uri: string): string {
  const path = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.+)$/.exec(uri)?.[1];
  if (path !== undefined) return path.replace(/\/+$/, "");
  throw new MlflowError("INVALID_PARAMETER_VALUE", `The artifacts at '${uri}' are not kept here: ask where they are.`);
}

/** A relative path is looked at by itself, so that it does not climb out of its root. */
export function below(rootUri: string, path: string): string {
  if (/^\//.test(path)) throw new MlflowError("INVALID_PARAMETER_VALUE", "Invalid path");
  return `${rootOf(rootUri)}/${path}`;
}

function proxy(prefix: string): ForeignRoute[] {
  return [
    route("GET", `${prefix}/artifacts`, async ({ query }, call) =>
      json(some("files", await entries([query.path ?? ""].flat()[0]!, call))),
    ),
    route("GET", `${prefix}/artifacts/*`, (request, call) => download(request.params["*"]!, request, call)),
    {
      ...route("PUT", `${prefix}/artifacts/*`, async ({ params, stream }, call) => {
        await call("putArtifact", { path: params["*"] }, { bytes: stream });
        return json({});
      }),
      streams: true,
    },
    route("DELETE", `${prefix}/artifacts/*`, async ({ params }, call) => {
      await call("removeArtifacts", { path: params["*"] });
      return json({});
    }),
    route("POST", `${prefix}/mpu/create/*`, (request, call) => beginUpload(prefix, request, call)),
    route("POST", `${prefix}/mpu/complete/*`, async (request, call) => {
      const asked = readFields(request, "POST");
      await call("completeArtifactUpload", {
        upload: asked.text("upload_id"),
        path: uploadPath(request, asked),
        parts: asked.items("parts").map((part) => ({ number: part.whole("part_number"), etag: part.text("etag") })),
      });
      return json({});
    }),
    route("POST", `${prefix}/mpu/abort/*`, async (request, call) => {
      const asked = readFields(request, "POST");
      await call("abortArtifactUpload", { upload: asked.text("upload_id"), path: uploadPath(request, asked) });
      return json({});
    }),
    {
      ...route("PUT", `${prefix}/mpu/parts/:upload/:number`, async ({ params, stream }, call) => {
        const { etag } = await call(
          "putArtifactPart",
          { upload: params.upload, number: Number(params.number) },
          { bytes: stream },
        );
        return { ...json({}), headers: { etag: `"${etag}"` } };
      }),
      streams: true,
    },
    route("GET", `${prefix}/presigned/*`, async () =>
      failure(new MlflowError("NOT_IMPLEMENTED", "Artifacts are downloaded through the server: there are no presigned links.")),
    ),
  ];
}

/** The client sends each part where it is told to, with the headers that it is told: its own token among them. */
async function beginUpload(prefix: string, request: ForeignRequest, call: BoundCall): Promise<ForeignReply> {
  const asked = readFields(request, "POST");
  const count = asked.whole("num_parts");
  if (count < 1 || count > 10_000)
    throw new MlflowError("INVALID_PARAMETER_VALUE", `Invalid value ${count} for parameter 'num_parts' supplied.`);
  const { upload } = await call("beginArtifactUpload", { path: uploadPath(request, asked) });
  const { authorization } = request.headers;
  return json({
    upload_id: upload,
    credentials: Array.from({ length: count }, (_, index) => ({
      url: `${request.origin}${prefix}/mpu/parts/${upload}/${index + 1}`,
      part_number: index + 1,
      headers: {
        "Content-Type": "application/octet-stream",
        ...(authorization !== undefined && { Authorization: authorization }),
      },
    })),
  });
}

/** The client says the folder in the path, and the local file, whose name counts. */
function uploadPath({ params }: ForeignRequest, asked: Fields): string {
  const name = asked.text("path").split(/[\\/]/).at(-1)!;
  return `${params["*"]!.replace(/\/+$/, "")}/${name}`;
}

async function download(path: string, { headers }: ForeignRequest, call: BoundCall): Promise<ForeignReply> {
  const { content, ...artifact } = await call("getArtifact", { path });
  const range = readRange(headers.range, artifact.sizeBytes);
  if (range === "unsatisfiable") return { status: 416, headers: { "content-range": `bytes */${artifact.sizeBytes}` }, body: "" };
  const { start, end } = range ?? { start: 0, end: artifact.sizeBytes };
  return {
    status: range ? 206 : 200,
    headers: {
      ...fileHeaders(artifact),
      "content-length": String(end - start),
      ...(range && { "content-range": `bytes ${start}-${end - 1}/${artifact.sizeBytes}` }),
    },
    body: end === start ? "" : Readable.from(content(range ?? undefined), { objectMode: false }),
  };
}

function fileHeaders({ path, digest, modifiedAt }: OutputOf<"getArtifact">) {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return {
    "content-type": mimeType(path),
    "content-disposition": `attachment; filename="${name.replaceAll(/[^\x20-\x7e]|["\\]/g, "_")}"; filename*=UTF-8''${encodeURIComponent(name)}`,
    "x-content-type-options": "nosniff",
    "accept-ranges": "bytes",
    etag: `"${digest}"`,
    "last-modified": new Date(modifiedAt).toUTCString(),
  };
}

async function entries(folder: string, call: BoundCall) {
  const found: OutputOf<"listArtifacts">["items"][number][] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await call("listArtifacts", { folder, limit: 1000, ...(cursor && { cursor }) });
    found.push(...page.items);
    cursor = page.next;
  }
  return found.map(({ name, sizeBytes }) => ({
    path: name,
    is_dir: sizeBytes === null,
    ...(sizeBytes !== null && { file_size: sizeBytes }),
  }));
}

const route = (method: ForeignRoute["method"], path: string, answer: ForeignRoute["handle"]): ForeignRoute => ({
  ...{ method, path },
  door: "mlflow artifacts",
  plane: "data",
  fail: failure,
  async handle(request, call) {
    try {
      return await answer(request, call);
    } catch (thrown) {
      if (thrown instanceof MlflowError) return failure(thrown);
      throw tooLongPath(thrown);
    }
  },
});

/** A path beyond what the verb takes is as wrong as any other. */
const tooLongPath = (thrown: unknown): unknown =>
  thrown instanceof MillError && thrown.code === "request.invalid" && /^\/?(path|folder)$/.test(thrown.at ?? "")
    ? new MillError("artifact.path", "Invalid path", { cause: thrown })
    : thrown;
