import { join } from "node:path";
import { type Keyring, MillError } from "../../base/index.ts";
import type { Config } from "../../contract/index.ts";
import { PLAIN } from "./codec.ts";
import { encryptedBy } from "./encrypted.ts";
import { createFileObjects } from "./files.ts";
import type { RotatingObjects } from "./rotation.ts";
import { createS3Objects } from "./s3.ts";
import type { BucketPlace } from "./s3-bucket.ts";

/** Which store: plain JSON without a secret in it, so that it can be handed to other processes. */
export type ObjectsSpec = (
  | { readonly kind: "files"; readonly folder: string }
  | ({
      readonly kind: "s3";
      readonly prefix: string;
      /** Copies for reading, decrypted; several processes may share it. */
      readonly cacheFolder: string;
      readonly cacheBytes: number;
    } & Omit<BucketPlace, "credentials">)
) & {
  /** Chosen when the store is made: an encrypted store holds nothing else. */
  readonly encrypted: boolean;
};

export interface ObjectsSecrets {
  /** Needed where the store is encrypted. */
  readonly keyring?: Keyring | null;
  /** Default: what the environment says, as the AWS tools read it. */
  readonly credentials?: BucketPlace["credentials"];
  /** Of a process that stores few small objects and ends soon (a step): each becomes a file of its own. */
  readonly segments?: "write" | "read";
}

/** The store that `spec` names. Errors: `object.no-keyring`, and those of the driver. */
export function openObjects(
  spec: ObjectsSpec,
  { keyring = null, credentials, segments = "write" }: ObjectsSecrets = {},
): RotatingObjects {
  if (spec.encrypted && !keyring)
    throw new MillError("object.no-keyring", "The store of the objects is encrypted, and no keyring was given.", {
      fix: "Give the keys that it was made with (`keys.json` of the workspace, or the configured keys).",
    });
  const codec = spec.encrypted ? encryptedBy(keyring!) : PLAIN;
  return spec.kind === "files"
    ? createFileObjects(spec.folder, { codec, segments })
    : createS3Objects({ ...spec, codec, credentials });
}

type Settings = Pick<Config, "workspace" | "objects" | "objectsEndpoint" | "objectsRegion" | "objectsCacheMb" | "encrypt">;

/** Where the settings say that the objects of a workspace are. */
export function configuredObjects(settings: Settings): ObjectsSpec {
  const { workspace, objects, objectsEndpoint, objectsRegion, objectsCacheMb, encrypt } = settings;
  if (objects === null) return { kind: "files", folder: join(workspace, "objects"), encrypted: encrypt };
  return {
    kind: "s3",
    ...objects,
    region: objectsRegion,
    ...(objectsEndpoint !== null && { endpoint: objectsEndpoint, pathStyle: true }),
    cacheFolder: join(workspace, "cache"),
    cacheBytes: objectsCacheMb * 2 ** 20,
    encrypted: encrypt,
  };
}
