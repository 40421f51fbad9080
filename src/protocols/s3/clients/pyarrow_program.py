"""pyarrow's file system: Parquet data sets, folders, ranges, streams."""
import os

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from kit import BUCKET, HOST, KEY, MANY, MIB, PREFIX, REGION, SECRET, SECURE, STRANGE, TAG_BUCKET, TAG_PREFIX, content, refusal

options = {"tls_ca_file_path": os.environ["AWS_CA_BUNDLE"]} if SECURE else {}
s3 = fs.S3FileSystem(access_key=KEY, secret_key=SECRET, region=REGION, scheme="https" if SECURE else "http", endpoint_override=HOST, **options)
root = f"{BUCKET}/{PREFIX}arrow"


def write(path, data):
    with s3.open_output_stream(path) as out:
        out.write(data)


def read(path):
    with s3.open_input_file(path) as file:
        return file.read()


s3.create_dir(root)
for name in STRANGE:
    write(f"{root}/names/{name}", name.encode())
found = s3.get_file_info(fs.FileSelector(f"{root}/names", recursive=True))
assert sorted(f.path for f in found if f.type == fs.FileType.File) == sorted(f"{root}/names/{name}" for name in STRANGE)
assert all(read(f"{root}/names/{name}") == name.encode() for name in STRANGE)
assert s3.get_file_info(f"{root}/nothing").type == fs.FileType.NotFound
many = s3.get_file_info(fs.FileSelector(f"{BUCKET}/{PREFIX}many", recursive=True))
assert sum(f.type == fs.FileType.File for f in many) == len(MANY)

data = content(23 * MIB)
write(f"{root}/big.bin", data)
with s3.open_input_file(f"{root}/big.bin") as file:
    assert file.size() == len(data)
    file.seek(11 * MIB)
    assert file.read(1000) == data[11 * MIB : 11 * MIB + 1000]
assert read(f"{root}/big.bin") == data
s3.copy_file(f"{root}/big.bin", f"{root}/copy.bin")
s3.move(f"{root}/copy.bin", f"{root}/moved.bin")
assert read(f"{root}/moved.bin") == data and s3.get_file_info(f"{root}/copy.bin").type == fs.FileType.NotFound

table = pa.table({"day": ["a", "a", "b"] * 1000, "n": list(range(3000))})
for _ in range(2):
    ds.write_dataset(table, f"{root}/set", format="parquet", partitioning=["day"], filesystem=s3, existing_data_behavior="delete_matching")
again = ds.dataset(f"{root}/set", partitioning=["day"], filesystem=s3)
assert again.count_rows() == 3000 and again.count_rows(filter=ds.field("day") == "b") == 1000
assert pq.read_table(f"{root}/set/a", filesystem=s3).num_rows == 2000

s3.delete_file(f"{root}/moved.bin")
s3.delete_dir(root)
assert s3.get_file_info(root).type == fs.FileType.NotFound
assert read(f"{TAG_BUCKET}/{TAG_PREFIX}tagged.txt") == b"as it was"
assert "never changes: write to a branch" in str(refusal(lambda: write(f"{TAG_BUCKET}/{TAG_PREFIX}tagged.txt", b"new"), OSError))
wrong = fs.S3FileSystem(access_key=KEY, secret_key="wrong", region=REGION, scheme="https" if SECURE else "http", endpoint_override=HOST, **options)
assert "signature" in str(refusal(lambda: wrong.get_file_info(fs.FileSelector(root)), OSError)).lower()

made = fs.S3FileSystem(access_key=KEY, secret_key=SECRET, region=REGION, scheme="https" if SECURE else "http", endpoint_override=HOST, allow_bucket_creation=True, allow_bucket_deletion=True, **options)
made.create_dir("made-by-pyarrow")
made.delete_dir("made-by-pyarrow")
