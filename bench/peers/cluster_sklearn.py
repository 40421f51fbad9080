"""scikit-learn's k-means on points that a bench wrote: row-major doubles. Prints seconds of `fit`, inertia and steps as JSON.

    cluster_sklearn.py POINTS ROWS COLUMNS CLUSTERS --threads 2 [--mini-batch] [--single]

The first start is the rows 0, ROWS / CLUSTERS, ...
"""

import argparse
import json
import os

parser = argparse.ArgumentParser()
parser.add_argument("points")
for name in ("rows", "columns", "clusters"):
    parser.add_argument(name, type=int)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--mini-batch", action="store_true")
parser.add_argument("--single", action="store_true")
given = parser.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(given.threads)

import time  # noqa: E402
import warnings  # noqa: E402

import numpy as np  # noqa: E402
from sklearn.cluster import KMeans, MiniBatchKMeans  # noqa: E402

warnings.simplefilter("ignore")
X = np.fromfile(given.points).reshape(given.rows, given.columns)
X = X.astype(np.float32) if given.single else X
if given.mini_batch:
    model = MiniBatchKMeans(given.clusters, n_init=1, random_state=1)
else:
    start = X[np.arange(given.clusters) * (given.rows // given.clusters)]
    model = KMeans(given.clusters, init=start, n_init=1, tol=1e-4, max_iter=300)
    KMeans(2, n_init=1, max_iter=2).fit(X[:1000])
started, used = time.perf_counter(), time.process_time()
model.fit(X)
seconds, processor = time.perf_counter() - started, time.process_time() - used
double = X.astype(np.float64)
centres = model.cluster_centers_.astype(np.float64)
inertia = sum(
    (((double[at : at + 1000, None] - centres) ** 2).sum(2).min(1)).sum() for at in range(0, given.rows, 1000)
)
print(json.dumps({"seconds": seconds, "processor": processor, "inertia": float(inertia), "steps": int(model.n_iter_)}))
