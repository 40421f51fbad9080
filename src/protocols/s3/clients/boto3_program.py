"""boto3 as its users call it."""
import contextlib
import datetime
import io
import os
import ssl
import time
import types
import urllib.request

import boto3
import botocore.auth
import botocore.compat
import botocore.crt.auth
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from kit import AWKWARD, BUCKET, KEY, MANY, MIB, PREFIX, STRANGE, TAG_BUCKET, TAG_PREFIX, URL, content, md5, refusal


def client(signature=None, **options):
    config = Config(s3={"addressing_style": "path"}, signature_version=signature, retries={"total_max_attempts": 1})
    return boto3.client("s3", endpoint_url=URL, config=config, **options)


s3 = client()
parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
code = lambda error: (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
get = lambda key, **more: s3.get_object(Bucket=BUCKET, Key=key, **more)["Body"].read()


@contextlib.contextmanager
def clock_behind(**by):
    """botocore reads the clock in three places: by itself, through awscrt, and for Version 2."""
    behind = datetime.timedelta(**by)
    now, seconds = botocore.compat.get_current_datetime, botocore.auth.time.time
    modules = [botocore.auth, botocore.crt.auth]
    for module in modules:
        module.get_current_datetime = lambda *zone, **more: now(*zone, **more) - behind
    botocore.auth.time = types.SimpleNamespace(**{**vars(time), "time": lambda: seconds() - behind.total_seconds()})
    try:
        yield
    finally:
        for module in modules:
            module.get_current_datetime = now
        botocore.auth.time = time


def names_are_kept():
    keys = sorted((PREFIX + "names/" + name for name in STRANGE + AWKWARD), key=str.encode)
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    assert [get(key).decode() for key in keys] == keys
    for operation in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(operation).paginate(Bucket=BUCKET, Prefix=PREFIX + "names/", PaginationConfig={"PageSize": 3})
        assert [found["Key"] for page in pages for found in page.get("Contents", [])] == keys, operation
    for key in keys:
        s3.copy_object(Bucket=BUCKET, Key=key + ".copy", CopySource={"Bucket": BUCKET, "Key": key})
    assert [get(key + ".copy").decode() for key in keys] == keys
    # XML cannot hold a control character, and what is written in its place (&#x1;) boto3 does not read: such a key is deleted by itself.
    told = [key for key in keys if "\x01" not in key]
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in told]})
    assert sorted((d["Key"] for d in answer["Deleted"]), key=str.encode) == told and "Errors" not in answer
    for key in set(keys) - set(told):
        s3.delete_object(Bucket=BUCKET, Key=key)
    for key in keys:
        s3.delete_object(Bucket=BUCKET, Key=key + ".copy")
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX + "names/")["KeyCount"] == 0


def long_listings_come_in_pages():
    keys = [PREFIX + name for name in MANY]
    for operation in ("list_objects", "list_objects_v2"):
        pages = list(s3.get_paginator(operation).paginate(Bucket=BUCKET, Prefix=PREFIX + "many/"))
        assert [len(page["Contents"]) for page in pages] == [1000, 1000, 500]
        assert [found["Key"] for page in pages for found in page["Contents"]] == sorted(keys)
        pages = list(s3.get_paginator(operation).paginate(Bucket=BUCKET, Prefix=PREFIX + "many/", Delimiter="/", PaginationConfig={"PageSize": 2}))
        assert [p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])] == [f"{PREFIX}many/{n}/" for n in range(5)]
    versions = [v for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET, Prefix=PREFIX + "many/") for v in page["Versions"]]
    assert [v["Key"] for v in versions] == sorted(keys) and all(v["IsLatest"] and v["VersionId"] == "null" for v in versions)
    for start in range(0, 2500, 1000):
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": k, "VersionId": "null"} for k in keys[start : start + 1000]], "Quiet": True})
    assert "Contents" not in s3.list_objects(Bucket=BUCKET, Prefix=PREFIX + "many/")


def ranges_metadata_and_headers():
    key, data = PREFIX + "ranges", content(1000)
    put = s3.put_object(Bucket=BUCKET, Key=key, Body=data, Metadata={"Mixed-Case": "a  b", "n": "1"}, ContentType="text/x-odd", CacheControl="no-cache", ContentEncoding="gzip")
    assert put["ETag"] == f'"{md5(data)}"'
    assert get(key, Range="bytes=10-19") == data[10:20] and get(key, Range="bytes=-5") == data[-5:] and get(key, Range="bytes=990-") == data[990:]
    assert code(refusal(lambda: get(key, Range="bytes=1000-"), ClientError)) == ("InvalidRange", 416)
    head = s3.head_object(Bucket=BUCKET, Key=key)
    assert (head["ContentLength"], head["ContentType"], head["CacheControl"], head["ContentEncoding"]) == (1000, "text/x-odd", "no-cache", "gzip")
    assert head["Metadata"] == {"mixed-case": "a  b", "n": "1"}, head["Metadata"]
    s3.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": BUCKET, "Key": key}, MetadataDirective="REPLACE", Metadata={"n": "2"})
    assert s3.head_object(Bucket=BUCKET, Key=key)["Metadata"] == {"n": "2"} and get(key) == data
    with_response = s3.get_object(Bucket=BUCKET, Key=key, ResponseContentDisposition='attachment; filename="x"')
    assert with_response["ContentDisposition"] == 'attachment; filename="x"'


