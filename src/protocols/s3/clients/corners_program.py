"""What S3 does in corners that clients lean on, asked of any server; prints one line of JSON: {"name of the corner": what it did}."""
import json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from kit import BUCKET, MIB, PREFIX, URL, content, md5

s3 = boto3.client("s3", endpoint_url=URL, config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))
found = {}
B = {"Bucket": BUCKET}


def corner(body):
    found[body.__name__] = safely(body)
    return body


def safely(call):
    """The return value, or what the refusal says in its place."""
    try:
        return call()
    except ClientError as error:
        return told(error)


def told(error):
    return [error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]]


def attempt(call, **arguments):
    return safely(lambda: call(**B, **arguments)["ResponseMetadata"]["HTTPStatusCode"])


def put(key, body=b"x", **more):
    return s3.put_object(**B, Key=PREFIX + key, Body=body, **more)


def keys_of(listing):
    cut = len(PREFIX)
    return [[k["Key"][cut:] for k in listing.get("Contents", [])], [p["Prefix"][cut:] for p in listing.get("CommonPrefixes", [])]]


def lists(call=s3.list_objects_v2, prefix="", **more):
    return keys_of(call(**B, Prefix=PREFIX + prefix, **more))


for name in ("l/asdf", "l/boo/bar", "l/boo/baz/xyzzy", "l/cquux/thud", "l/cquux/bla", "l/b%r", "l/b r", "l/b/", "l/ü"):
    put(name)


@corner
def delimiter_groups():
    return lists(prefix="l/", Delimiter="/")


@corner
def delimiter_of_several_characters():
    return lists(prefix="l/", Delimiter="oo/b")


@corner
def delimiter_percent_and_blank():
    return [lists(prefix="l/", Delimiter="%"), lists(prefix="l/", Delimiter=" "), lists(prefix="l/", Delimiter="ü")]


@corner
def delimiter_empty():
    answer = s3.list_objects_v2(**B, Prefix=PREFIX + "l/", Delimiter="")
    return ["Delimiter" in answer, len(answer["Contents"])]


@corner
def delimiter_pages_by_marker():
    pages, marker = [], PREFIX
    for _ in range(20):
        answer = s3.list_objects(**B, Prefix=PREFIX + "l/", Delimiter="/", MaxKeys=1, Marker=marker)
        pages.append(keys_of(answer))
        if not answer["IsTruncated"]:
            break
        marker = answer["NextMarker"]
    return pages


@corner
def marker_within_a_common_prefix():
    return lists(s3.list_objects, prefix="l/", Delimiter="/", Marker=PREFIX + "l/boo/")


@corner
def start_after_within_a_common_prefix():
    return lists(prefix="l/", Delimiter="/", StartAfter=PREFIX + "l/boo/bar")


@corner
def prefix_ends_with_delimiter():
    return lists(prefix="l/b/", Delimiter="/")


@corner
def max_keys_none_and_more_than_allowed():
    none = s3.list_objects_v2(**B, Prefix=PREFIX + "l/", MaxKeys=0)
    many = s3.list_objects_v2(**B, Prefix=PREFIX + "l/", MaxKeys=5000)
    return [none["KeyCount"], none["IsTruncated"], none["MaxKeys"], many["KeyCount"], many["MaxKeys"]]


@corner
def max_keys_negative():
    return attempt(s3.list_objects_v2, MaxKeys=-1)


@corner
def next_marker_only_with_a_delimiter():
    return "NextMarker" in s3.list_objects(**B, Prefix=PREFIX + "l/", MaxKeys=1)


@corner
def token_that_is_none():
    return attempt(s3.list_objects_v2, ContinuationToken="this is no token")


@corner
def fetch_owner():
    return ["Owner" in s3.list_objects_v2(**B, MaxKeys=1, Prefix=PREFIX + "l/", **more)["Contents"][0] for more in ({}, {"FetchOwner": True})]


data = content(1000)
put("r", data)


