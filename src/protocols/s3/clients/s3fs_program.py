"""s3fs, and through it pandas-like use of fsspec."""
import s3fs

from kit import BUCKET, KEY, MANY, MIB, PREFIX, REGION, SECRET, STRANGE, TAG_BUCKET, TAG_PREFIX, URL, content, refusal

options = dict(key=KEY, secret=SECRET, endpoint_url=URL, client_kwargs={"region_name": REGION}, skip_instance_cache=True)
s3 = s3fs.S3FileSystem(**options)
root = f"{BUCKET}/{PREFIX}fs"

for name in STRANGE:
    s3.pipe_file(f"{root}/names/{name}", name.encode())
assert sorted(s3.find(f"{root}/names")) == sorted(f"{root}/names/{name}" for name in STRANGE)
assert all(s3.cat_file(f"{root}/names/{name}") == name.encode() for name in STRANGE)
assert len(s3.find(f"{BUCKET}/{PREFIX}many")) == len(MANY)
assert [path.rsplit("/", 1)[1] for path in s3.ls(f"{BUCKET}/{PREFIX}many")] == ["0", "1", "2", "3", "4"]
assert len(s3.glob(f"{BUCKET}/{PREFIX}many/*/00[0-4]?")) == 50

data = content(23 * MIB)
with s3.open(f"{root}/big.bin", "wb", block_size=5 * MIB) as file:
    file.write(data)
assert s3.info(f"{root}/big.bin")["size"] == len(data)
assert s3.cat_file(f"{root}/big.bin", start=7 * MIB, end=7 * MIB + 10) == data[7 * MIB : 7 * MIB + 10]
with s3.open(f"{root}/big.bin", "rb") as file:
    assert file.read() == data
with s3.open(f"{root}/big.bin", "ab") as file:
    file.write(b"more")
assert s3.cat_file(f"{root}/big.bin") == data + b"more"
s3.copy(f"{root}/big.bin", f"{root}/copy.bin")
s3.mv(f"{root}/copy.bin", f"{root}/moved.bin")
assert s3.exists(f"{root}/moved.bin") and not s3.exists(f"{root}/copy.bin")
s3.setxattr(f"{root}/moved.bin", origin="here")
assert s3.metadata(f"{root}/moved.bin", refresh=True)["origin"] == "here"
with s3.open(f"{root}/once", "xb") as file:
    file.write(b"1")
refusal(lambda: s3.pipe_file(f"{root}/once", b"2", mode="create"), FileExistsError)
assert s3.cat_file(f"{root}/once") == b"1"
s3.rm(root, recursive=True)
assert not s3.exists(root)
assert s3.cat_file(f"{TAG_BUCKET}/{TAG_PREFIX}tagged.txt") == b"as it was"
assert "never changes: write to a branch" in str(refusal(lambda: s3.pipe_file(f"{TAG_BUCKET}/{TAG_PREFIX}tagged.txt", b"new"), PermissionError))
refusal(lambda: s3fs.S3FileSystem(**{**options, "secret": "wrong"}).ls(root), PermissionError)
s3.mkdir("made-by-s3fs")
s3.touch("made-by-s3fs/x")
s3.rm("made-by-s3fs", recursive=True)
assert "made-by-s3fs" not in s3.ls("", refresh=True)
