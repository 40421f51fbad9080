/**
 * MLflow's REST API, 2.0 and 3.0, as its Python client speaks it: the same client, with the address and the token that `mill up` prints, works unchanged.
 * What answers and what does not stands in README.md.
 */
import type { ForeignReply, ForeignRoute } from "../route.ts";
import { ARTIFACTS, artifactRoutes } from "./artifacts.ts";
import { EXPERIMENTS } from "./experiments.ts";
import { readFields } from "./fields.ts";
import { LOGGED_MODELS, loggedModelRoutes } from "./logged-models.ts";
import { LOGGING } from "./logging.ts";
import { METRICS } from "./metrics.ts";
import { failure, MlflowError } from "./mlflow-error.ts";
import type { Operation } from "./operation.ts";
import { REGISTRY, registryRoutes } from "./registry.ts";
import { RUNS } from "./runs.ts";
import { WEBHOOKS } from "./webhooks.ts";
import { json } from "./wire.ts";
import { inTheirWords } from "./words.ts";

/** The release whose surface is spoken: clients turn features on by it. */
const SPOKEN = "3.18.0";

const SERVER_INFO = {
  store_type: "SqlStore",
  workspaces_enabled: false,
  trace_archival_enabled: false,
  multipart_uploads_enabled: true,
  multipart_downloads_enabled: false,
};

const OPERATIONS: readonly Operation[] = [
  ...EXPERIMENTS,
  ...RUNS,
  ...LOGGING,
  ...METRICS,
  ...ARTIFACTS,
  ...LOGGED_MODELS,
  ...REGISTRY,
  ...WEBHOOKS,
];

const PREFIXES = ["/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0"] as const;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

export function mlflowRoutes(): ForeignRoute[] {
  return [
    open("/health", async () => plain(200, "OK")),
    open("/version", async () => plain(200, SPOKEN)),
    open("/api/3.0/mlflow/server-info", async () => json(SERVER_INFO)),
    open("/ajax-api/3.0/mlflow/server-info", async () => json(SERVER_INFO)),
    ...OPERATIONS.flatMap((operation) => {
      const prefixes = operation.ajaxOnly ? ["/ajax-api"] : ["/api", "/ajax-api"];
      return prefixes.map((prefix) => toRoute(operation, `${prefix}/2.0/mlflow/${operation.path}`));
    }),
    ...artifactRoutes(),
    ...loggedModelRoutes(),
    ...registryRoutes(),
    // No JSON: a client takes that for an older server, and asks what it knows of those.
    ...PREFIXES.flatMap((prefix) => METHODS.map((method) => unknown(method, `${prefix}/*`))),
  ];
}

function toRoute({ method, path: name, plane, lists, answer }: Operation, path: string): ForeignRoute {
  return {
    ...{ method, path, plane, fail: failure },
    door: `mlflow ${name}`,
    async handle(request, call) {
      try {
        const asked = readFields(request, method, lists);
        return json(await answer(asked, call).catch((thrown) => Promise.reject(inTheirWords(thrown, asked))));
      } catch (thrown) {
        if (thrown instanceof MlflowError) return failure(thrown);
        throw thrown; // the server logs what it does not know, and asks `fail` for the answer
      }
    },
  };
}

const open = (path: string, handle: ForeignRoute["handle"]): ForeignRoute => ({
  ...{ method: "GET", path, handle, fail: failure },
  door: "mlflow",
  plane: "data",
});

const unknown = (method: ForeignRoute["method"], path: string): ForeignRoute => ({
  ...open(path, async () => plain(404, "Not Found")),
  method,
});

const plain = (status: number, body: string): ForeignReply => ({ status, headers: { "content-type": "text/plain" }, body });
