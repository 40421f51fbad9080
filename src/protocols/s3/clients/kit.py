"""What the client programs have in common: where the door is, and names that gateways get wrong."""
import hashlib
import os
import random

URL = os.environ["S3_URL"]
HOST = URL.split("://")[1]
SECURE = URL.startswith("https")
KEY = os.environ["AWS_ACCESS_KEY_ID"]
SECRET = os.environ["AWS_SECRET_ACCESS_KEY"]
REGION = os.environ["AWS_DEFAULT_REGION"]
BUCKET = os.environ["S3_BUCKET"]
# What stands before every key: "" in a bucket of one branch, "main/" where the bucket shows a repository.
PREFIX = os.environ["S3_PREFIX"]
# A bucket and prefix that show a tag; empty: the server has no tags.
TAG_BUCKET = os.environ.get("S3_TAG_BUCKET", "")
TAG_PREFIX = os.environ.get("S3_TAG_PREFIX", "")
MIB = 1024 * 1024

# Also names of files.
STRANGE = [
    "plain.txt",
    "sp ace and  two.txt",
    "pl+us.txt",
    "per%20cent%.txt",
    "ünïcode-日本-😀.txt",
    "amp&eq=semi;comma,.txt",
    "quotes'\"`<>.txt",
    "tilde~(paren)[bracket]{brace}!$@:.txt",
    "hash#mark.txt",
    "question?mark.txt",
    "star*.txt",
    "dots..in...the....name",
    "deep/er/and/deeper.bin",
]
# Plain keys to S3, never names of files.
AWKWARD = ["double//slash", "a/../b", "../up", "./here", "trailing/", "new\nline", "tab\tbed", "control\x01", "back\\slash", "..."]

# Empty objects that every place has.
MANY = [f"many/{n % 5}/{n:04}" for n in range(2500)]


def content(size, seed=1):
    return random.Random(seed).randbytes(size)


def md5(data):
    return hashlib.md5(data).hexdigest()


def refusal(call, *types):
    """What a call that must be refused throws."""
    try:
        call()
    except (types or Exception) as error:
        return error
    raise AssertionError("was not refused")