def large_objects_go_in_parts():
    key, data = PREFIX + "large/big one.bin", content(13 * MIB)
    s3.upload_fileobj(io.BytesIO(data), BUCKET, key, Config=parts, ExtraArgs={"Metadata": {"kept": "yes"}})
    head = s3.head_object(Bucket=BUCKET, Key=key)
    assert head["ETag"].endswith('-3"') and head["Metadata"] == {"kept": "yes"}
    got = io.BytesIO()
    s3.download_fileobj(BUCKET, key, got, Config=parts)
    assert got.getvalue() == data
    s3.copy({"Bucket": BUCKET, "Key": key}, BUCKET, key + ".copy", Config=parts)
    assert get(key + ".copy") == data
    assert get(key, PartNumber=2) == data[5 * MIB : 10 * MIB]
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
        s3.upload_fileobj(io.BytesIO(data[: 6 * MIB]), BUCKET, key, Config=parts, ExtraArgs={"ChecksumAlgorithm": algorithm})
        assert get(key, ChecksumMode="ENABLED") == data[: 6 * MIB]
        small = s3.put_object(Bucket=BUCKET, Key=key, Body=b"small", ChecksumAlgorithm=algorithm)
        assert small["Checksum" + algorithm] == s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")["Checksum" + algorithm]


def writes_take_conditions():
    key = PREFIX + "conditional"
    first = s3.put_object(Bucket=BUCKET, Key=key, Body=b"1", IfNoneMatch="*")
    assert code(refusal(lambda: s3.put_object(Bucket=BUCKET, Key=key, Body=b"2", IfNoneMatch="*"), ClientError)) == ("PreconditionFailed", 412)
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"3", IfMatch=first["ETag"])
    assert code(refusal(lambda: s3.put_object(Bucket=BUCKET, Key=key, Body=b"4", IfMatch=first["ETag"]), ClientError)) == ("PreconditionFailed", 412)
    assert get(key) == b"3"
    assert code(refusal(lambda: get(key, IfMatch=first["ETag"]), ClientError))[1] == 412
    assert code(refusal(lambda: get(key, IfNoneMatch=f'"{md5(b"3")}"'), ClientError))[1] == 304


def links_work_for_whoever_has_them():
    context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"]) if URL.startswith("https") else None
    key = PREFIX + "linked/ä +&.txt"

    def fetch(link, method="GET", body=None, headers={}):
        asked = urllib.request.Request(link, data=body, method=method, headers=headers)
        return urllib.request.urlopen(asked, context=context).read()

    # Without a version boto3 makes links of Signature Version 2 for endpoints that are not AWS's.
    for signature in (None, "s3v4", "s3"):
        signing = client(signature if signature != "s3" else "s3-query")
        link = signing.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": key})
        fetch(link, "PUT", b"by link", {"Content-Type": ""} if signature != "s3v4" else {})
        link = signing.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key, "ResponseContentType": "text/odd"})
        assert fetch(link) == b"by link", signature
        with clock_behind(minutes=10):
            late = signing.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=60)
        assert refusal(lambda: fetch(late)).code == 403
        assert refusal(lambda: fetch(link.replace("linked", "linkee"))).code == 403


def refusals_are_told():
    wrong = client(aws_access_key_id=KEY, aws_secret_access_key="wrong")
    assert code(refusal(lambda: wrong.list_objects_v2(Bucket=BUCKET), ClientError)) == ("SignatureDoesNotMatch", 403)
    nobody = client(aws_access_key_id="MILLNOBODYNOBODYNOBO", aws_secret_access_key="x")
    assert code(refusal(lambda: nobody.list_objects_v2(Bucket=BUCKET), ClientError)) == ("InvalidAccessKeyId", 403)
    assert code(refusal(lambda: get(PREFIX + "nothing"), ClientError)) == ("NoSuchKey", 404)
    assert code(refusal(lambda: s3.list_objects_v2(Bucket="no-such-bucket-here"), ClientError)) == ("NoSuchBucket", 404)
    with clock_behind(minutes=20):
        assert code(refusal(lambda: client().list_objects_v2(Bucket=BUCKET), ClientError)) == ("RequestTimeTooSkewed", 403)


def tags_are_read_only():
    assert s3.get_object(Bucket=TAG_BUCKET, Key=TAG_PREFIX + "tagged.txt")["Body"].read() == b"as it was"
    for write in (
        lambda: s3.put_object(Bucket=TAG_BUCKET, Key=TAG_PREFIX + "tagged.txt", Body=b"new"),
        lambda: s3.delete_object(Bucket=TAG_BUCKET, Key=TAG_PREFIX + "tagged.txt"),
        lambda: s3.create_multipart_upload(Bucket=TAG_BUCKET, Key=TAG_PREFIX + "tagged.txt"),
    ):
        error = refusal(write, ClientError)
        assert code(error) == ("AccessDenied", 403) and "is a tag, which never changes: write to a branch." in str(error)
    assert s3.delete_objects(Bucket=TAG_BUCKET, Delete={"Objects": [{"Key": TAG_PREFIX + "tagged.txt"}]})["Errors"][0]["Code"] == "AccessDenied"


def buckets_come_and_go():
    s3.create_bucket(Bucket="made-by-boto3")
    assert "made-by-boto3" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket="made-by-boto3")["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert s3.get_bucket_location(Bucket="made-by-boto3")["LocationConstraint"] is None
    s3.put_object(Bucket="made-by-boto3", Key="x", Body=b"x")
    assert code(refusal(lambda: s3.delete_bucket(Bucket="made-by-boto3"), ClientError)) == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket="made-by-boto3", Key="x")
    s3.delete_bucket(Bucket="made-by-boto3")
    assert code(refusal(lambda: s3.head_bucket(Bucket="made-by-boto3"), ClientError)) == ("404", 404)


names_are_kept()
long_listings_come_in_pages()
ranges_metadata_and_headers()
large_objects_go_in_parts()
writes_take_conditions()
links_work_for_whoever_has_them()
refusals_are_told()
tags_are_read_only()
buckets_come_and_go()
