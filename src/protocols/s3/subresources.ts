/** What S3 has beside buckets and objects: the few answers that clients cannot do without, and a clear no to the rest. */
import { requireBucket } from "./buckets.ts";
import { entryAt } from "./get.ts";
import { OWNER_XML } from "./list.ts";
import { readXml, textOf } from "./read-xml.ts";
import { empty, type Reply, xmlReply } from "./reply.ts";
import { headerOf, type Resources, type S3Request } from "./request.ts";
import { type S3Code, S3Error } from "./s3-error.ts";
import { element } from "./xml.ts";

/** What a bucket answers to GET of a sub-resource that it never has. */
const ABSENT: Readonly<Record<string, S3Code>> = {
  cors: "NoSuchCORSConfiguration",
  encryption: "ServerSideEncryptionConfigurationNotFoundError",
  lifecycle: "NoSuchLifecycleConfiguration",
  "object-lock": "ObjectLockConfigurationNotFoundError",
  ownershipControls: "OwnershipControlsNotFoundError",
  policy: "NoSuchBucketPolicy",
  policyStatus: "NoSuchBucketPolicy",
  publicAccessBlock: "NoSuchPublicAccessBlockConfiguration",
  replication: "ReplicationConfigurationNotFoundError",
  tagging: "NoSuchTagSet",
  website: "NoSuchWebsiteConfiguration",
};

const NOT_OFFERED = [
  "accelerate",
  "analytics",
  "intelligent-tiering",
  "inventory",
  "legal-hold",
  "logging",
  "metadataConfiguration",
  "metadataTable",
  "metrics",
  "notification",
  "renameObject",
  "requestPayment",
  "restore",
  "retention",
  "select",
  "session",
  "torrent",
];

const KNOWN = new Set([...Object.keys(ABSENT), ...NOT_OFFERED, "acl", "location", "versioning"]);
const ACL_BYTES_MAX = 64 * 1024;

const OWNER_GRANT =
  '<AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">' +
  "<ID>millwright</ID><DisplayName>millwright</DisplayName></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>";

/** The sub-resource that a query names, of those that no operation of its own answers; null: none. */
export function subresourceOf(query: ReadonlyMap<string, string>): string | null {
  for (const name of query.keys()) if (KNOWN.has(name)) return name;
  return null;
}

/** Errors: NotImplemented with the sub-resource's name, and the ones that say that a bucket has none. */
export async function answerSubresource(request: S3Request, name: string, resources: Resources): Promise<Reply> {
  const bucket = await resources.buckets.find(request.bucket);
  if (request.key === "") await requireBucket(bucket);
  else await entryAt(bucket, request.key, request.query);
  const read = request.method === "GET" || request.method === "HEAD";
  if (name === "acl") return read ? xmlReply("AccessControlPolicy", OWNER_XML + OWNER_GRANT) : putAcl(request);
  if (request.key !== "") {
    if (name === "tagging" && read) return xmlReply("Tagging", "<TagSet></TagSet>");
    throw notOffered(request, name);
  }
  if (name === "location" && read)
    return xmlReply("LocationConstraint", resources.region === "us-east-1" ? "" : resources.region);
  if (name === "versioning") return read ? xmlReply("VersioningConfiguration", "") : putVersioning(request);
  if (name === "requestPayment" && read) return xmlReply("RequestPaymentConfiguration", element("Payer", "BucketOwner"));
  if (name === "logging" && read) return xmlReply("BucketLoggingStatus", "");
  if (name === "notification" && read) return xmlReply("NotificationConfiguration", "");
  if (name === "accelerate" && read) return xmlReply("AccelerateConfiguration", "");
  const absent = ABSENT[name];
  if (absent && read) throw new S3Error(absent, undefined, { BucketName: request.bucket });
  if (absent && request.method === "DELETE") return empty(204);
  throw notOffered(request, name);
}

/** Owner's full control is what there is; nothing else can be asked for. */
async function putAcl(request: S3Request): Promise<Reply> {
  const { bytes } = await request.body.whole(ACL_BYTES_MAX);
  const canned = headerOf(request, "x-amz-acl");
  if (canned === "private" || canned === "bucket-owner-full-control") return empty(200);
  if (canned === undefined && bytes.byteLength > 0) {
    const grants = readXml(bytes, "AccessControlPolicy").children.get("AccessControlList")?.[0]?.children.get("Grant") ?? [];
    const ownersOnly = grants.every(
      (grant) =>
        textOf(grant, "Permission") === "FULL_CONTROL" &&
        grant.children.get("Grantee")?.every((grantee) => textOf(grantee, "ID") === "millwright"),
    );
    if (ownersOnly) return empty(200);
  }
  throw new S3Error("AccessControlListNotSupported");
}

/** Suspended is how it is: an object put again has no earlier version but those in commits. */
async function putVersioning(request: S3Request): Promise<Reply> {
  const { bytes } = await request.body.whole(ACL_BYTES_MAX);
  if (textOf(readXml(bytes, "VersioningConfiguration"), "Status") === "Suspended") return empty(200);
  throw new S3Error(
    "NotImplemented",
    "Versions of single objects are not offered: commits keep what a branch held (versioning).",
  );
}

const notOffered = ({ method, key }: S3Request, name: string) =>
  new S3Error("NotImplemented", `${method} of ${key === "" ? "a bucket" : "an object"} with ?${name} is not offered here.`);
