/**
 * MLflow's REST API, 2.0 and 3.0, as its Python client speaks it: the same client, with the address and the token that `mill up` prints, works unchanged.
 * What answers and what does not stands in README.md.
 */
import type { ForeignReply, ForeignRoute } from "../route.ts";
import { failure, MlflowError } from "./mlflow-error.ts";

/** The release whose surface is spoken: clients turn features on by it. */
const SPOKEN = "3.17.2";

const SERVER_INFO = {
  store_type: "SqlStore",
  workspaces_enabled: false,
  trace_archival_enabled: false,
  multipart_uploads_enabled: false,
  multipart_downloads_enabled: false,
};

const PREFIXES = ["/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0"] as const;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

export function mlflowRoutes(): ForeignRoute[] {
  const route = (method: ForeignRoute["method"], path: string, handle: ForeignRoute["handle"]): ForeignRoute => ({
    ...{ method, path, handle },
    door: "mlflow",
    plane: "data",
    fail: failure,
  });
  const text = (path: string, words: string) => route("GET", path, async () => plain(200, words));
  return [
    text("/health", "OK"),
    text("/version", SPOKEN),
    ...["/api", "/ajax-api"].map((prefix) =>
      route("GET", `${prefix}/3.0/mlflow/server-info`, async () => ({
        status: 200,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(SERVER_INFO),
      })),
    ),
    // No JSON: a client takes that for an older server, and asks what it knows of those.
    ...PREFIXES.flatMap((prefix) => METHODS.map((method) => route(method, `${prefix}/*`, async () => plain(404, "Not Found")))),
  ];
}

const plain = (status: number, body: string): ForeignReply => ({ status, headers: { "content-type": "text/plain" }, body });