@corner
def ranges():
    def get(text):
        answer = s3.get_object(**B, Key=PREFIX + "r", Range=text)
        body = answer["Body"].read()
        return [answer["ResponseMetadata"]["HTTPStatusCode"], answer.get("ContentRange"), len(body), body in data]

    return {text: safely(lambda: get(text)) for text in ("bytes=0-0", "bytes=4-7", "bytes=990-2000", "bytes=-7", "bytes=-2000", "bytes=999-", "bytes=1000-", "bytes=7-4", "bytes=0-1,4-5", "bytes=abc", "bytes=-0", "lines=1-2")}


@corner
def range_of_nothing():
    put("empty", b"")
    return [attempt(s3.get_object, Key=PREFIX + "empty", Range=text) for text in ("bytes=0-0", "bytes=-1", "bytes=0-")]


@corner
def conditions_of_reads():
    etag = f'"{md5(data)}"'
    cases = {
        "match": {"IfMatch": etag},
        "match without quotes": {"IfMatch": etag.strip('"')},
        "match another": {"IfMatch": '"abc"'},
        "match any": {"IfMatch": "*"},
        "none match": {"IfNoneMatch": etag},
        "none match another": {"IfNoneMatch": '"abc"'},
        "modified since long ago": {"IfModifiedSince": "Sat, 29 Oct 1994 19:43:31 GMT"},
        "modified since the future": {"IfModifiedSince": "Fri, 29 Oct 2100 19:43:31 GMT"},
        "unmodified since long ago": {"IfUnmodifiedSince": "Sat, 29 Oct 1994 19:43:31 GMT"},
        "match, but modified": {"IfMatch": etag, "IfUnmodifiedSince": "Sat, 29 Oct 1994 19:43:31 GMT"},
        "none match another, but not modified": {"IfNoneMatch": '"abc"', "IfModifiedSince": "Fri, 29 Oct 2020 19:43:31 GMT"},
    }
    return {name: [attempt(call, Key=PREFIX + "r", **case) for call in (s3.get_object, s3.head_object)] for name, case in cases.items()}


@corner
def conditions_of_writes():
    first = put("c", b"1")["ETag"]
    return {
        "none match any, there": attempt(s3.put_object, Key=PREFIX + "c", Body=b"2", IfNoneMatch="*"),
        "none match any, not there": attempt(s3.put_object, Key=PREFIX + "c-new", Body=b"2", IfNoneMatch="*"),
        "match": attempt(s3.put_object, Key=PREFIX + "c", Body=b"3", IfMatch=first),
        "match another": attempt(s3.put_object, Key=PREFIX + "c", Body=b"4", IfMatch=first),
        "match, not there": attempt(s3.put_object, Key=PREFIX + "c-none", Body=b"5", IfMatch=first),
        "content": s3.get_object(**B, Key=PREFIX + "c")["Body"].read().decode(),
    }


@corner
def etags():
    return [put("e", b"abc")["ETag"], s3.head_object(**B, Key=PREFIX + "e")["ETag"], put("e", b"")["ETag"]]


@corner
def copies():
    put("cp", b"abc", Metadata={"a": "1"}, ContentType="text/odd", CacheControl="no-store")
    source = {"Bucket": BUCKET, "Key": PREFIX + "cp"}
    view = lambda key: [(h := s3.head_object(**B, Key=PREFIX + key))["Metadata"], h["ContentType"], h.get("CacheControl")]
    s3.copy_object(**B, Key=PREFIX + "cp1", CopySource=source, Metadata={"ignored": "1"}, ContentType="text/ignored")
    s3.copy_object(**B, Key=PREFIX + "cp2", CopySource=source, Metadata={"b": "2"}, MetadataDirective="REPLACE")
    return {
        "kept": view("cp1"),
        "replaced": view("cp2"),
        "to itself": attempt(s3.copy_object, Key=PREFIX + "cp", CopySource=source),
        "to itself, replaced": attempt(s3.copy_object, Key=PREFIX + "cp", CopySource=source, MetadataDirective="REPLACE"),
        "from nothing": attempt(s3.copy_object, Key=PREFIX + "cp3", CopySource={"Bucket": BUCKET, "Key": PREFIX + "none"}),
        "from no bucket": attempt(s3.copy_object, Key=PREFIX + "cp3", CopySource={"Bucket": "no-such-bucket-here", "Key": "x"}),
        "if match another": attempt(s3.copy_object, Key=PREFIX + "cp3", CopySource=source, CopySourceIfMatch='"abc"'),
        "if none match": attempt(s3.copy_object, Key=PREFIX + "cp3", CopySource=source, CopySourceIfNoneMatch=f'"{md5(b"abc")}"'),
        "directive unknown": attempt(s3.copy_object, Key=PREFIX + "cp3", CopySource=source, MetadataDirective="OTHER"),
    }


