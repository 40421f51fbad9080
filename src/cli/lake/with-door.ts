import { readFile } from "node:fs/promises";
import { MillError } from "../../base/index.ts";
import { type BoundCall, readLock } from "../../guard/index.ts";
import type { CommandContext } from "../command.ts";
import { boundTo, storedToken } from "../connect.ts";
import { placeOf, remoteCall } from "../remote-call.ts";
import { createDoorClient, type DoorClient } from "./door-client.ts";

/** Both ways into the lake: verbs for what is said of objects, the S3 door for their bytes. */
export interface LakeAccess {
  readonly call: BoundCall;
  readonly door: DoorClient;
}

/** Where no server runs the workspace and a door on a free port are opened in this process. Errors: `cli.server-away`, and those of opening a workspace. */
export async function withDoor<T>(
  { config: read, factory, signal }: CommandContext,
  connections: number,
  use: (lake: LakeAccess) => Promise<T>,
): Promise<T> {
  const config = await read();
  const owner = await readLock(config.workspace);
  if (owner?.url) {
    if (!owner.s3) throw noDoor(owner.url);
    const token = config.token ?? (await storedToken(config.workspace));
    const certificate = config.s3Certificate ?? owner.certificate ?? null;
    const ca = certificate === null ? null : await readFile(certificate);
    const door = createDoorClient({ url: owner.s3, token, ca, connections, signal });
    return use({ call: remoteCall(placeOf(owner)!, token), door }).finally(() => door.close());
  }
  const app = await factory.open({
    ...config,
    host: "127.0.0.1",
    s3Port: 0,
    s3Domain: null,
    s3Certificate: null,
    tlsCert: null,
    tlsKey: null,
  });
  try {
    const { url } = await app.openS3({ access: () => undefined, error: () => undefined });
    const door = createDoorClient({ url, token: app.tokens.current(), ca: null, connections, signal });
    return await use({ call: boundTo(app), door }).finally(() => door.close());
  } finally {
    await app.close();
  }
}

const noDoor = (url: string) =>
  new MillError("cli.server-away", "The server of this workspace has no open S3 door yet.", {
    at: url,
    fix: "Wait until it says that it serves, and try again.",
  });
