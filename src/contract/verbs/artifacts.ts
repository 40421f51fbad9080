/** Files of runs and logged models: any path below the root of artifacts. */
import { integer, list, object, optional, orNull, text } from "../json-schema.ts";
import { digest, id, instant, limit, pageOf } from "./nouns.ts";
import { browses, feeds, givesBytes, takesBytes } from "./verb.ts";

const path = text({
  maxLength: 3000,
  examples: ["1/4f2c/artifacts/model/MLmodel"],
  description: "Path below the root of artifacts",
});
const cursor = text({ maxLength: 1100, description: "`next` of the page before" });
const artifact = object({ path: text(), digest, sizeBytes: integer(), modifiedAt: instant });

export const listArtifacts = browses({
  about: "List what lies directly in a folder of artifacts, by name.",
  example: "curl 'localhost:4747/v1/artifacts?folder=1'",
  input: object({ folder: optional(path), limit: optional(limit), cursor: optional(cursor) }),
  output: pageOf(object({ name: text(), sizeBytes: orNull(integer({ description: "null: a folder" })) })),
  http: { method: "GET", path: "/v1/artifacts" },
});

export const getArtifact = givesBytes(
  browses({
    about: "Read an artifact.",
    example: "curl 'localhost:4747/v1/artifacts/content?path=1/4f2c/artifacts/notes.txt'",
    input: object({ path }),
    output: artifact,
    http: { method: "GET", path: "/v1/artifacts/content" },
  }),
);

export const putArtifact = takesBytes(
  feeds({
    about: "Write an artifact of any length, in place of one that is there.",
    example:
      "curl --data-binary @notes.txt -H 'Content-Type: text/plain' 'localhost:4747/v1/artifacts/content?path=1/4f2c/artifacts/notes.txt'",
    input: object({ path }),
    output: artifact,
    http: { method: "POST", path: "/v1/artifacts/content" },
  }),
);

export const removeArtifacts = feeds({
  about: "Take an artifact away, or everything below a folder; the next collection frees the space.",
  example: `curl -d '{"path": "1/4f2c/artifacts/notes.txt"}' -H 'Content-Type: application/json' localhost:4747/v1/artifacts/remove`,
  input: object({ path }),
  output: object({ files: integer({ description: "How many there were" }) }),
  http: { method: "POST", path: "/v1/artifacts/remove" },
});

export const beginArtifactUpload = feeds({
  about: "Begin to upload an artifact in parts.",
  example: `curl -d '{"path": "1/4f2c/artifacts/big"}' -H 'Content-Type: application/json' localhost:4747/v1/artifacts/uploads`,
  input: object({ path }),
  output: object({ upload: id }),
  http: { method: "POST", path: "/v1/artifacts/uploads" },
});

const number = integer({ minimum: 1, maximum: 10_000, description: "Its place among the parts" });

export const putArtifactPart = takesBytes(
  feeds({
    about: "Upload a part of an artifact, in place of one with the same number.",
    example:
      "curl --data-binary @part -H 'Content-Type: application/octet-stream' localhost:4747/v1/artifacts/uploads/0198/parts/1",
    input: object({ upload: id, number }),
    output: object({ etag: text() }),
    http: { method: "POST", path: "/v1/artifacts/uploads/:upload/parts/:number" },
  }),
);

export const completeArtifactUpload = feeds({
  about: "Make an artifact of the parts that were uploaded.",
  example: "curl -d @parts.json -H 'Content-Type: application/json' localhost:4747/v1/artifacts/uploads/0198/complete",
  input: object({
    upload: id,
    path,
    parts: list(object({ number, etag: text({ maxLength: 200 }) }), { minItems: 1, maxItems: 10_000 }),
  }),
  output: artifact,
  http: { method: "POST", path: "/v1/artifacts/uploads/:upload/complete" },
});

export const abortArtifactUpload = feeds({
  about: "Give up an upload in parts.",
  example: `curl -d '{"path": "1/4f2c/artifacts/big"}' -H 'Content-Type: application/json' localhost:4747/v1/artifacts/uploads/0198/abort`,
  input: object({ upload: id, path }),
  output: object({ upload: id }),
  http: { method: "POST", path: "/v1/artifacts/uploads/:upload/abort" },
});