@corner
def uploads_in_parts():
    key = PREFIX + "mp"
    begin = lambda **more: s3.create_multipart_upload(**B, Key=key, **more)["UploadId"]
    part = lambda upload, number, size: {"PartNumber": number, "ETag": s3.upload_part(**B, Key=key, UploadId=upload, PartNumber=number, Body=content(size, number))["ETag"]}
    complete = lambda upload, parts: attempt(s3.complete_multipart_upload, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    results = {}
    for name, choose in {
        "order": lambda one, two: [two, one],
        "unknown part": lambda one, two: [one, {"PartNumber": 7, "ETag": one["ETag"]}],
        "wrong etag": lambda one, two: [{**one, "ETag": '"0123456789abcdef0123456789abcdef"'}, two],
        "no parts": lambda one, two: [],
    }.items():
        upload = begin()  # one each: not every server keeps an upload whose completion it refused
        results[name] = complete(upload, choose(part(upload, 1, 5 * MIB), part(upload, 3, 1000)))
        attempt(s3.abort_multipart_upload, Key=key, UploadId=upload)
    upload = begin(Metadata={"m": "1"}, ContentType="text/odd")
    one, two = part(upload, 1, 5 * MIB), part(upload, 3, 1000)
    results["listed"] = safely(lambda: [[p["PartNumber"], p["Size"]] for p in s3.list_parts(**B, Key=key, UploadId=upload)["Parts"]])
    results["uploads"] = [u["Key"][len(PREFIX) :] for u in s3.list_multipart_uploads(**B, Prefix=key).get("Uploads", [])]
    results["complete"] = complete(upload, [one, two])
    results["complete again"] = complete(upload, [one, two])
    results["part afterwards"] = attempt(s3.upload_part, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    results["head"] = safely(lambda: [(h := s3.head_object(**B, Key=key))["ETag"], h["ContentLength"], h["Metadata"], h["ContentType"]])
    results["second part"] = attempt(s3.get_object, Key=key, PartNumber=2)
    results["third part"] = attempt(s3.get_object, Key=key, PartNumber=3)
    upload = begin()
    results["too small"] = complete(upload, [part(upload, 1, 1000), part(upload, 2, 1000)])
    results["number 0"] = attempt(s3.upload_part, Key=key, UploadId=upload, PartNumber=0, Body=b"x")
    results["number 10001"] = attempt(s3.upload_part, Key=key, UploadId=upload, PartNumber=10001, Body=b"x")
    first = part(upload, 1, 1000)
    again = part(upload, 1, 2000)
    results["part put twice, first etag"] = complete(upload, [first]) if first != again else None
    results["abort"] = attempt(s3.abort_multipart_upload, Key=key, UploadId=upload)
    results["abort again"] = attempt(s3.abort_multipart_upload, Key=key, UploadId=upload)
    upload = begin()
    source = {"Bucket": BUCKET, "Key": key}
    results["copy of a part beyond the end"] = attempt(s3.upload_part_copy, Key=key, UploadId=upload, PartNumber=1, CopySource=source, CopySourceRange="bytes=0-99999999")
    results["copy of a part, no range"] = attempt(s3.upload_part_copy, Key=key, UploadId=upload, PartNumber=1, CopySource=source, CopySourceRange="0-2")
    results["copy of a part"] = attempt(s3.upload_part_copy, Key=key, UploadId=upload, PartNumber=1, CopySource=source, CopySourceRange="bytes=5-1004")
    s3.abort_multipart_upload(**B, Key=key, UploadId=upload)
    results["part of no upload"] = attempt(s3.upload_part, Key=key, UploadId="none", PartNumber=1, Body=b"x")
    return results


@corner
def deletes():
    put("d1"), put("d2")
    delete = lambda keys, **more: s3.delete_objects(**B, Delete={"Objects": [{"Key": PREFIX + k} for k in keys], **more})
    answer = delete(["d1", "none"])
    return {
        "one that is not there": attempt(s3.delete_object, Key=PREFIX + "nothing"),
        "many": [sorted(d["Key"][len(PREFIX) :] for d in answer.get("Deleted", [])), answer.get("Errors")],
        "quiet": "Deleted" in delete(["d2"], Quiet=True),
        "none": attempt(s3.delete_objects, Delete={"Objects": []}),
        "more than 1000": attempt(s3.delete_objects, Delete={"Objects": [{"Key": f"k{n}"} for n in range(1001)]}),
    }


@corner
def bodies_that_were_damaged():
    return {
        "wrong md5": attempt(s3.put_object, Key=PREFIX + "bad", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg=="),
        "no md5": attempt(s3.put_object, Key=PREFIX + "bad", Body=b"x", ContentMD5="abc"),
        "wrong crc32": attempt(s3.put_object, Key=PREFIX + "bad", Body=b"x", ChecksumCRC32="AAAAAA=="),
        "wrong sha256": attempt(s3.put_object, Key=PREFIX + "bad", Body=b"x", ChecksumSHA256="47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        "kept": attempt(s3.head_object, Key=PREFIX + "bad"),
    }


@corner
def metadata():
    put("m", Metadata={"Upper": "Value", "empty": ""}, ContentLanguage="de", ContentDisposition='attachment; filename="x"', Expires="Fri, 29 Oct 2100 19:43:31 GMT")
    head = s3.head_object(**B, Key=PREFIX + "m")
    return [head["Metadata"], head.get("ContentLanguage"), head.get("ContentDisposition"), head.get("ExpiresString"), head["ContentType"]]


@corner
def metadata_too_large():
    return attempt(s3.put_object, Key=PREFIX + "m2", Body=b"", Metadata={"m": "x" * 2100})


@corner
def keys_too_long():
    return [attempt(s3.put_object, Key=PREFIX + "k" * (1024 - len(PREFIX)), Body=b"")]


@corner
def what_is_not_there():
    return {
        "get": attempt(s3.get_object, Key=PREFIX + "nothing"),
        "head": attempt(s3.head_object, Key=PREFIX + "nothing"),
        "bucket": attempt(lambda Bucket, **more: s3.list_objects_v2(Bucket="no-such-bucket-here")),
        "put into no bucket": attempt(lambda Bucket, **more: s3.put_object(Bucket="no-such-bucket-here", Key="x", Body=b"")),
        "policy": attempt(s3.get_bucket_policy),
        "cors": attempt(s3.get_bucket_cors),
        "lifecycle": attempt(s3.get_bucket_lifecycle_configuration),
        "website": attempt(s3.get_bucket_website),
        "tags of a bucket": attempt(s3.get_bucket_tagging),
        "tags of an object": attempt(s3.get_object_tagging, Key=PREFIX + "r"),
        "versioning": attempt(s3.get_bucket_versioning),
        "acl": attempt(s3.get_bucket_acl),
        "version": attempt(s3.get_object, Key=PREFIX + "r", VersionId="none"),
        "version null": attempt(s3.get_object, Key=PREFIX + "r", VersionId="null"),
    }


print(json.dumps(found, ensure_ascii=False))
