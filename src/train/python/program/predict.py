"""Answers rows with a saved model, for one server: `predict.py FOLDER JOB.json`, with a socket as descriptor 3.

A message, either way, is two little-endian 32-bit numbers (bytes of JSON, bytes of data), the JSON and the data. The first one says that the model is loaded,
or why not. What a model prints goes to the log. It ends when the other end of the socket does, in the middle of an answer too.
"""

import json
import os
import select
import struct
import sys
import threading
import traceback

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
CHANNEL = 3


def main(folder, job):
    threading.Thread(target=end_with_parent, daemon=True).start()
    import frameworks

    try:
        predict = frameworks.load(folder, task=job["task"], classes=job["classes"], features=job["features"], threads=job["threads"])
    except BaseException as error:
        traceback.print_exc()
        return send({"error": told(error)})
    send({"ready": True})
    while (message := receive()) is not None:
        try:
            values = predict(rows_of(*message))
            send({"rows": len(values), "width": values.shape[1]}, values.astype("<f8").tobytes())
        except Exception as error:
            traceback.print_exc()
            send({"error": told(error)})


def rows_of(asked, data):
    import numpy

    rows, at, count = {}, 0, asked["rows"]
    for column in asked["columns"]:
        if "texts" in column:
            codes = numpy.frombuffer(data, "<i4", count, at)
            rows[column["name"]] = numpy.array([*column["texts"], ""], dtype=object)[codes]  # -1, missing, is the last one
            at += 4 * count
        else:
            rows[column["name"]] = numpy.frombuffer(data, "<f8", count, at)
            at += 8 * count
    return rows


def told(error):
    return f"{type(error).__name__}: {error}"[:4000]


def receive():
    head = read(8)
    if head is None:
        return None
    json_bytes, data_bytes = struct.unpack("<II", head)
    return json.loads(read(json_bytes)), read(data_bytes)


def read(size):
    parts = []
    while size > 0:
        part = os.read(CHANNEL, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def send(message, data=b""):
    text = json.dumps(message).encode()
    left = memoryview(struct.pack("<II", len(text), len(data)) + text + data)
    while left:
        left = left[os.write(CHANNEL, left) :]


def end_with_parent():
    poll = select.poll()
    poll.register(CHANNEL, select.POLLHUP)
    poll.poll()
    os._exit(0)


if __name__ == "__main__":
    with open(sys.argv[2]) as file:
        main(sys.argv[1], json.load(file))
