import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AnswerOf, Config, VerbName } from "../contract/index.ts";
import { type BoundCall, type CallOptions, OWNER, readLock } from "../guard/index.ts";
import type { App, AppFactory } from "./app.ts";
import { placeOf, remoteCall } from "./remote-call.ts";

/** Through the workspace's server when one runs, else by opening the workspace here. */
export async function withVerbs<T>(config: Config, factory: AppFactory, use: (call: BoundCall) => Promise<T>): Promise<T> {
  const server = await findServer(config);
  if (server !== null) return use(server);
  const app = await factory.open(config);
  try {
    return await use(boundTo(app));
  } finally {
    await app.close();
  }
}

/** The verbs of the server that the workspace's lock tells of; null: none listens. */
export async function findServer({ workspace, token }: Pick<Config, "workspace" | "token">): Promise<BoundCall | null> {
  const owner = await readLock(workspace);
  const place = owner && placeOf(owner);
  return place && remoteCall(place, token ?? (await storedToken(workspace)));
}

/** The verbs of a workspace that is open in this process, for its owner. */
export const boundTo =
  ({ call }: Pick<App, "call">): BoundCall =>
  <V extends VerbName>(verb: V, input: unknown, options?: CallOptions): AnswerOf<V> =>
    call(OWNER, verb, input, options);

/** null when this user may not read it: reading verbs work without. */
export const storedToken = async (workspace: string): Promise<string | null> =>
  readFile(join(workspace, "token"), "utf8").then(
    (text) => text.trim(),
    () => null,
  );
