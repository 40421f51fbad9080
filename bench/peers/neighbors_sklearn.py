"""scikit-learn's nearest neighbours on points that a bench wrote: row-major doubles. Writes the rows found (int64) and prints the seconds of `kneighbors` as JSON.

    neighbors_sklearn.py POINTS ROWS COLUMNS QUERIES NEIGHBOURS FOUND --algorithm brute|kd_tree --threads 2 [--single]

The last QUERIES rows of the file are the queries.
"""

import argparse
import json
import os

parser = argparse.ArgumentParser()
parser.add_argument("points")
for name in ("rows", "columns", "queries", "neighbours"):
    parser.add_argument(name, type=int)
parser.add_argument("found")
parser.add_argument("--algorithm", default="brute")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--single", action="store_true")
given = parser.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(given.threads)

import time  # noqa: E402

import numpy as np  # noqa: E402
from sklearn.neighbors import NearestNeighbors  # noqa: E402

points = np.fromfile(given.points).reshape(-1, given.columns)
points = points.astype(np.float32) if given.single else points
X, Q = points[: given.rows], points[given.rows :]
model = NearestNeighbors(n_neighbors=given.neighbours, algorithm=given.algorithm, n_jobs=given.threads)
model.fit(X[:1000]).kneighbors(Q[:100])
started, used = time.perf_counter(), time.process_time()
rows = model.fit(X).kneighbors(Q, return_distance=False)
seconds, processor = time.perf_counter() - started, time.process_time() - used
rows.astype(np.int64).tofile(given.found)
print(json.dumps({"seconds": seconds, "processor": processor}))
