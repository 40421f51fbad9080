import { OWNER_XML } from "./list.ts";
import { listKeys } from "./list-keys.ts";
import { type Bucket, hasCode, noSuchBucket } from "./place.ts";
import { readXml } from "./read-xml.ts";
import { empty, type Reply, xmlReply } from "./reply.ts";
import { numberOf, type Resources, type S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { element } from "./xml.ts";

const BUCKETS_MAX = 10_000;
const XML_BYTES_MAX = 64 * 1024;
const BUCKET_BRANCH = "main";

/** GET of the service: every repository is a bucket. */
export async function listBuckets({ query }: S3Request, { repositories, region }: Resources): Promise<Reply> {
  const limit = Math.min(numberOf(query, "max-buckets", BUCKETS_MAX, 1), BUCKETS_MAX);
  const prefix = query.get("prefix") ?? "";
  const token = query.get("continuation-token");
  const found: Awaited<ReturnType<typeof repositories.list>>[number][] = [];
  let after = token === undefined ? undefined : Buffer.from(token, "base64url").toString();
  for (let more = true; more && found.length <= limit; ) {
    const page = await repositories.list({ limit: limit + 1, ...(after !== undefined && { after }) });
    found.push(...page.filter(({ name }) => name.startsWith(prefix)));
    after = page.at(-1)?.name;
    more = page.length > limit;
  }
  const shown = found.slice(0, limit);
  const next = found.length > limit ? Buffer.from(shown.at(-1)!.name).toString("base64url") : null;
  const buckets = shown.map(
    ({ name, createdAt }) =>
      `<Bucket>${element("Name", name)}${element("CreationDate", new Date(createdAt).toISOString())}${element("BucketRegion", region)}</Bucket>`,
  );
  return xmlReply(
    "ListAllMyBucketsResult",
    `${OWNER_XML}<Buckets>${buckets.join("")}</Buckets>${element("ContinuationToken", next)}${element("Prefix", query.get("prefix"))}`,
  );
}

export async function headBucket(request: S3Request, resources: Resources): Promise<Reply> {
  await requireBucket(await resources.buckets.find(request.bucket));
  return empty(200, { "x-amz-bucket-region": resources.region, "content-type": "application/xml" });
}

/** Errors: NoSuchBucket, also where a bucket of one ref has no such ref. */
export async function requireBucket({ name, repository, ref }: Bucket): Promise<void> {
  try {
    if (ref === null) await repository.info();
    else await repository.resolve(ref);
  } catch (thrown) {
    throw hasCode(thrown, "lake.unknown-repository", "lake.unknown-ref", "lake.bad-name") ? noSuchBucket(name) : thrown;
  }
}

/** PUT of a bucket: a repository whose branch main it shows. */
export async function createBucket(request: S3Request, resources: Resources): Promise<Reply> {
  const { bucket: name, actor } = request;
  const { bytes } = await request.body.whole(XML_BYTES_MAX);
  if (bytes.byteLength > 0) readXml(bytes, "CreateBucketConfiguration");
  if (name.includes(".")) {
    await requireBucket(await resources.buckets.find(name)).catch(() => {
      throw new S3Error("InvalidBucketName", "A dot parts a repository from its branch: the name of a new bucket has none.", {
        BucketName: name,
      });
    });
    throw new S3Error("BucketAlreadyOwnedByYou", undefined, { BucketName: name });
  }
  if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name))
    throw new S3Error("InvalidBucketName", "A bucket's name has 3 to 63 lower-case letters, digits and hyphens.", {
      BucketName: name,
    });
  await resources.repositories.create({ name, actor: actor.id, bucketBranch: BUCKET_BRANCH });
  resources.buckets.forget(name);
  return empty(200, { location: `/${name}` });
}

/**
 * DELETE of a bucket. It must be empty, and hold nothing but its one branch: with commits, branches and tags history would be lost, which clients
 * of S3 do not know of. Errors: BucketNotEmpty, MethodNotAllowed.
 */
export async function deleteBucket(request: S3Request, resources: Resources): Promise<Reply> {
  const bucket = await resources.buckets.find(request.bucket);
  await requireBucket(bucket);
  if (bucket.name.includes("."))
    throw new S3Error("MethodNotAllowed", "This bucket is a branch: delete the branch, not the bucket.");
  const { repository } = bucket;
  const { defaultBranch } = await repository.info();
  const first = await listKeys(
    { ...bucket, ref: defaultBranch },
    { prefix: "", delimiter: undefined, after: undefined, limit: 1 },
  );
  if (first.keys.length > 0) throw new S3Error("BucketNotEmpty", undefined, { BucketName: bucket.name });
  const [commits, branches, tags] = await Promise.all([
    repository.log(defaultBranch, { limit: 2 }),
    repository.branches({ limit: 2 }),
    repository.tags({ limit: 1 }),
  ]);
  if (commits.length > 1 || branches.length > 1 || tags.length > 0)
    throw new S3Error(
      "BucketNotEmpty",
      "The repository has commits, branches or tags that would be lost: delete it with `mill lake`, not as a bucket.",
      { BucketName: bucket.name },
    );
  await resources.repositories.remove(repository.name);
  resources.buckets.forget(repository.name);
  return empty(204);
}
