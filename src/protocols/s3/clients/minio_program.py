"""The client of MinIO for python."""
import datetime
import io
import urllib.request

from minio import Minio
from minio.commonconfig import ComposeSource, CopySource, REPLACE
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from kit import AWKWARD, BUCKET, HOST, KEY, MANY, MIB, PREFIX, REGION, SECRET, SECURE, STRANGE, TAG_BUCKET, TAG_PREFIX, content, refusal

s3 = Minio(HOST, access_key=KEY, secret_key=SECRET, secure=SECURE, region=REGION)
AWKWARD = [name for name in AWKWARD if not any(part in (".", "..") for part in name.split("/"))]  # refused by this client


def put(key, data, **more):
    return s3.put_object(bucket_name=BUCKET, object_name=key, data=io.BytesIO(data), length=len(data), **more)


def get(key, **more):
    answer = s3.get_object(bucket_name=BUCKET, object_name=key, **more)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


keys = sorted((PREFIX + "minio/" + name for name in STRANGE + AWKWARD), key=str.encode)
for key in keys:
    put(key, key.encode(), metadata={"n": "1"})
assert [get(key).decode() for key in keys] == keys
assert [o.object_name for o in s3.list_objects(bucket_name=BUCKET, prefix=PREFIX + "minio/", recursive=True)] == keys
assert s3.stat_object(bucket_name=BUCKET, object_name=keys[0]).metadata["x-amz-meta-n"] == "1"
for listing in ({}, {"use_api_v1": True}):
    assert len(list(s3.list_objects(bucket_name=BUCKET, prefix=PREFIX + "many/", recursive=True, **listing))) == len(MANY)
    assert [o.object_name for o in s3.list_objects(bucket_name=BUCKET, prefix=PREFIX + "many/", **listing)] == [f"{PREFIX}many/{n}/" for n in range(5)]

data = content(11 * MIB)
put(PREFIX + "large", data, part_size=5 * MIB)
assert get(PREFIX + "large") == data and get(PREFIX + "large", offset=6 * MIB, length=100) == data[6 * MIB : 6 * MIB + 100]
s3.copy_object(bucket_name=BUCKET, object_name=PREFIX + "copy ü", source=CopySource(bucket_name=BUCKET, object_name=PREFIX + "large"), metadata_directive=REPLACE, metadata={"m": "2"})
assert s3.stat_object(bucket_name=BUCKET, object_name=PREFIX + "copy ü").metadata["x-amz-meta-m"] == "2"
sources = [ComposeSource(bucket_name=BUCKET, object_name=PREFIX + "large"), ComposeSource(bucket_name=BUCKET, object_name=PREFIX + "large", offset=MIB, length=2 * MIB)]
s3.compose_object(bucket_name=BUCKET, object_name=PREFIX + "composed", sources=sources)
assert get(PREFIX + "composed") == data + data[MIB : 3 * MIB]
link = s3.presigned_get_object(bucket_name=BUCKET, object_name=PREFIX + "copy ü", expires=datetime.timedelta(minutes=1))
if not SECURE:
    assert urllib.request.urlopen(link).read() == data
errors = list(s3.remove_objects(bucket_name=BUCKET, delete_object_list=[DeleteObject(key) for key in keys if "\x01" not in key]))
assert errors == [], errors
s3.remove_object(bucket_name=BUCKET, object_name=PREFIX + "minio/control\x01")
assert list(s3.list_objects(bucket_name=BUCKET, prefix=PREFIX + "minio/", recursive=True)) == []
error = refusal(lambda: s3.put_object(bucket_name=TAG_BUCKET, object_name=TAG_PREFIX + "x", data=io.BytesIO(b""), length=0), S3Error)
assert error.code == "AccessDenied" and "write to a branch" in str(error)
assert refusal(lambda: get(PREFIX + "nothing"), S3Error).code == "NoSuchKey"
wrong = Minio(HOST, access_key=KEY, secret_key="wrong", secure=SECURE, region=REGION)
assert refusal(lambda: wrong.stat_object(bucket_name=BUCKET, object_name=PREFIX + "large"), S3Error).code in ("SignatureDoesNotMatch", "AccessDenied")
s3.make_bucket(bucket_name="made-by-minio")
assert s3.bucket_exists(bucket_name="made-by-minio") and "made-by-minio" in [b.name for b in s3.list_buckets()]
s3.remove_bucket(bucket_name="made-by-minio")
