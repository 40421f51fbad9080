import { mayDo } from "../../guard/index.ts";
import { getAttributes } from "./attributes.ts";
import { createBucket, deleteBucket, headBucket, listBuckets } from "./buckets.ts";
import { completeUpload } from "./complete.ts";
import { copyObject } from "./copy.ts";
import { deleteObject, deleteObjects } from "./delete.ts";
import { getObject } from "./get.ts";
import { importObjects } from "./import.ts";
import { listObjects, listObjectsV2, listVersions } from "./list.ts";
import { abortUpload, createUpload, listParts, listUploads, putPart } from "./multipart.ts";
import { putObject } from "./put.ts";
import type { Reply } from "./reply.ts";
import { headerOf, type Resources, type S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { answerSubresource, subresourceOf } from "./subresources.ts";

export type Operation = (request: S3Request, resources: Resources) => Promise<Reply>;

/** What a request asks for. Reading needs the permission "read", everything else "edit". Errors: AccessDenied, MethodNotAllowed, NotImplemented. */
export function operationOf(request: S3Request): Operation {
  const { method, query, actor } = request;
  const needed = method === "GET" || method === "HEAD" ? "read" : "edit";
  if (!mayDo(actor, needed))
    throw new S3Error("AccessDenied", `The access key may not ${needed}: this needs the permission "${needed}".`);
  const subresource = query.size === 0 ? null : subresourceOf(query);
  const operation =
    subresource !== null && request.bucket !== ""
      ? (asked: S3Request, resources: Resources) => answerSubresource(asked, subresource, resources)
      : request.bucket === ""
        ? onService(method)
        : request.key === ""
          ? onBucket(request)
          : onObject(request);
  if (!operation) throw new S3Error("MethodNotAllowed", undefined, { Method: method });
  return operation;
}

const onService = (method: string): Operation | null => (method === "GET" ? listBuckets : null);

function onBucket(request: S3Request): Operation | null {
  const { method, query } = request;
  if (method === "HEAD") return headBucket;
  if (method === "PUT") return createBucket;
  if (method === "DELETE") return deleteBucket;
  if (method === "GET") {
    if (query.has("uploads")) return listUploads;
    if (query.has("versions")) return listVersions;
    return query.get("list-type") === "2" ? listObjectsV2 : listObjects;
  }
  if (method !== "POST") return null;
  if (query.has("delete")) return deleteObjects;
  if (query.has("import")) return importObjects;
  if (headerOf(request, "content-type")?.startsWith("multipart/form-data"))
    throw new S3Error("NotImplemented", "Uploads by HTML form are not offered: use a presigned PUT.");
  return null;
}

function onObject(request: S3Request): Operation | null {
  const { method, query } = request;
  const ofUpload = query.has("uploadId");
  if (method === "GET") return ofUpload ? listParts : query.has("attributes") ? getAttributes : getObject;
  if (method === "HEAD") return getObject;
  if (method === "DELETE") return ofUpload ? abortUpload : deleteObject;
  if (method === "POST") return query.has("uploads") ? createUpload : ofUpload ? completeUpload : null;
  if (method !== "PUT") return null;
  if (ofUpload !== query.has("partNumber")) throw new S3Error("InvalidArgument", "partNumber and uploadId go together.");
  if (ofUpload) return putPart;
  return headerOf(request, "x-amz-copy-source") === undefined ? putObject : copyObject;
}
