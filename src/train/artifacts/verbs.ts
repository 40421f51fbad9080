import type { Handlers } from "../../contract/index.ts";
import type { Artifact, Artifacts } from "./artifacts.ts";

export type ArtifactVerb =
  | ("listArtifacts" | "getArtifact" | "putArtifact" | "removeArtifacts")
  | ("beginArtifactUpload" | "putArtifactPart" | "completeArtifactUpload" | "abortArtifactUpload");

export const artifactVerbs = (artifacts: Artifacts): Pick<Handlers, ArtifactVerb> => ({
  async listArtifacts({ folder = "", limit = 100, cursor = "" }) {
    const found = await artifacts.list(folder, { after: cursor, limit: limit + 1 });
    const items = found.slice(0, limit);
    const { name, sizeBytes } = items.at(-1) ?? { name: "", sizeBytes: null };
    return { items, next: found.length > limit ? `${name}${sizeBytes === null ? "/" : ""}` : null };
  },

  async getArtifact({ path }) {
    const artifact = await artifacts.find(path);
    return { ...shown(artifact), content: (range) => artifacts.read(artifact, range) };
  },

  putArtifact: async ({ path }, { bytes = nothing() }) => shown(await artifacts.put(path, bytes)),
  removeArtifacts: async ({ path }) => ({ files: await artifacts.remove(path) }),
  beginArtifactUpload: async ({ path }, { actor }) => ({ upload: await artifacts.beginUpload(path, actor) }),

  putArtifactPart: async ({ upload, number }, { bytes = nothing() }) => ({
    etag: await artifacts.putPart(upload, number, bytes),
  }),

  completeArtifactUpload: async ({ upload, path, parts }) => shown(await artifacts.completeUpload(upload, path, parts)),

  async abortArtifactUpload({ upload, path }) {
    await artifacts.abortUpload(upload, path);
    return { upload };
  },
});

const shown = ({ path, digest, sizeBytes, modifiedAt }: Artifact) => ({
  path,
  digest,
  sizeBytes,
  modifiedAt: new Date(modifiedAt).toISOString(),
});

async function* nothing(): AsyncGenerator<Uint8Array> {}
