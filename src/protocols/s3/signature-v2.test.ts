import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY } from "./fixtures/sign.ts";
import { S3Error } from "./s3-error.ts";
import { createAuthenticator, type SignedRequest } from "./signature.ts";

const key = { ...KEY, actor: { id: "tester", roles: [], may: new Set(["read", "edit"] as const) } };
const NOW = Date.parse("2026-11-21T11:00:00Z");
const at = (ms: number) =>
  createAuthenticator({ keys: { find: (id) => (id === key.id ? key : null) }, domain: "s3.amazonaws.com", now: () => ms });
const host = { host: "127.0.0.1:4748" };

const refused = (request: SignedRequest, code: string, message = /./, nowMs = NOW) =>
  assert.rejects(at(nowMs).authenticate(request), (error) => {
    assert.ok(error instanceof S3Error, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });

// Made by boto3 1.44, signed at NOW for an hour.
const END = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1795262400";
const GET = {
  method: "GET",
  url: `/b/a%20b/%C3%BC%2B%26.txt?response-content-disposition=attachment%3B%20filename%3D%22%C3%BC%20x%22&versionId=null&${END}&Signature=umDI5gd4xpAusyI9El0pVn9QVYU%3D`,
  headers: host,
};
const PUT = {
  method: "PUT",
  url: `/b/k?${END}&Signature=cbO%2FNT15077SD3OftNa1bTzroBg%3D&content-type=text%2Fplain&x-amz-meta-n=1`,
  headers: host,
};
const PART = {
  method: "PUT",
  url: `/b/k?uploadId=u&partNumber=3&${END}&Signature=UJqACrq%2FnuYXhmOji7D7n9ksjoE%3D`,
  headers: host,
};

test("the example of the AWS documentation is let in, with the bucket in the host", async () => {
  const url =
    "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";
  const request = { method: "GET", url, headers: { host: "johnsmith.s3.amazonaws.com" } };
  assert.equal((await at(1175139620_000).authenticate(request)).actor.id, "tester");
  await refused({ ...request, headers: { host: "janesmith.s3.amazonaws.com" } }, "SignatureDoesNotMatch", /./, 1175139620_000);
});

test("links that boto3 makes are let in, with headers as headers or in the query", async () => {
  for (const request of [GET, PUT, PART]) assert.equal((await at(NOW).authenticate(request)).signing.payload, "UNSIGNED-PAYLOAD");
  const asHeaders = { ...host, "content-type": "text/plain", "x-amz-meta-n": "1" };
  await at(NOW).authenticate({ ...PUT, url: PUT.url.replace(/&content-type.*/, ""), headers: asHeaders });
});

test("whatever is changed on a link is refused", async () => {
  const changed: SignedRequest[] = [
    { ...GET, method: "DELETE" },
    { ...GET, url: GET.url.replace("/b/", "/c/") },
    { ...GET, url: GET.url.replace("versionId=null", "versionId=1") },
    { ...GET, url: `${GET.url}&acl` },
    { ...PART, url: PART.url.replace("partNumber=3", "partNumber=4") },
    { ...PUT, headers: { ...host, "content-type": "text/html" } },
    { ...PUT, headers: { ...host, "x-amz-copy-source": "/b/secret" } },
    { ...PUT, headers: { ...host, "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==" } },
    { ...PUT, url: `${PUT.url}&x-amz-copy-source=b%2Fsecret` },
    { ...PUT, url: PUT.url.replace("Expires=1795262400", "Expires=1795262401") },
    { ...PUT, url: PUT.url.replace("Signature=cb", "Signature=cc") },
    { ...PUT, url: PUT.url.replace("TzroBg%3D", "Tzro") },
  ];
  for (const request of changed) await refused(request, "SignatureDoesNotMatch");
});

test("what the signature would not cover is refused: other parameters, a second name, line breaks", async () => {
  await refused({ ...GET, url: `${GET.url}&prefix=x` }, "AccessDenied", /does not cover the query parameter prefix/);
  await refused({ ...GET, url: `${GET.url}&%75ploads` }, "AccessDenied", /does not cover/);
  await refused({ ...PUT, url: `${PUT.url}&X-Amz-Meta-N=2` }, "AccessDenied", /does not cover/);
  await refused({ ...PUT, url: `${PUT.url}&x-amz-meta-n=2` }, "AccessDenied", /comes twice/);
  await refused({ ...PUT, url: `${PUT.url}&x-amz-meta-a=1%0Ax-amz-meta-b:2` }, "AccessDenied", /line break/);
});

test("links that are late, for longer than seven days, incomplete, of unknown keys, or with a header as well are refused", async () => {
  await at(NOW + 3600_000).authenticate(GET);
  await refused(GET, "AccessDenied", /Request has expired/, NOW + 3600_001);
  await refused(GET, "AccessDenied", /more than 7 days ahead/, NOW - 8 * 86_400_000);
  for (const name of ["Expires", "Signature", "AWSAccessKeyId"])
    await refused({ ...PART, url: PART.url.replace(new RegExp(`&${name}=[^&]*`), "") }, "AccessDenied");
  await refused({ ...GET, url: GET.url.replace("1795262400", "soon") }, "AccessDenied", /seconds since 1970/);
  await refused({ ...GET, url: GET.url.replace("AKIA", "AKIB") }, "InvalidAccessKeyId");
  await refused({ ...GET, headers: { ...host, authorization: "AWS AKIA:sig=" } }, "InvalidArgument");
  const chunks = { ...host, "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" };
  await refused({ ...PUT, headers: chunks }, "SignatureDoesNotMatch");
});
